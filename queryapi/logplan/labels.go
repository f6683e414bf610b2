package logplan

import (
	"encoding/base64"
	"encoding/hex"
	"math"
	"strconv"
	"strings"
	"unsafe"

	"github.com/valyala/fastjson"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/logql/pipeline"
	"github.com/instantdevlogs/devlogs/storage"
)

// streamLabels are the labels that all records of a stream share: the resource's attributes, and the scope's name,
// version and attributes.
type streamLabels struct {
	stream   []pipeline.Label
	metadata []pipeline.Label
}

// has tells whether the name is one of the resource's.
func (s *streamLabels) has(name string) bool { return find(s.stream, name) >= 0 }

// value looks a name up among all.
func (s *streamLabels) value(name string) (string, bool) {
	for _, list := range [...][]pipeline.Label{s.stream, s.metadata} {
		if i := find(list, name); i >= 0 && list[i].Value != "" {
			return list[i].Value, true
		}
	}
	return "", false
}

func newStreamLabels(s *storage.Stream) (*streamLabels, error) {
	l := &streamLabels{}
	err := eachAttribute(s.Resource, func(key, value string) {
		if value == "" {
			return // as good as absent
		}
		l.stream = setFirst(l.stream, pipeline.Label{Name: LabelName(key), Value: strings.Clone(value), Kind: pipeline.Stream})
	})
	if err != nil {
		return nil, err
	}
	add := func(name, value string) {
		if value == "" {
			return
		}
		if l.has(name) {
			name += "_extracted"
		}
		l.metadata = setFirst(l.metadata, pipeline.Label{Name: name, Value: strings.Clone(value), Kind: pipeline.Metadata})
	}
	add(nameScopeName, s.ScopeName)
	add(nameScopeVersion, s.ScopeVersion)
	err = eachAttribute(s.Scope, func(key, value string) { add(LabelName(key), value) })
	return l, err
}

// setFirst adds a label unless there is one of that name with a value.
func setFirst(list []pipeline.Label, l pipeline.Label) []pipeline.Label {
	switch i := find(list, l.Name); {
	case i < 0:
		return append(list, l)
	case list[i].Value == "":
		list[i] = l
	}
	return list
}

func find(list []pipeline.Label, name string) int {
	for i := range list {
		if list[i].Name == name {
			return i
		}
	}
	return -1
}

// maxStreamsKept bounds what is remembered of streams that were met.
const maxStreamsKept = 10_000

// labeller gives the labels of records. It is used by one goroutine.
type labeller struct {
	need     map[string]struct{} // nil: all
	streams  map[uint64]*streamLabels
	parser   fastjson.Parser
	path     []byte
	names    map[string]string
	texts    []byte
	own      []pipeline.Label
	metadata []pipeline.Label
}

func newLabeller(need []string) *labeller {
	l := &labeller{streams: map[uint64]*streamLabels{}, names: map[string]string{}}
	if need != nil {
		l.need = map[string]struct{}{}
		for _, name := range need {
			l.need[name] = struct{}{}
		}
	}
	return l
}

func (l *labeller) needs(name string) bool {
	if l.need == nil {
		return true
	}
	_, ok := l.need[name]
	return ok
}

// shared returns the labels of a record's stream.
func (l *labeller) shared(s *storage.Stream) (*streamLabels, error) {
	if labels, ok := l.streams[s.ID]; ok {
		return labels, nil
	}
	labels, err := newStreamLabels(s)
	if err == nil {
		if len(l.streams) >= maxStreamsKept {
			clear(l.streams) // a tail may go on for weeks
		}
		l.streams[s.ID] = labels
	}
	return labels, err
}

// label puts the record's labels into dst. They are valid until the next call.
func (l *labeller) label(r *storage.Record, dst *pipeline.Labels) error {
	shared, err := l.shared(r.Stream)
	if err != nil {
		return err
	}
	l.texts, l.own = l.texts[:0], l.own[:0]
	l.columns(r)
	if l.needsAttributes() {
		if err := l.attributes(r.Attributes); err != nil {
			return err
		}
	}
	l.metadata = append(l.metadata[:0], shared.metadata...)
	for _, own := range l.own {
		if shared.has(own.Name) {
			own.Name += "_extracted"
		}
		if find(shared.metadata, own.Name) < 0 {
			l.metadata = append(l.metadata, own)
		}
	}
	dst.Reset(shared.stream, l.metadata)
	return nil
}

// columns adds what stands in columns of its own.
func (l *labeller) columns(r *storage.Record) {
	if !r.TraceID.IsEmpty() {
		l.text("trace_id", func(b []byte) []byte { return hex.AppendEncode(b, r.TraceID[:]) })
	}
	if !r.SpanID.IsEmpty() {
		l.text("span_id", func(b []byte) []byte { return hex.AppendEncode(b, r.SpanID[:]) })
	}
	if r.Severity != 0 {
		l.text("severity_number", func(b []byte) []byte { return strconv.AppendInt(b, int64(r.Severity), 10) })
	}
	if r.Flags != 0 {
		l.text("flags", func(b []byte) []byte { return strconv.AppendUint(b, uint64(r.Flags), 10) })
	}
	if r.Observed != 0 {
		l.text("observed_timestamp", func(b []byte) []byte { return strconv.AppendUint(b, uint64(r.Observed), 10) })
	}
	l.add("severity_text", r.SeverityText)
	l.add("event_name", r.EventName)
	l.add(nameDetectedLevel, Level(r.Severity, r.SeverityText))
}

func (l *labeller) text(name string, write func([]byte) []byte) {
	if l.needs(name) {
		from := len(l.texts)
		l.texts = write(l.texts)
		l.add(name, view(l.texts[from:]))
	}
}

func (l *labeller) add(name, value string) {
	if value != "" && l.needs(name) {
		l.own = append(l.own, pipeline.Label{Name: name, Value: value, Kind: pipeline.Metadata})
	}
}

// needsAttributes tells whether a label is needed that columns don't give.
func (l *labeller) needsAttributes() bool {
	if l.need == nil {
		return true
	}
	for name := range l.need {
		if _, column := recordFields[name]; !column && name != nameDetectedLevel || column && find(l.own, name) < 0 {
			return true
		}
	}
	return false
}

// attributes adds a record's attributes. Where two have the same label, the first that has a value gives it; a column goes
// before them all.
func (l *labeller) attributes(typed string) error {
	if typed == "" || typed == "{}" {
		return nil
	}
	if strings.Contains(typed, `"$`) {
		return l.unusual(typed)
	}
	v, err := l.parser.Parse(typed)
	if err != nil {
		return err
	}
	l.path = l.path[:0]
	l.object(v)
	return nil
}

func (l *labeller) object(v *fastjson.Value) {
	object, err := v.Object()
	if err != nil {
		return
	}
	object.Visit(func(key []byte, value *fastjson.Value) {
		parent := len(l.path)
		if parent > 0 {
			l.path = append(l.path, '.')
		}
		l.path = append(l.path, key...)
		l.value(value)
		l.path = l.path[:parent]
	})
}

func (l *labeller) value(v *fastjson.Value) {
	if v.Type() == fastjson.TypeObject {
		l.object(v)
		return
	}
	name, known := l.names[string(l.path)]
	if !known {
		if len(l.names) > 10_000 {
			clear(l.names)
		}
		name = LabelName(string(l.path))
		l.names[string(l.path)] = name
	}
	if !l.needs(name) {
		return
	}
	switch v.Type() {
	case fastjson.TypeNull:
	case fastjson.TypeString:
		if text, _ := v.StringBytes(); len(text) > 0 {
			l.set(name, view(text))
		}
	default:
		from := len(l.texts)
		l.texts = v.MarshalTo(l.texts)
		l.set(name, strings.TrimSuffix(view(l.texts[from:]), ".0"))
	}
}

func (l *labeller) set(name, value string) {
	l.own = setFirst(l.own, pipeline.Label{Name: name, Value: value, Kind: pipeline.Metadata})
}

// unusual adds attributes of which some have no form in plain JSON.
func (l *labeller) unusual(typed string) error {
	return eachAttribute(typed, func(key, value string) {
		if name := LabelName(key); value != "" && l.needs(name) {
			l.set(name, value)
		}
	})
}

// eachAttribute visits the attributes of a typed JSON object as texts; those in nested maps have the path joined by dots
// as key.
func eachAttribute(typed string, visit func(key, value string)) error {
	if typed == "" || typed == "{}" {
		return nil
	}
	m := pcommon.NewMap()
	if err := storage.DecodeMap(typed, m); err != nil {
		return err
	}
	walk("", m, visit)
	return nil
}

func walk(prefix string, m pcommon.Map, visit func(key, value string)) {
	for key, v := range m.All() {
		if v.Type() == pcommon.ValueTypeMap {
			walk(prefix+key+".", v.Map(), visit)
		} else {
			visit(prefix+key, textOf(v))
		}
	}
}

// textOf is a value as the text of a label.
func textOf(v pcommon.Value) string {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		return strings.ToValidUTF8(v.Str(), "\uFFFD")
	case pcommon.ValueTypeBytes:
		return base64.StdEncoding.EncodeToString(v.Bytes().AsRaw())
	case pcommon.ValueTypeEmpty:
		return ""
	case pcommon.ValueTypeDouble:
		if f := v.Double(); math.IsNaN(f) || math.IsInf(f, 0) {
			return strconv.FormatFloat(f, 'g', -1, 64)
		}
	}
	text := string(storage.AppendValue(nil, v))
	if v.Type() == pcommon.ValueTypeDouble {
		text = strings.TrimSuffix(text, ".0")
	}
	return text
}

func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
