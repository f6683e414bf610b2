package queryapi

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/instantdevlogs/devlogs/logql/pipeline"
	"github.com/instantdevlogs/devlogs/queryapi/logplan"
	"github.com/instantdevlogs/devlogs/storage"
)

// renderer turns records into the JSON objects that clients get:
//
//	{"id": "42-7", "time": RFC 3339, "time_unix_nano": "…", "time_source": "observed" or "arrival" when not the record's own,
//	 "observed_time": …, "observed_time_unix_nano": "…", "severity_number": 9, "severity_text": "INFO", "level": "info",
//	 "service": "checkout", "body": any JSON, "attributes": {…}, "dropped_attributes_count": 1, "trace_id": hex, "span_id": hex,
//	 "flags": 1, "event_name": "…", "stream": "64-bit number", "resource": {…},
//	 "scope": {"name": "…", "version": "…", "attributes": {…}}}
//
// Numbers of 64 bits that belong to the record itself are strings, as JavaScript would round them. What a record does not
// have is left out, but for severity_number, level, service, body, attributes, resource and scope. An answer to a query of
// LogQL also has what the query made of the record: "line": "…", "labels": {name: value}. A renderer serves one request: it
// keeps what the records of a stream have in common.
type renderer struct {
	queried bool
	streams map[*storage.Stream]string
	scratch []byte
}

// maxRenderedStreams bounds how many streams a renderer remembers.
const maxRenderedStreams = 1024

func newRenderer(queried bool) *renderer {
	return &renderer{queried: queried, streams: map[*storage.Stream]string{}}
}

// entry appends the JSON object of an entry to dst.
func (r *renderer) entry(dst []byte, entry *logplan.Entry) ([]byte, error) {
	dst, err := r.append(dst, entry.Record)
	if err != nil || !r.queried {
		return dst, err
	}
	dst = append(dst[:len(dst)-1], `,"line":`...)
	dst = appendString(dst, entry.Line)
	dst = append(dst, `,"labels":`...)
	return append(appendLabels(dst, entry.Labels), '}'), nil
}

func appendLabels(dst []byte, labels []pipeline.Label) []byte {
	dst = append(dst, '{')
	for i, l := range labels {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, l.Name), ':')
		dst = appendString(dst, l.Value)
	}
	return append(dst, '}')
}

// append appends the record's JSON object to dst.
func (r *renderer) append(dst []byte, record *storage.Record) ([]byte, error) {
	stream, err := r.stream(record.Stream)
	if err != nil {
		return dst, err
	}
	severity, err := plainText(record.SeverityText)
	if err != nil {
		return dst, fmt.Errorf("render record %s: severity text: %w", record.ID, err)
	}
	event, err := plainText(record.EventName)
	if err != nil {
		return dst, fmt.Errorf("render record %s: event name: %w", record.ID, err)
	}

	dst = append(dst, `{"id":"`...)
	dst = strconv.AppendUint(dst, record.Batch, 10)
	dst = append(dst, '-')
	dst = strconv.AppendUint(dst, uint64(record.Row), 10)
	dst = append(dst, `","time":"`...)
	dst = goTime(record.Time).AppendFormat(dst, time.RFC3339Nano)
	dst = append(dst, `","time_unix_nano":"`...)
	dst = strconv.AppendUint(dst, uint64(record.Time), 10)
	switch record.TimeSource {
	case storage.TimeObserved:
		dst = append(dst, `","time_source":"observed`...)
	case storage.TimeArrival:
		dst = append(dst, `","time_source":"arrival`...)
	}
	if record.Observed != 0 {
		dst = append(dst, `","observed_time":"`...)
		dst = goTime(record.Observed).AppendFormat(dst, time.RFC3339Nano)
		dst = append(dst, `","observed_time_unix_nano":"`...)
		dst = strconv.AppendUint(dst, uint64(record.Observed), 10)
	}
	dst = append(dst, `","severity_number":`...)
	dst = strconv.AppendInt(dst, int64(record.Severity), 10)
	dst = appendOptional(dst, `,"severity_text":`, severity)
	dst = append(dst, `,"level":"`...)
	dst = append(dst, logplan.Level(record.Severity, severity)...)
	dst = append(dst, `","service":`...)
	dst = appendString(dst, record.Stream.Service)

	dst = append(dst, `,"body":`...)
	if dst, err = appendBody(dst, record); err != nil {
		return dst, fmt.Errorf("render record %s: body: %w", record.ID, err)
	}
	dst = append(dst, `,"attributes":`...)
	if dst, err = appendPlainMap(dst, record.Attributes); err != nil {
		return dst, fmt.Errorf("render record %s: attributes: %w", record.ID, err)
	}
	if record.Dropped != 0 {
		dst = append(dst, `,"dropped_attributes_count":`...)
		dst = strconv.AppendUint(dst, uint64(record.Dropped), 10)
	}
	if !record.TraceID.IsEmpty() {
		dst = append(dst, `,"trace_id":"`...)
		dst = hex.AppendEncode(dst, record.TraceID[:])
		dst = append(dst, '"')
	}
	if !record.SpanID.IsEmpty() {
		dst = append(dst, `,"span_id":"`...)
		dst = hex.AppendEncode(dst, record.SpanID[:])
		dst = append(dst, '"')
	}
	if record.Flags != 0 {
		dst = append(dst, `,"flags":`...)
		dst = strconv.AppendUint(dst, uint64(record.Flags), 10)
	}
	dst = appendOptional(dst, `,"event_name":`, event)
	return append(dst, stream...), nil
}

// stream renders the end of a record's object: what all records of its stream share.
func (r *renderer) stream(s *storage.Stream) (string, error) {
	if end, ok := r.streams[s]; ok {
		return end, nil
	}
	dst := append(r.scratch[:0], `,"stream":"`...)
	dst = strconv.AppendUint(dst, s.ID, 10)
	dst = append(dst, `","resource":`...)
	dst, err := appendPlainMap(dst, s.Resource)
	if err != nil {
		return "", fmt.Errorf("render stream %d: resource: %w", s.ID, err)
	}
	dst = append(dst, `,"scope":{`...)
	dst = appendOptional(dst, `"name":`, s.ScopeName)
	if s.ScopeName != "" {
		dst = append(dst, ',')
	}
	dst = appendOptional(dst, `"version":`, s.ScopeVersion)
	if s.ScopeVersion != "" {
		dst = append(dst, ',')
	}
	dst = append(dst, `"attributes":`...)
	if dst, err = appendPlainMap(dst, s.Scope); err != nil {
		return "", fmt.Errorf("render stream %d: scope: %w", s.ID, err)
	}
	r.scratch = append(dst, "}}"...)
	if len(r.streams) == maxRenderedStreams {
		clear(r.streams)
	}
	end := string(r.scratch)
	r.streams[s] = end
	return end, nil
}

func appendBody(dst []byte, record *storage.Record) ([]byte, error) {
	switch record.BodyKind {
	case storage.BodyText:
		return appendString(dst, record.Body), nil
	case storage.BodyEmpty:
		return append(dst, "null"...), nil
	default:
		return appendPlain(dst, record.Body)
	}
}

func appendPlainMap(dst []byte, typed string) ([]byte, error) {
	if typed == "" {
		return append(dst, "{}"...), nil
	}
	return appendPlain(dst, typed)
}

func appendOptional(dst []byte, key, value string) []byte {
	if value == "" {
		return dst
	}
	return appendString(append(dst, key...), value)
}
