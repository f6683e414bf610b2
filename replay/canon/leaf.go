package canon

import (
	"strconv"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// Kind is the type of a leaf's value.
type Kind uint8

const (
	Null Kind = iota
	String
	Bool
	Int
	Double
	Bytes // value in raw bytes
	Map   // the map itself, beside its items: {"a":{}} is not {}; value is empty
	Array // likewise
	Time  // nanoseconds since 1970, in decimal
	ID    // a trace or span id, in hex
)

var kindNames = [...]string{"null", "string", "bool", "int", "double", "bytes", "map", "array", "time", "id"}

func (k Kind) String() string { return kindNames[k] }

// Leaf is one value of a record.
type Leaf struct {
	Path  []byte // like "resource.service.name", "scope.name", "body", "body.items[0].id", "attributes.http.status", "time"
	Kind  Kind
	Value []byte
}

// Projection changes a leaf on its way, or drops it by returning false. It may replace the slices, not write into them.
// It must depend on nothing but the leaf.
type Projection func(*Leaf) bool

// walker visits leaves. Its buffers are reused from record to record.
type walker struct {
	path    []byte
	value   []byte
	project Projection
	visit   func(*Leaf)
	leaf    Leaf
}

func (w *walker) emit(kind Kind, value []byte) {
	w.leaf = Leaf{Path: w.path, Kind: kind, Value: value}
	if w.project == nil || w.project(&w.leaf) {
		w.visit(&w.leaf)
	}
	w.value = value[:0]
}

func (w *walker) text(path, s string) {
	if s != "" {
		w.path = append(w.path[:0], path...)
		w.emit(String, append(w.value[:0], s...))
	}
}

func (w *walker) number(path string, kind Kind, n uint64) {
	if n != 0 {
		w.path = append(w.path[:0], path...)
		w.emit(kind, strconv.AppendUint(w.value[:0], n, 10))
	}
}

// stream visits what a record inherits.
func (w *walker) stream(r *Record) {
	w.values("resource.", r.Resource.Attributes())
	w.number("resource.dropped_attributes_count", Int, uint64(r.Resource.DroppedAttributesCount()))
	w.text("resource.schema_url", r.ResourceSchema)
	w.text("scope.name", r.Scope.Name())
	w.text("scope.version", r.Scope.Version())
	w.values("scope.attributes.", r.Scope.Attributes())
	w.number("scope.dropped_attributes_count", Int, uint64(r.Scope.DroppedAttributesCount()))
	w.text("scope.schema_url", r.ScopeSchema)
}

// record visits what is the record's own.
func (w *walker) record(r *Record) {
	log := r.Log
	w.number("time", Time, uint64(log.Timestamp()))
	w.number("observed_time", Time, uint64(log.ObservedTimestamp()))
	if n := log.SeverityNumber(); n != 0 {
		w.path = append(w.path[:0], "severity_number"...)
		w.emit(Int, strconv.AppendInt(w.value[:0], int64(n), 10))
	}
	w.text("severity_text", log.SeverityText())
	w.text("event_name", log.EventName())
	if id := log.TraceID(); !id.IsEmpty() {
		w.id("trace_id", id[:])
	}
	if id := log.SpanID(); !id.IsEmpty() {
		w.id("span_id", id[:])
	}
	w.number("flags", Int, uint64(log.Flags()))
	w.number("dropped_attributes_count", Int, uint64(log.DroppedAttributesCount()))
	if log.Body().Type() != pcommon.ValueTypeEmpty {
		w.path = append(w.path[:0], "body"...)
		w.any(log.Body())
	}
	w.values("attributes.", log.Attributes())
}

func (w *walker) id(path string, id []byte) {
	const hex = "0123456789abcdef"
	w.path = append(w.path[:0], path...)
	value := w.value[:0]
	for _, b := range id {
		value = append(value, hex[b>>4], hex[b&15])
	}
	w.emit(ID, value)
}

func (w *walker) values(prefix string, m pcommon.Map) {
	w.path = append(w.path[:0], prefix...)
	w.items(m)
}

// items visits what m holds, each below w.path. OTLP forbids a key to be there twice; when it is, the last one counts, as
// in the JSON of every store.
func (w *walker) items(m pcommon.Map) {
	end, i := len(w.path), 0
	for key, value := range m.All() {
		if i++; !again(m, key, i) {
			w.path = append(w.path[:end], key...)
			w.any(value)
		}
	}
	w.path = w.path[:end]
}

// again says whether key is in m after the first n items.
func again(m pcommon.Map, key string, n int) bool {
	i := 0
	for other := range m.All() {
		if i++; i > n && other == key {
			return true
		}
	}
	return false
}

// any visits a value that lies at w.path, which is as before when it returns.
func (w *walker) any(v pcommon.Value) {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		w.emit(String, append(w.value[:0], v.Str()...))
	case pcommon.ValueTypeBool:
		w.emit(Bool, strconv.AppendBool(w.value[:0], v.Bool()))
	case pcommon.ValueTypeInt:
		w.emit(Int, strconv.AppendInt(w.value[:0], v.Int(), 10))
	case pcommon.ValueTypeDouble:
		w.emit(Double, strconv.AppendFloat(w.value[:0], v.Double(), 'g', -1, 64))
	case pcommon.ValueTypeBytes:
		w.emit(Bytes, append(w.value[:0], v.Bytes().AsRaw()...))
	case pcommon.ValueTypeMap:
		w.emit(Map, w.value[:0])
		end := len(w.path)
		w.path = append(w.path, '.')
		w.items(v.Map())
		w.path = w.path[:end]
	case pcommon.ValueTypeSlice:
		w.emit(Array, w.value[:0])
		end := len(w.path)
		for i, item := range v.Slice().All() {
			w.path = append(strconv.AppendInt(append(w.path[:end], '['), int64(i), 10), ']')
			w.any(item)
		}
		w.path = w.path[:end]
	default:
		w.emit(Null, w.value[:0])
	}
}
