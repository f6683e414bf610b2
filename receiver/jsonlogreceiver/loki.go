package jsonlogreceiver

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/instantdevlogs/devlogs/receiver/jsonlogreceiver/internal/jsonmap"
	"github.com/instantdevlogs/devlogs/receiver/jsonlogreceiver/internal/jsontape"
	"github.com/instantdevlogs/devlogs/receiver/jsonlogreceiver/internal/lokipush"
	"go.opentelemetry.io/collector/pdata/plog"
)

// lokiPush is Loki's push API. It answers as Loki does: 204, or 400 with a text when entries were rejected while the
// others were stored.
type lokiPush struct{}

const protobufType = "application/x-protobuf"

func (lokiPush) name() string         { return "loki" }
func (lokiPush) mediaTypes() []string { return []string{"application/json", protobufType} }

func (lokiPush) read(s *session) {
	limit := s.receiver.config.Limits.WholeBytes
	start := place{0, 1}
	body, err := s.body.Rest(limit)
	switch {
	case errors.Is(err, jsontape.ErrTooLarge):
		s.refuse(wholeBodyTooLarge(limit), start)
		return
	case err != nil:
		s.refuse(readRefusal(err), start)
		return
	case len(body) == 0:
		s.refuse(emptyBody(), start)
		return
	}
	reader := &lokiReader{session: s}
	s.note(view(body))
	if mediaType, _, _ := mime.ParseMediaType(s.request.Header.Get("Content-Type")); mediaType == protobufType {
		if body, err = lokipush.Unsnap(body, limit); err == nil {
			err = lokipush.DecodeProto(body, reader)
		}
	} else {
		err = lokipush.DecodeJSON(body, s.receiver.config.Limits.tape(), reader)
	}
	switch {
	case lokipush.Stopped(err): // s.refused says why
	case errors.Is(err, lokipush.ErrTooLarge):
		s.refuse(wholeBodyTooLarge(limit), start)
	case err != nil:
		s.refuse(malformedBody(err), place{reader.count, 1})
	default:
		s.flush()
	}
}

// lokiReader turns entries into records.
type lokiReader struct {
	*session
	count    int
	severity plog.SeverityNumber // of the stream, from its labels
	text     string
}

// serviceLabels are where Loki looks for a service name (its setting discover_service_name).
var serviceLabels = []string{
	"service_name", "service", "app", "application", "name", "app_kubernetes_io_name", "container", "container_name",
	"component", "workload", "job",
}

// Stream keeps the labels as resource attributes under their own names, so that queries by label find them; one of them
// is also the service's name.
func (r *lokiReader) Stream(labels []lokipush.Label) {
	r.severity, r.text = 0, ""
	r.mapper.ClearResource()
	best := len(serviceLabels)
	for _, label := range labels {
		for rank, name := range serviceLabels[:best] {
			if label.Name == name && label.Value != "" {
				best = rank
				r.mapper.AddResource("service.name", label.Value)
			}
		}
		if number, text, ok := levelLabel(label); ok {
			r.severity, r.text = number, strings.Clone(text)
		}
		if label.Name != "service_name" {
			r.mapper.AddResource(label.Name, label.Value)
		}
	}
}

func levelLabel(label lokipush.Label) (plog.SeverityNumber, string, bool) {
	switch label.Name {
	case "level", "severity", "detected_level", "lvl":
		return jsonmap.SeverityOf(label.Value)
	}
	return 0, "", false
}

// Entry adds one record.
func (r *lokiReader) Entry(e lokipush.Entry) bool {
	at := place{r.count, 1}
	r.count++
	if most := r.receiver.config.Limits.LineBytes; e.Fault == "" && len(e.Line) > most {
		e.Fault = fmt.Sprintf("longer than %d bytes (setting limits.line_bytes)", most)
	}
	if most := r.receiver.config.Limits.Fields; e.Fault == "" && len(e.Metadata) > most {
		e.Fault = fmt.Sprintf("more than %d pairs of metadata (setting limits.fields)", most)
	}
	if e.Fault != "" {
		r.reject(rejection{place: at, Code: "bad_entry", Message: fmt.Sprintf("stream %d, entry %d: %s", e.Stream, e.Index, e.Fault)})
		return r.refused == nil
	}
	size := len(e.Line)
	r.mapper.PrepareText(e.Line)
	parts := r.mapper.Parts()
	parts.Time, parts.Severity, parts.Text = e.Time, r.severity, r.text
	for _, pair := range e.Metadata {
		size += len(pair.Name) + len(pair.Value)
		r.metadata(parts, pair)
	}
	r.mapper.DetectSeverity()
	r.add(at, size)
	return r.refused == nil
}

// metadata puts a pair of structured metadata where Loki's own OTLP intake would have found it; most are attributes.
func (r *lokiReader) metadata(parts *jsonmap.Parts, pair lokipush.Label) {
	ok := false
	switch pair.Name {
	case "trace_id", "traceID", "traceId":
		parts.TraceID, ok = jsonmap.ParseTraceID(pair.Value, false)
	case "span_id", "spanID", "spanId":
		parts.SpanID, ok = jsonmap.ParseSpanID(pair.Value, false)
	case "severity_text":
		parts.Text, ok = pair.Value, true
		parts.Severity, _ = jsonmap.SeverityOfName(pair.Value)
	case "severity_number":
		n, err := strconv.Atoi(pair.Value)
		if ok = err == nil && n >= 0 && n <= 24; ok {
			parts.Severity = plog.SeverityNumber(n)
		}
	case "level", "detected_level":
		if number, text, known := levelLabel(pair); known && parts.Severity == 0 {
			parts.Severity, parts.Text = number, text
		}
	}
	if !ok {
		r.mapper.AddAttribute(strings.Clone(pair.Name), pair.Value)
	}
}

func (p lokiPush) answer(w http.ResponseWriter, s *session) {
	switch {
	case s.dryRun:
		plainJSON{}.answer(w, s)
	case s.refused == nil && s.rejected == 0:
		(&refusal{status: http.StatusNoContent}).writeHead(w, "text/plain")
	case s.refused == nil:
		p.refuse(w, s.partial())
	default:
		p.refuse(w, s.withAccount())
	}
}

func (lokiPush) refuse(w http.ResponseWriter, r *refusal) {
	r.writeHead(w, "text/plain; charset=utf-8")
	fmt.Fprintln(w, r.message)
}
