package storage

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"unicode/utf8"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// Values reads the fields of one record as conditions and aggregations see them. Attributes are decoded when the first of them
// is asked for; what can't be decoded is an error.
type Values struct {
	record     *Record
	attributes pcommon.Map
	decoded    bool
}

// ValuesOf reads a record, which must not change meanwhile.
func ValuesOf(r *Record) Values { return Values{record: r} }

// Text is a field's text as Text defines it.
func (v *Values) Text(f FieldRef) (string, error) {
	r := v.record
	switch f.Kind {
	case FieldBody:
		return r.Body, nil
	case FieldSeverity:
		return strconv.Itoa(int(r.Severity)), nil
	case FieldSeverityText:
		return r.SeverityText, nil
	case FieldStream:
		return strconv.FormatUint(r.Stream.ID, 10), nil
	case FieldTraceID:
		if r.TraceID.IsEmpty() {
			return "", nil
		}
		return hex.EncodeToString(r.TraceID[:]), nil
	case FieldSpanID:
		if r.SpanID.IsEmpty() {
			return "", nil
		}
		return hex.EncodeToString(r.SpanID[:]), nil
	case FieldEventName:
		return r.EventName, nil
	case FieldFlags:
		return strconv.FormatUint(uint64(r.Flags), 10), nil
	case FieldObserved:
		return strconv.FormatUint(uint64(r.Observed), 10), nil
	}
	value, ok, err := v.attribute(f.Path)
	switch {
	case err != nil || !ok || value.Type() == pcommon.ValueTypeEmpty:
		return "", err
	case value.Type() == pcommon.ValueTypeStr && utf8.ValidString(value.Str()):
		return value.Str(), nil
	}
	return string(AppendValue(nil, value)), nil
}

// numeric is what text counts as a number.
var numeric = regexp.MustCompile(`^[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// Number is a field as Number defines it; false when it is none.
func (v *Values) Number(f FieldRef) (float64, bool, error) {
	if f.Kind == FieldSeverity {
		return float64(v.record.Severity), true, nil
	}
	text, err := v.Text(f)
	if err != nil || !numeric.MatchString(text) {
		return 0, false, err
	}
	n, err := strconv.ParseFloat(text, 64)
	return n, err == nil, nil // out of range: not a number
}

// Has tells whether a field is there as Has defines it.
func (v *Values) Has(f FieldRef) (bool, error) {
	switch f.Kind {
	case FieldAttribute:
		_, ok, err := v.attribute(f.Path)
		return ok, err
	case FieldBody:
		return v.record.BodyKind != BodyEmpty, nil
	}
	text, err := v.Text(f)
	return text != "" && text != "0", err
}

// attribute finds the value at a path of keys.
func (v *Values) attribute(path []string) (value pcommon.Value, ok bool, err error) {
	if !v.decoded {
		v.decoded, v.attributes = true, pcommon.NewMap()
		if err := DecodeMap(v.record.Attributes, v.attributes); err != nil {
			return value, false, fmt.Errorf("attributes of record %s: %w", v.record.ID, err)
		}
	}
	m := v.attributes
	for i, key := range path {
		value, ok = m.Get(key)
		if !ok || i == len(path)-1 {
			return value, ok, nil
		}
		if value.Type() != pcommon.ValueTypeMap {
			return value, false, nil
		}
		m = value.Map()
	}
	return value, false, nil
}
