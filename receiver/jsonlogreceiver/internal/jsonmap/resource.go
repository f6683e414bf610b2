package jsonmap

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/instantdevlogs/devlogs/receiver/jsonlogreceiver/internal/jsontape"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// resourceField is one attribute of the record's resource. Only scalars are: a resource identifies a stream of logs.
type resourceField struct {
	name  string
	value string
	kind  jsontape.Kind
}

// offerResource uses a member for a resource attribute, if it can be one and the attribute is not set yet.
func (m *Mapper) offerResource(name string, node uint32) bool {
	n := &m.tape.Nodes[node]
	f := resourceField{name: name, kind: n.Kind}
	switch n.Kind {
	case jsontape.String:
		f.value = m.tape.Str(node)
	case jsontape.Int, jsontape.Double:
		f.value = m.tape.Raw(node)
	case jsontape.True, jsontape.False:
	default:
		return false
	}
	if n.Kind == jsontape.String && f.value == "" {
		return false
	}
	for i := range m.resource {
		if m.resource[i].name == name {
			return false
		}
	}
	m.resource = append(m.resource, f)
	m.tape.Take(node)
	return true
}

// resourceKey is the same for records of the same resource, and no other.
func (m *Mapper) resourceKey() []byte {
	if len(m.resource) > 1 {
		slices.SortFunc(m.resource, func(a, b resourceField) int { return cmp.Compare(a.name, b.name) })
	}
	key := m.key[:0]
	for i := range m.resource {
		f := &m.resource[i]
		key = binary.AppendUvarint(key, uint64(len(f.name)))
		key = append(key, f.name...)
		key = append(key, byte(f.kind))
		key = binary.AppendUvarint(key, uint64(len(f.value)))
		key = append(key, f.value...)
	}
	m.key = key
	return key
}

// writeResource fills a new resource. It copies the text: stores keep resources long after their batch.
func (m *Mapper) writeResource(dst pcommon.Map) {
	dst.EnsureCapacity(len(m.resource))
	for i := range m.resource {
		f := &m.resource[i]
		switch v := dst.PutEmpty(strings.Clone(f.name)); f.kind {
		case jsontape.True, jsontape.False:
			v.SetBool(f.kind == jsontape.True)
		case jsontape.String:
			v.SetStr(strings.Clone(f.value))
		default:
			setNumber(v, strings.Clone(f.value), f.kind)
		}
	}
}
