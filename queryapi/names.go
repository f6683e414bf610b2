package queryapi

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/queryapi/logplan"
	"github.com/instantdevlogs/devlogs/storage"
)

// field is what a name in a query stands for. A record's value is that of its stream, if the name is one of the stream's
// resource or scope, else the first of refs that the record has. A name that nothing has is a field without values.
type field struct {
	name    string
	level   bool              // the level, which is computed
	streams map[uint64]string // the value of every record of a stream
	refs    []storage.FieldRef
}

// recordNames are the names of what every record has beside its attributes. They are those that Loki's OTLP intake gives.
var recordNames = map[string]storage.FieldKind{
	"body":               storage.FieldBody,
	"trace_id":           storage.FieldTraceID,
	"span_id":            storage.FieldSpanID,
	"severity_text":      storage.FieldSeverityText,
	"severity_number":    storage.FieldSeverity,
	"event_name":         storage.FieldEventName,
	"flags":              storage.FieldFlags,
	"observed_timestamp": storage.FieldObserved,
}

// The names of what a stream has beside its attributes.
const (
	nameService      = "service"
	nameScopeName    = "scope_name"
	nameScopeVersion = "scope_version"
	nameLevel        = "level"
	nameDetected     = "detected_level" // Loki's word for level
)

// Resolve finds what a name stands for in the logs of a time range: a name of the record itself, or a resource, scope or
// record attribute by its key ("http.status_code") or its label ("http_status_code").
func (s *Source) Resolve(ctx context.Context, r timeRange, name string) (*field, error) {
	f := &field{name: name}
	if name == nameLevel || name == nameDetected {
		f.level = true
		return f, nil
	}
	if kind, ok := recordNames[name]; ok {
		f.refs = []storage.FieldRef{{Kind: kind}}
		return f, nil
	}
	for stream, err := range s.Streams(ctx, r.Start, r.End) {
		if err != nil {
			return nil, err
		}
		value, ok, err := streamValue(&stream, name)
		if err != nil {
			return nil, err
		}
		if ok {
			if f.streams == nil {
				f.streams = map[uint64]string{}
			}
			f.streams[stream.ID] = value
		}
	}
	if name == nameService || name == nameScopeName || name == nameScopeVersion {
		return f, nil
	}
	fields, err := s.Fields(ctx, "")
	if err != nil {
		return nil, err
	}
	for _, known := range fields {
		if known.Type != storage.TypeMap && names(known.Name, name) {
			if ref := refOf(known.Path); !slices.ContainsFunc(f.refs, ref.equal) {
				f.refs = append(f.refs, ref.FieldRef)
			}
		}
	}
	return f, nil
}

// streamValue looks a name up in what a stream's records share.
func streamValue(s *storage.Stream, name string) (value string, ok bool, err error) {
	switch name {
	case nameService:
		return s.Service, s.Service != "", nil
	case nameScopeName:
		return s.ScopeName, s.ScopeName != "", nil
	case nameScopeVersion:
		return s.ScopeVersion, s.ScopeVersion != "", nil
	}
	for _, typed := range [...]string{s.Resource, s.Scope} {
		err := eachAttribute(typed, func(key string, v pcommon.Value) {
			if !ok && names(key, name) {
				value, ok = textOf(v), true
			}
		})
		if err != nil || ok {
			return value, ok, err
		}
	}
	return "", false, nil
}

// eachAttribute visits the attributes of a typed JSON object; those in nested maps have the path joined by dots as key.
func eachAttribute(typed string, visit func(key string, v pcommon.Value)) error {
	if typed == "" || typed == "{}" {
		return nil
	}
	m := pcommon.NewMap()
	if err := storage.DecodeMap(typed, m); err != nil {
		return err
	}
	var walk func(prefix string, m pcommon.Map)
	walk = func(prefix string, m pcommon.Map) {
		for key, v := range m.All() {
			if v.Type() == pcommon.ValueTypeMap {
				walk(prefix+key+".", v.Map())
			} else {
				visit(prefix+key, v)
			}
		}
	}
	walk("", m)
	return nil
}

// names tells whether a name in a query means an attribute: it is the attribute's key or its label.
func names(key, name string) bool { return key == name || logplan.LabelName(key) == name }

// attributeRef is a reference to a record attribute.
type attributeRef struct{ storage.FieldRef }

// refOf reads the JSON pointer of storage.Field.
func refOf(pointer string) attributeRef {
	tokens := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, token := range tokens {
		tokens[i] = pointerUnescaper.Replace(token)
	}
	return attributeRef{storage.FieldRef{Kind: storage.FieldAttribute, Path: tokens}}
}

var pointerUnescaper = strings.NewReplacer("~1", "/", "~0", "~")

func (r attributeRef) equal(other storage.FieldRef) bool {
	return r.Kind == other.Kind && slices.Equal(r.Path, other.Path)
}

// mostValues is the most values that the field can have, where that is known without counting.
func (f *field) mostValues() (n int, ok bool) {
	switch {
	case f.level:
		return levelValues, true
	case f.streams != nil && len(f.refs) == 0:
		return len(f.streams) + 1, true
	}
	return 0, false
}

const levelValues = 7 // OTLP's six, and unknown

// part is a way to group by a field: records that match where are grouped by by, and value reads the group.
type part struct {
	where storage.Expr
	by    []storage.FieldRef
	value func(group []string) string
}

// parts tell how a store groups by the field. Every record matches exactly one part.
func (f *field) parts() []part {
	severity := storage.FieldRef{Kind: storage.FieldSeverity}
	none := storage.Number{Field: severity, Op: storage.NumberLessEqual, Value: 0}
	if f.level {
		return []part{
			{storage.Not{X: none}, []storage.FieldRef{severity}, func(group []string) string {
				n, _ := strconv.ParseInt(group[0], 10, 32)
				return logplan.Level(int32(n), "")
			}},
			{none, []storage.FieldRef{{Kind: storage.FieldSeverityText}}, func(group []string) string {
				return logplan.Level(0, group[0])
			}},
		}
	}
	if f.streams == nil {
		return []part{{nil, f.refs, firstText}}
	}
	by := append([]storage.FieldRef{{Kind: storage.FieldStream}}, f.refs...)
	return []part{{nil, by, func(group []string) string {
		id, _ := strconv.ParseUint(group[0], 10, 64)
		if value, ok := f.streams[id]; ok {
			return value
		}
		return firstText(group[1:])
	}}}
}

func firstText(group []string) string {
	for _, text := range group {
		if text != "" {
			return text
		}
	}
	return ""
}

// only matches the records whose value is one of a few, when the store can tell: not when the field is in several places.
func (f *field) only(values []string) (storage.Expr, bool) {
	switch {
	case f.level || f.streams != nil && len(f.refs) > 0 || len(f.refs) > 1:
		return nil, false
	case f.streams != nil:
		var in storage.InStreams
		for id, value := range f.streams {
			if slices.Contains(values, value) {
				in.IDs = append(in.IDs, id)
			}
		}
		slices.Sort(in.IDs)
		return in, !slices.Contains(values, "")
	case len(f.refs) == 1:
		var or storage.Or
		for _, value := range values {
			or = append(or, storage.Text{Field: f.refs[0], Op: storage.TextEqual, Value: value})
		}
		return or, true
	default:
		return nil, false
	}
}
