package jsonlogreceiver

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/instantdevlogs/devlogs/receiver/jsonlogreceiver/internal/jsonmap"
	"github.com/instantdevlogs/devlogs/receiver/jsonlogreceiver/internal/jsontape"
)

// bulk is Elasticsearch's _bulk API: a line that says what to do, then a line with the document. Its answer has the true
// fate of every item, so that shippers send again what they must and nothing else.
type bulk struct {
	index string // from the path, "" when the lines say it
	items []bulkItem
	open  int // items[open:] are in the batch being filled, or have failed on their own
}

// bulkItem is one action and what became of it.
type bulkItem struct {
	action    string
	index, id string
	fate      bulkFate
}

// bulkFate is the end of an item; the zero fate is that of an item in the batch being filled.
type bulkFate struct {
	status int
	fault  *bulkFault
}

type bulkFault struct {
	Type   string `json:"type"`
	Reason string `json:"reason"`
}

func (*bulk) name() string         { return "elasticsearch" }
func (*bulk) mediaTypes() []string { return bulkTypes }

var bulkTypes = append([]string{
	"application/vnd.elasticsearch+x-ndjson", "application/vnd.elasticsearch+json",
}, jsonTypes...)

func (b *bulk) read(s *session) {
	s.settled = b.settle
	for {
		line, item, err := s.body.NextLine(true)
		if err == nil && item.Fault == nil {
			item.Fault = s.body.ParseLine(line)
		}
		switch {
		case errors.Is(err, io.EOF) && s.body.Blank():
			s.refuse(emptyBody(), place{0, 1})
			return
		case errors.Is(err, io.EOF):
			s.flush()
			return
		case err != nil:
			b.abandon(s, readRefusal(err), item)
			return
		case item.Fault != nil:
			b.abandon(s, malformedAction(item.Line, item.Fault.Message), item)
			return
		}
		entry, fault := b.action(&s.body.Tape)
		if fault != "" {
			b.abandon(s, malformedAction(item.Line, fault), item)
			return
		}
		s.note(view(line))
		if !b.document(s, entry) {
			return
		}
	}
}

// abandon ends a body that can't be read on. When the pipeline had refused a batch before, that stays the reason.
func (b *bulk) abandon(s *session, r *refusal, item jsontape.Item) {
	if s.refused == nil {
		s.refuse(r, place{item.Index, item.Line})
	}
}

// action reads an action line: {"create": {"_index": "logs", "_id": "1"}}.
func (b *bulk) action(tape *jsontape.Tape) (item bulkItem, fault string) {
	if tape.Nodes[0].Kind != jsontape.Object || tape.Nodes[0].Next < 3 {
		return item, `expected an action such as {"create":{}}`
	}
	item = bulkItem{action: tape.Str(1), index: b.index}
	switch item.action {
	case "index", "create", "update", "delete":
	default:
		return item, `unknown action "` + item.action + `", expected create or index`
	}
	if node, ok := tape.Find(2, "_index"); ok && tape.Nodes[node].Kind == jsontape.String {
		item.index = tape.Str(node)
	}
	if node, ok := tape.Find(2, "_id"); ok && tape.Nodes[node].Kind == jsontape.String {
		item.id = tape.Str(node)
	}
	return item, ""
}

// document reads the line after an action, if it has one. It returns false when the body can't be read on.
func (b *bulk) document(s *session, entry bulkItem) bool {
	number := len(b.items)
	b.items = append(b.items, entry)
	if entry.action == "delete" {
		b.items[number].fate = unsupportedAction(entry.action)
		return true
	}
	line, item, err := s.body.NextLine(false)
	item.Index = number
	switch {
	case errors.Is(err, io.EOF):
		item.Fault = &jsontape.Error{Message: "the body ends where the document should follow"}
	case err != nil:
		b.abandon(s, readRefusal(err), item)
		return false
	}
	switch {
	case s.refused != nil: // the pipeline takes no more: the item is to be sent again
		b.items[number].fate = refusedItem(s.refused)
		return true
	case entry.action == "update":
		b.items[number].fate = unsupportedAction(entry.action)
		return true
	}
	s.note(view(line))
	if r := b.add(s, entry, item, line); r != nil {
		b.items[number].fate = rejectedItem(r)
		s.reject(*r)
	}
	return true
}

func (b *bulk) add(s *session, entry bulkItem, item jsontape.Item, line []byte) *rejection {
	if item.Fault == nil {
		item.Fault = s.body.ParseLine(line)
	}
	if item.Fault != nil {
		r := faultRejection(item)
		return &r
	}
	return s.addObject(item, 0, func(m *jsonmap.Mapper) *rejection {
		if entry.index != "" {
			m.AddAttribute("_index", entry.index)
		}
		if entry.id != "" {
			m.AddAttribute("_id", entry.id)
		}
		return nil
	})
}

// settle gives the items of a batch their fate.
func (b *bulk) settle(refused *refusal) {
	fate := createdItem()
	if refused != nil {
		fate = refusedItem(refused)
	}
	for i := b.open; i < len(b.items); i++ {
		if item := &b.items[i]; item.fate.status == 0 {
			item.fate = fate
		}
	}
	b.open = len(b.items)
}

// bulkResult is one item of the answer.
type bulkResult struct {
	Index  string     `json:"_index"`
	ID     string     `json:"_id,omitempty"`
	Status int        `json:"status"`
	Result string     `json:"result,omitempty"`
	Error  *bulkFault `json:"error,omitempty"`
}

type bulkReport struct {
	Took   int64                   `json:"took"` // milliseconds
	Errors bool                    `json:"errors"`
	Items  []map[string]bulkResult `json:"items"`
}

func (b *bulk) answer(w http.ResponseWriter, s *session) {
	w.Header().Set(elasticProduct())
	switch {
	case s.dryRun:
		plainJSON{}.answer(w, s)
		return
	case s.refused != nil && (s.accepted == 0 || !s.refused.retryable()):
		b.refuse(w, s.withAccount())
		return
	}
	report := bulkReport{
		Took:  time.Since(s.arrival.AsTime()).Milliseconds(),
		Items: make([]map[string]bulkResult, 0, len(b.items)),
	}
	for _, item := range b.items {
		result := bulkResult{Index: item.index, ID: item.id, Status: item.fate.status, Error: item.fate.fault}
		if result.Error == nil {
			result.Result = "created"
		} else {
			report.Errors = true
		}
		report.Items = append(report.Items, map[string]bulkResult{item.action: result})
	}
	writeJSON(w, itemised(), report)
}

func (*bulk) refuse(w http.ResponseWriter, r *refusal) {
	w.Header().Set(elasticProduct())
	f := bulkFault{Type: r.elasticType(), Reason: r.message}
	writeJSON(w, r, struct {
		Error struct {
			RootCause []bulkFault `json:"root_cause"`
			bulkFault
		} `json:"error"`
		Status int `json:"status"`
	}{struct {
		RootCause []bulkFault `json:"root_cause"`
		bulkFault
	}{[]bulkFault{f}, f}, r.status})
}
