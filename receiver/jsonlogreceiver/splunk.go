package jsonlogreceiver

import (
	"bytes"
	"errors"
	"io"
	"net/http"

	"github.com/instantdevlogs/devlogs/receiver/jsonlogreceiver/internal/jsonmap"
	"github.com/instantdevlogs/devlogs/receiver/jsonlogreceiver/internal/jsontape"
)

// splunkHEC is Splunk's HTTP Event Collector. Answers have Splunk's codes ("Troubleshoot HTTP Event Collector"), with the
// account of the plain protocol beside them. Where Splunk stops at the first invalid event, the valid ones after it are
// taken too, and the answer is still the error with the number of the first.
type splunkHEC struct{ raw bool }

func (splunkHEC) name() string         { return "splunk_hec" }
func (splunkHEC) mediaTypes() []string { return jsonTypes }

// splunkCode are the codes of Splunk's answers.
type splunkCode int

const (
	hecSuccess       splunkCode = 0
	hecNoData        splunkCode = 5
	hecInvalidFormat splunkCode = 6
	hecServerError   splunkCode = 8
	hecBusy          splunkCode = 9
	hecAckDisabled   splunkCode = 14
	hecHealthy       splunkCode = 17
)

var splunkTexts = map[splunkCode]string{
	hecSuccess: "Success", hecNoData: "No data", hecInvalidFormat: "Invalid data format",
	hecServerError: "Internal server error", hecBusy: "Server is busy", hecAckDisabled: "ACK is disabled",
	hecHealthy: "HEC is healthy",
}

// splunkResource maps the metadata of an event to resource attributes, as OpenTelemetry's own splunk_hec receiver does.
var splunkResource = []struct{ key, attribute string }{
	{"host", "host.name"}, {"source", "com.splunk.source"}, {"sourcetype", "com.splunk.sourcetype"}, {"index", "com.splunk.index"},
}

func (p splunkHEC) read(s *session) {
	if p.raw {
		p.readLines(s)
	} else {
		s.values(func(item jsontape.Item) *rejection { return p.event(s, item) })
	}
	if s.refused == nil && s.body.Blank() {
		s.refuse(emptyBody(), place{0, 1})
	}
}

// event takes one event: {"event": text or object, "time": …, "host": …, "fields": {…}}.
func (p splunkHEC) event(s *session, item jsontape.Item) *rejection {
	tape, at := &s.body.Tape, place{item.Index, item.Line}
	event, ok := tape.Find(0, "event")
	if !ok || tape.Nodes[event].Kind == jsontape.Null {
		return &rejection{place: at, Code: "no_event", Message: `an event is an object with the member "event"`}
	}
	if tape.Nodes[event].Kind == jsontape.String && tape.Str(event) == "" {
		return &rejection{place: at, Code: "blank_event", Message: `"event" is blank`}
	}
	if tape.Nodes[event].Kind == jsontape.Object {
		return s.addObject(item, event, func(m *jsonmap.Mapper) *rejection { return p.envelope(m, tape) })
	}
	s.mapper.PrepareBody(tape, event)
	s.mapper.DetectSeverity()
	if r := p.envelope(&s.mapper, tape); r != nil {
		r.place = at
		return r
	}
	s.add(at, len(tape.Raw(0)))
	return nil
}

// envelope adds what stands beside the event: it was said by the sender and beats what the event says.
func (splunkHEC) envelope(m *jsonmap.Mapper, tape *jsontape.Tape) *rejection {
	for _, r := range splunkResource {
		if node, ok := tape.Find(0, r.key); ok && tape.Nodes[node].Kind == jsontape.String && tape.Str(node) != "" {
			m.AddResource(r.attribute, tape.Str(node))
		}
	}
	if node, ok := tape.Find(0, "fields"); ok {
		m.AddAttributes(node)
	}
	node, ok := tape.Find(0, "time")
	if !ok || tape.Nodes[node].Kind == jsontape.Null {
		return nil
	}
	if m.Parts().Time, ok = jsonmap.ReadTime(tape, node); !ok {
		return &rejection{Code: "bad_field", Message: `"time" must be seconds since 1970, got ` + tape.Raw(node)}
	}
	return nil
}

// readLines takes each line of the body as an event. The query says what is the same for all.
func (splunkHEC) readLines(s *session) {
	s.mapper.ClearResource()
	for _, r := range splunkResource {
		if value := s.query.Get(r.key); value != "" {
			s.mapper.AddResource(r.attribute, value)
		}
	}
	when, ok := jsonmap.ParseTime(s.query.Get("time"))
	if !ok && s.query.Get("time") != "" {
		s.refuse(badParameter("time must be seconds since 1970, got %q", s.query.Get("time")), place{0, 1})
		return
	}
	for s.refused == nil {
		line, item, err := s.body.NextLine(true)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			s.refuse(readRefusal(err), place{item.Index, item.Line})
			return
		}
		if item.Fault != nil {
			s.reject(faultRejection(item))
			continue
		}
		line = bytes.ToValidUTF8(line, []byte("\uFFFD"))
		text := view(line) // the body's buffer is never written again
		if s.note(text); s.refused != nil {
			break
		}
		s.mapper.PrepareText(text)
		s.mapper.Parts().Time = when
		s.mapper.DetectSeverity()
		s.add(place{item.Index, item.Line}, len(line))
	}
	s.flush()
}

// splunkReport is an answer.
type splunkReport struct {
	Text         string     `json:"text"`
	Code         splunkCode `json:"code"`
	FirstInvalid *int       `json:"invalid-event-number,omitempty"`
	*report
}

func (p splunkHEC) answer(w http.ResponseWriter, s *session) {
	if s.dryRun {
		plainJSON{}.answer(w, s)
		return
	}
	full := s.report()
	switch {
	case s.refused != nil:
		writeJSON(w, s.refused, splunkReport{Text: splunkTexts[p.codeOf(s.refused)], Code: p.codeOf(s.refused), report: &full})
	case s.rejected > 0:
		writeJSON(w, s.partial(), splunkReport{
			Text: splunkTexts[hecInvalidFormat], Code: hecInvalidFormat, FirstInvalid: &s.errors[0].Index, report: &full,
		})
	default:
		writeJSON(w, s.head(), splunkReport{Text: splunkTexts[hecSuccess]})
	}
}

func (p splunkHEC) refuse(w http.ResponseWriter, r *refusal) {
	code := p.codeOf(r)
	writeJSON(w, r, splunkReport{Text: splunkTexts[code], Code: code, report: &report{Error: &fault{r.code, r.message}}})
}

func (splunkHEC) codeOf(r *refusal) splunkCode {
	switch {
	case r.retryable():
		return hecBusy
	case r.code == "empty_body":
		return hecNoData
	case r.code == "internal":
		return hecServerError
	default:
		return hecInvalidFormat
	}
}

func splunkHealth(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, healthy(), splunkReport{Text: splunkTexts[hecHealthy], Code: hecHealthy})
}

// splunkAck says that events are acknowledged by the answer to the request that brings them, not later.
func splunkAck(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, badRequest("ack_disabled", ""), splunkReport{Text: splunkTexts[hecAckDisabled], Code: hecAckDisabled})
}
