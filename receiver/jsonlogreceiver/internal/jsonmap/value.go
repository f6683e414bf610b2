package jsonmap

import (
	"math"
	"strconv"
	"strings"

	"github.com/instantdevlogs/devlogs/receiver/jsonlogreceiver/internal/jsontape"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// setValue copies a JSON value, members and elements that are taken left out.
func (m *Mapper) setValue(dst pcommon.Value, node uint32) {
	switch n := &m.tape.Nodes[node]; n.Kind {
	case jsontape.Null: // stays empty
	case jsontape.False, jsontape.True:
		dst.SetBool(n.Kind == jsontape.True)
	case jsontape.String:
		dst.SetStr(m.tape.Str(node))
	case jsontape.Int, jsontape.Double:
		setNumber(dst, m.tape.Raw(node), n.Kind)
	case jsontape.Array:
		list := dst.SetEmptySlice()
		for e := range m.tape.Elements(node) {
			m.setValue(list.AppendEmpty(), e)
		}
	case jsontape.Object:
		object := dst.SetEmptyMap()
		for k := range m.tape.Members(node) {
			if !m.tape.Taken(k+1) && !m.emptied(k+1) {
				m.setValue(object.PutEmpty(strings.Clone(m.tape.Str(k))), k+1)
			}
		}
	}
}

// setNumber keeps integers and doubles apart. A number that neither can hold, such as an unsigned 64-bit id or 1e999,
// is kept as text, digit for digit.
func setNumber(dst pcommon.Value, raw string, kind jsontape.Kind) {
	if kind == jsontape.Int {
		if n, err := strconv.ParseInt(raw, 10, 64); err == nil {
			dst.SetInt(n)
			return
		}
		dst.SetStr(raw)
		return
	}
	switch raw {
	case "NaN":
		dst.SetDouble(math.NaN())
	case "Infinity":
		dst.SetDouble(math.Inf(1))
	case "-Infinity":
		dst.SetDouble(math.Inf(-1))
	default:
		if f, err := strconv.ParseFloat(raw, 64); err == nil {
			dst.SetDouble(f)
			return
		}
		dst.SetStr(raw)
	}
}

// setAttributes writes what is left of the object, then what protocol and settings add. A name that is there twice keeps
// its last value; OTLP has a count for the others.
func (m *Mapper) setAttributes(dst pcommon.Map) (dropped uint32) {
	left := len(m.extraNodes) + len(m.extra)
	for i := range m.fields {
		if !m.tape.Taken(m.fields[i].node) {
			left++
		}
	}
	dst.EnsureCapacity(left)
	for _, fields := range [...][]field{m.fields, m.extraNodes} {
		for _, f := range fields {
			if m.tape.Taken(f.node) || m.emptied(f.node) {
				continue
			}
			v, there := dst.GetOrPutEmpty(f.name)
			if there {
				dropped++
				pcommon.NewValueEmpty().CopyTo(v)
			}
			m.setValue(v, f.node)
		}
	}
	for _, pair := range m.extra {
		dst.PutStr(pair.Key, pair.Value)
	}
	return dropped
}

// emptied tells whether all members of a nested object were used for other parts of the record.
func (m *Mapper) emptied(node uint32) bool {
	if !m.nested || m.tape.Nodes[node].Kind != jsontape.Object || m.tape.Nodes[node].Next == node+1 {
		return false
	}
	for k := range m.tape.Members(node) {
		if !m.tape.Taken(k+1) && !m.emptied(k+1) {
			return false
		}
	}
	return true
}
