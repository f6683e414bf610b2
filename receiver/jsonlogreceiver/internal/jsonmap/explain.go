package jsonmap

import (
	"encoding/hex"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// Explanation shows a record as it would be stored, and where its parts came from.
type Explanation struct {
	Index          int               `json:"index"`
	Line           int               `json:"line"`
	Time           string            `json:"time,omitempty"`          // RFC 3339; absent: the record has none
	ObservedTime   string            `json:"observed_time,omitempty"` // set when there is no time
	SeverityNumber int32             `json:"severity_number"`
	SeverityText   string            `json:"severity_text,omitempty"`
	Body           any               `json:"body"`
	TraceID        string            `json:"trace_id,omitempty"`
	SpanID         string            `json:"span_id,omitempty"`
	Flags          uint32            `json:"trace_flags,omitempty"`
	Attributes     map[string]any    `json:"attributes,omitempty"`
	Resource       map[string]any    `json:"resource,omitempty"`
	Dropped        uint32            `json:"dropped_attributes_count,omitempty"`
	From           map[string]string `json:"from"` // part of the record -> the field it was read from
}

var roleNames = [roles]string{
	timestamp: "time", severity: "severity", message: "body", traceID: "trace_id", spanID: "span_id",
	traceFlags: "trace_flags", service: "service.name",
}

// Explain adds the prepared record to b and tells what became of it.
func (b *Batch) Explain(m *Mapper, arrival pcommon.Timestamp) Explanation {
	record := b.Add(m, arrival)
	e := Explanation{
		Time:           formatTime(record.Timestamp()),
		ObservedTime:   formatTime(record.ObservedTimestamp()),
		SeverityNumber: int32(record.SeverityNumber()),
		SeverityText:   record.SeverityText(),
		Body:           jsonValue(record.Body()),
		Flags:          uint32(record.Flags()),
		Attributes:     jsonMap(record.Attributes()),
		Dropped:        record.DroppedAttributesCount(),
		From:           map[string]string{},
	}
	if id := record.TraceID(); !id.IsEmpty() {
		e.TraceID = hex.EncodeToString(id[:])
	}
	if id := record.SpanID(); !id.IsEmpty() {
		e.SpanID = hex.EncodeToString(id[:])
	}
	resource := pcommon.NewMap()
	m.writeResource(resource)
	e.Resource = jsonMap(resource)
	for role, name := range m.sources {
		if name != "" {
			e.From[roleNames[role]] = name
		}
	}
	return e
}

func formatTime(t pcommon.Timestamp) string {
	if t == 0 {
		return ""
	}
	return t.AsTime().Format(time.RFC3339Nano)
}

// jsonMap and jsonValue give values that encoding/json can write: it has no NaN and no infinities.
func jsonMap(m pcommon.Map) map[string]any {
	out := make(map[string]any, m.Len())
	for k, v := range m.All() {
		out[k] = jsonValue(v)
	}
	return out
}

func jsonValue(v pcommon.Value) any {
	switch v.Type() {
	case pcommon.ValueTypeMap:
		return jsonMap(v.Map())
	case pcommon.ValueTypeSlice:
		list := make([]any, 0, v.Slice().Len())
		for _, e := range v.Slice().All() {
			list = append(list, jsonValue(e))
		}
		return list
	case pcommon.ValueTypeDouble:
		if f := v.Double(); f-f != 0 {
			return v.AsString()
		}
	}
	return v.AsRaw()
}
