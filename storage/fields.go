package storage

import (
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// A field list is for people and for completion: it stops where it would no longer help them.
const (
	maxFieldDepth = 4   // levels of nested maps that are listed
	maxFieldName  = 256 // bytes; longer keys are stored and can be queried, but are not listed
	maxFieldCount = 4096
)

// noteFields adds the attribute keys that the batch has not shown yet. Records of one service mostly have the same keys in
// the same order, so each key is first compared with the one at its place in the record before: that is all the common
// case costs.
func (r *Rows) noteFields(service string, attributes pcommon.Map) {
	i := 0
	for key, value := range attributes.All() {
		kind := fieldType(value)
		if i < len(r.shape) {
			if f := &r.shape[i]; f.Type == kind && kind != TypeMap && f.Name == key && f.Service == service {
				i++
				continue
			}
		}
		field := Field{Service: service, Name: key, Path: "/" + pointerToken(key), Type: kind}
		if i < len(r.shape) {
			r.shape[i] = field
		} else {
			r.shape = append(r.shape, field)
		}
		i++
		r.noteField(field, value, 1)
	}
}

func (r *Rows) noteField(field Field, value pcommon.Value, depth int) {
	if len(field.Path) > maxFieldName || !plainKey(field.Name) {
		return
	}
	if _, known := r.fields[field]; !known {
		if len(r.Fields) == maxFieldCount {
			return
		}
		r.fields[field] = struct{}{}
		r.Fields = append(r.Fields, field)
	}
	if field.Type != TypeMap || depth == maxFieldDepth {
		return
	}
	for key, inner := range value.Map().All() {
		if plainKey(key) {
			r.noteField(Field{
				Service: field.Service, Name: field.Name + "." + key,
				Path: field.Path + "/" + pointerToken(key), Type: fieldType(inner),
			}, inner, depth+1)
		}
	}
}

func fieldType(v pcommon.Value) FieldType {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		return TypeString
	case pcommon.ValueTypeBool:
		return TypeBool
	case pcommon.ValueTypeInt:
		return TypeInt
	case pcommon.ValueTypeDouble:
		return TypeDouble
	case pcommon.ValueTypeBytes:
		return TypeBytes
	case pcommon.ValueTypeMap:
		return TypeMap
	case pcommon.ValueTypeSlice:
		return TypeArray
	default:
		return TypeNull
	}
}

var pointerEscaper = strings.NewReplacer("~", "~0", "/", "~1")

// pointerToken escapes a key for a JSON pointer (RFC 6901).
func pointerToken(key string) string {
	if !strings.ContainsAny(key, "~/") {
		return key
	}
	return pointerEscaper.Replace(key)
}

// Pointer is the JSON pointer of an attribute's path, as in Field.Path.
func (f FieldRef) Pointer() string {
	var b strings.Builder
	for _, key := range f.Path {
		b.WriteByte('/')
		b.WriteString(pointerToken(key))
	}
	return b.String()
}
