package storage

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// Encode appends every record of logs to rows, which must be new or Reset. arrival orders the records that have no time.
// logs is only read.
func Encode(rows *Rows, logs plog.Logs, tenant string, arrival pcommon.Timestamp) {
	if rows.streams == nil {
		rows.streams, rows.fields = map[uint64]int{}, map[Field]struct{}{}
	}
	rows.Tenant = tenant
	for _, rl := range logs.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			if sl.LogRecords().Len() == 0 {
				continue
			}
			stream := rows.stream(rl, sl)
			for _, record := range sl.LogRecords().All() {
				rows.add(record, stream, arrival)
			}
		}
	}
}

// stream finds or adds the stream of a resource and a scope and returns its index.
func (r *Rows) stream(rl plog.ResourceLogs, sl plog.ScopeLogs) int {
	// What identifies a stream, in one buffer, which is both hashed and, for a new stream, cut up into its fields.
	attributes := rl.Resource().Attributes()
	buf := AppendMap(r.scratch[:0], attributes)
	resourceEnd := len(buf)
	buf = AppendMap(buf, sl.Scope().Attributes())
	scopeEnd := len(buf)
	for _, s := range [...]string{r.Tenant, rl.SchemaUrl(), sl.Scope().Name(), sl.Scope().Version(), sl.SchemaUrl()} {
		buf = appendText(buf, s)
	}
	buf = fmt.Appendf(buf, "%d,%d", rl.Resource().DroppedAttributesCount(), sl.Scope().DroppedAttributesCount())
	r.scratch = buf

	id := xxhash.Sum64(buf)
	if i, ok := r.streams[id]; ok {
		return i
	}
	service := ""
	if v, ok := attributes.Get("service.name"); ok {
		service = strings.ToValidUTF8(v.AsString(), "\uFFFD")
	}
	i := len(r.Streams)
	r.streams[id] = i
	r.Streams = append(r.Streams, Stream{
		ID: id, Tenant: r.Tenant, Service: service,
		Resource: string(buf[:resourceEnd]), ResourceDropped: rl.Resource().DroppedAttributesCount(),
		ResourceSchemaURL: storedText(rl.SchemaUrl()),
		ScopeName:         storedText(sl.Scope().Name()),
		ScopeVersion:      storedText(sl.Scope().Version()),
		Scope:             string(buf[resourceEnd:scopeEnd]), ScopeDropped: sl.Scope().DroppedAttributesCount(),
		ScopeSchemaURL: storedText(sl.SchemaUrl()),
		First:          EndOfTime,
	})
	return i
}

// add appends one record.
func (r *Rows) add(record plog.LogRecord, stream int, arrival pcommon.Timestamp) {
	time, source := record.Timestamp(), TimeOwn
	if time == 0 {
		time, source = record.ObservedTimestamp(), TimeObserved
	}
	if time == 0 {
		time, source = arrival, TimeArrival
	}
	if len(r.Time) == 0 || uint64(time) < r.MinTime {
		r.MinTime = uint64(time)
	}
	if uint64(time) > r.MaxTime {
		r.MaxTime = uint64(time)
	}
	s := &r.Streams[stream]
	s.span(time)

	r.Time = append(r.Time, uint64(time))
	r.TimeSource = append(r.TimeSource, uint8(source))
	r.Observed = append(r.Observed, uint64(record.ObservedTimestamp()))
	r.Severity = append(r.Severity, int32(record.SeverityNumber()))
	r.Stream = append(r.Stream, s.ID)
	r.Dropped = append(r.Dropped, record.DroppedAttributesCount())
	r.TraceID = append(r.TraceID, record.TraceID())
	r.SpanID = append(r.SpanID, record.SpanID())
	r.Flags = append(r.Flags, uint32(record.Flags()))
	r.addText(&r.SeverityText, record.SeverityText())
	r.addText(&r.EventName, record.EventName())
	r.addBody(record.Body())

	attributes := record.Attributes()
	signature, words := uint64(0), len(r.Words.Bytes)
	r.Attributes.Bytes = appendMap(r.Attributes.Bytes, attributes, 0, signer{bits: &signature, words: &r.Words.Bytes})
	r.Attributes.end()
	r.Words.Bytes = endWords(r.Words.Bytes, words)
	r.Words.end()
	r.Signature = append(r.Signature, signature)
	r.noteFields(s.Service, attributes)
}

func (r *Rows) addBody(body pcommon.Value) {
	kind := BodyJSON
	switch body.Type() {
	case pcommon.ValueTypeEmpty:
		kind = BodyEmpty
	case pcommon.ValueTypeStr:
		if s := body.Str(); utf8.ValidString(s) {
			kind = BodyText
			r.Body.Bytes = append(r.Body.Bytes, s...)
		}
	}
	if kind == BodyJSON {
		r.Body.Bytes = AppendValue(r.Body.Bytes, body)
	}
	r.Body.end()
	r.BodyKind = append(r.BodyKind, uint8(kind))
}

// addText keeps a protobuf string, which must be UTF-8 by the specification but need not be on the wire. The few that
// aren't go through typed JSON, marked by a leading NUL that a real one then has to double.
func (r *Rows) addText(column *Strings, s string) {
	if plainText(s) {
		column.Bytes = append(column.Bytes, s...)
	} else {
		column.Bytes = appendText(append(column.Bytes, 0), s)
	}
	column.end()
}

func plainText(s string) bool { return s == "" || s[0] != 0 && utf8.ValidString(s) }

// storedText is s as addText keeps it.
func storedText(s string) string {
	if plainText(s) {
		return s
	}
	return string(appendText([]byte{0}, s))
}

func decodeText(s string) (string, error) {
	if s == "" || s[0] != 0 {
		return s, nil
	}
	v := pcommon.NewValueEmpty()
	err := DecodeValue(s[1:], v)
	return v.Str(), err
}

// Decode appends the record to logs as it was sent, under a resource and scope of its own.
func Decode(record *Record, logs plog.Logs) error {
	s := record.Stream
	rl := logs.ResourceLogs().AppendEmpty()
	sl := rl.ScopeLogs().AppendEmpty()
	rl.Resource().SetDroppedAttributesCount(s.ResourceDropped)
	sl.Scope().SetDroppedAttributesCount(s.ScopeDropped)
	for _, text := range [...]struct {
		stored string
		set    func(string)
	}{
		{s.ResourceSchemaURL, rl.SetSchemaUrl}, {s.ScopeSchemaURL, sl.SetSchemaUrl},
		{s.ScopeName, sl.Scope().SetName}, {s.ScopeVersion, sl.Scope().SetVersion},
	} {
		plain, err := decodeText(text.stored)
		if err != nil {
			return err
		}
		text.set(plain)
	}
	if err := DecodeMap(s.Resource, rl.Resource().Attributes()); err != nil {
		return err
	}
	if err := DecodeMap(s.Scope, sl.Scope().Attributes()); err != nil {
		return err
	}
	return decodeRecord(record, sl.LogRecords().AppendEmpty())
}

func decodeRecord(record *Record, dst plog.LogRecord) error {
	if record.TimeSource == TimeOwn {
		dst.SetTimestamp(record.Time)
	}
	dst.SetObservedTimestamp(record.Observed)
	dst.SetSeverityNumber(plog.SeverityNumber(record.Severity))
	dst.SetTraceID(record.TraceID)
	dst.SetSpanID(record.SpanID)
	dst.SetFlags(plog.LogRecordFlags(record.Flags))
	dst.SetDroppedAttributesCount(record.Dropped)

	text, err := decodeText(record.SeverityText)
	if err != nil {
		return err
	}
	dst.SetSeverityText(text)
	if text, err = decodeText(record.EventName); err != nil {
		return err
	}
	dst.SetEventName(text)
	switch record.BodyKind {
	case BodyText:
		dst.Body().SetStr(record.Body)
	case BodyJSON:
		if err := DecodeValue(record.Body, dst.Body()); err != nil {
			return err
		}
	}
	return DecodeMap(record.Attributes, dst.Attributes())
}
