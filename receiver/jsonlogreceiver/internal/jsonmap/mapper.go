package jsonmap

import (
	"fmt"
	"slices"
	"strings"

	"github.com/instantdevlogs/devlogs/receiver/jsonlogreceiver/internal/jsontape"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// Mapper turns one object after the other into records. It serves one goroutine; Use points it at other rules.
type Mapper struct {
	rules *Rules
	shape []shape // the members of the object before: see member

	tape       *jsontape.Tape
	root       uint32
	fields     []field
	candidates []candidate
	nested     bool // a member of a nested object was a candidate
	resource   []resourceField
	key        []byte // of the resource
	extra      []Pair // attributes that the protocol adds
	extraNodes []field
	record     Parts
	sources    [roles]string
}

// Parts are the fixed parts of a record. A protocol whose envelope says them sets them between Prepare and Batch.Add.
type Parts struct {
	Time     pcommon.Timestamp // 0: the object has none
	Severity plog.SeverityNumber
	Text     string // severity text
	TraceID  pcommon.TraceID
	SpanID   pcommon.SpanID
	Flags    plog.LogRecordFlags

	body     uint32 // node; 0: none
	bodyText string // used when there is no body node
}

type shape struct {
	name string // our own copy: attribute names outlive the body they came in
	rule *rule
}

type field struct {
	name string
	node uint32
}

type candidate struct {
	rule *rule
	node uint32
}

// Use makes the mapper work by other rules.
func (m *Mapper) Use(rules *Rules) {
	if m.rules != rules {
		m.rules, m.shape = rules, m.shape[:0]
	}
}

// Release forgets the body, so that a pooled Mapper keeps nothing alive.
func (m *Mapper) Release() {
	m.tape = nil
	clear(m.extra[:cap(m.extra)])
	clear(m.extraNodes[:cap(m.extraNodes)])
	clear(m.resource[:cap(m.resource)])
	m.record = Parts{}
}

// Parts gives the fixed parts that Prepare found.
func (m *Mapper) Parts() *Parts { return &m.record }

// AddResource sets a resource attribute of the record, over one that Prepare found.
func (m *Mapper) AddResource(name, value string) {
	m.resource = slices.DeleteFunc(m.resource, func(f resourceField) bool { return f.name == name })
	m.resource = append(m.resource, resourceField{name: name, value: value, kind: jsontape.String})
}

// AddAttribute adds an attribute to the record.
func (m *Mapper) AddAttribute(name, value string) { m.extra = append(m.extra, Pair{name, value}) }

// AddAttributes adds the members of an object as attributes.
func (m *Mapper) AddAttributes(object uint32) {
	for k := range m.tape.Members(object) {
		m.extraNodes = append(m.extraNodes, field{strings.Clone(m.tape.Str(k)), k + 1})
	}
}

// Prepare reads the object at node root. The record is then ready for Batch.Add. The error says which member can't be read
// as what the user said it is.
func (m *Mapper) Prepare(tape *jsontape.Tape, root uint32) error {
	m.tape, m.root = tape, root
	m.fields, m.candidates, m.resource = m.fields[:0], m.candidates[:0], m.resource[:0]
	m.extra, m.extraNodes = m.extra[:0], m.extraNodes[:0]
	m.record, m.sources, m.nested = Parts{}, [roles]string{}, false

	i := 0
	for k, end := root+1, tape.Nodes[root].Next; k < end; k = tape.Nodes[k+1].Next {
		s := m.member(i, tape.Str(k))
		i++
		if s.rule.role == attribute && s.rule.inner == nil {
			m.fields = append(m.fields, field{s.name, k + 1})
			continue
		}
		m.consider(s.rule, k+1)
		m.fields = append(m.fields, field{s.name, k + 1})
	}
	if err := m.choose(); err != nil {
		return err
	}
	m.recogniseFormats()
	m.detectInMessage()
	for _, pair := range m.rules.extra {
		if rule := m.rules.lookup(pair.Key); rule.role == resource || rule.role == service {
			m.AddResource(rule.target, pair.Value)
		} else {
			m.extra = append(m.extra, pair)
		}
	}
	return nil
}

// ClearResource starts a series of lines with the same resource, which AddResource then makes.
func (m *Mapper) ClearResource() { m.resource = m.resource[:0] }

// PrepareText makes a record of a line of text. The resource stays what it is.
func (m *Mapper) PrepareText(text string) {
	m.tape, m.fields, m.candidates = nil, m.fields[:0], m.candidates[:0]
	m.extra, m.extraNodes = m.extra[:0], m.extraNodes[:0]
	m.record, m.sources = Parts{bodyText: text}, [roles]string{}
}

// PrepareBody makes a record with any JSON value as its body and nothing else.
func (m *Mapper) PrepareBody(tape *jsontape.Tape, node uint32) {
	m.ClearResource()
	m.PrepareText("")
	m.tape, m.record.body = tape, node
	if tape.Nodes[node].Kind == jsontape.String {
		m.record.bodyText, m.record.body = tape.Str(node), 0
	}
}

// member finds the rule of the i-th member of the object.
func (m *Mapper) member(i int, name string) *shape {
	if i < len(m.shape) {
		if s := &m.shape[i]; s.name == name {
			return s
		}
	} else {
		m.shape = append(m.shape, shape{})
	}
	s := &m.shape[i]
	*s = shape{name: strings.Clone(name), rule: m.rules.lookup(name)}
	if s.rule.name == s.name {
		s.name = s.rule.name
	}
	return s
}

// consider makes a member, and those of a nested object that have rules, candidates for their roles.
func (m *Mapper) consider(r *rule, node uint32) {
	switch r.role {
	case attribute:
	case ignored:
		m.tape.Take(node)
		return
	default:
		m.candidates = append(m.candidates, candidate{r, node})
	}
	if r.inner == nil || m.tape.Nodes[node].Kind != jsontape.Object {
		return
	}
	for k := range m.tape.Members(node) {
		if inner := r.inner[m.tape.Str(k)]; inner != nil {
			m.nested = true
			m.consider(inner, k+1)
		}
	}
}

// choose gives each role its best readable candidate.
func (m *Mapper) choose() error {
	for i := range m.candidates {
		if c := &m.candidates[i]; c.rule.role == resource {
			m.offerResource(c.rule.target, c.node)
		}
	}
	for role := timestamp; role <= service; role++ {
		tried := -1
		for {
			best := m.next(role, tried)
			if best == nil {
				break
			}
			if m.accept(best) {
				m.sources[role] = best.rule.name
				break
			}
			if role == timestamp && m.rules.strict[role] && m.tape.Nodes[best.node].Kind != jsontape.Null {
				return fmt.Errorf("field %q, set as the time, holds %s, which is no time from 1970 to 2262: use RFC 3339 or unix time",
					best.rule.name, clip(m.tape.Raw(best.node)))
			}
			tried = int(best.rule.rank)
		}
	}
	if m.record.body == 0 {
		m.record.bodyText = m.tape.Raw(m.root)
	}
	return nil
}

// next is the candidate for a role with the lowest rank above tried; of a name that is there twice, the last.
func (m *Mapper) next(role role, tried int) *candidate {
	var best *candidate
	for i := range m.candidates {
		c := &m.candidates[i]
		if c.rule.role == role && int(c.rule.rank) > tried && (best == nil || c.rule.rank <= best.rule.rank) {
			best = c
		}
	}
	return best
}

// accept uses a candidate if its value can be read as its role.
func (m *Mapper) accept(c *candidate) bool {
	t, r := m.tape, &m.record
	ok := false
	switch c.rule.role {
	case timestamp:
		r.Time, ok = ReadTime(t, c.node)
	case severity:
		r.Severity, r.Text, ok = readSeverity(t, c.node, c.rule.name)
	case message:
		if ok = m.acceptMessage(c); ok && c.rule.name == "@mt" {
			return true // the template stays an attribute
		}
	case traceID:
		ok = m.acceptTrace(c)
	case spanID:
		r.SpanID, ok = readSpanID(t, c.node, c.rule.name == "dd.span_id")
	case traceFlags:
		r.Flags, ok = readFlags(t, c.node)
	case service:
		ok = m.offerResource(c.rule.target, c.node)
		return ok
	}
	if ok {
		t.Take(c.node)
	}
	return ok
}

// acceptMessage takes text before anything else: "event" and "log" are objects for some loggers and the message for
// others. A message that is not text is one only under the names that nobody uses for something else.
func (m *Mapper) acceptMessage(c *candidate) bool {
	node := &m.tape.Nodes[c.node]
	switch node.Kind {
	case jsontape.Null:
		return false
	case jsontape.String:
		if node.Start == node.End {
			return false
		}
	default:
		switch c.rule.name {
		case "event", "log", "trace":
			return false
		}
	}
	m.record.body = c.node
	return true
}

func (m *Mapper) acceptTrace(c *candidate) bool {
	if c.rule.name == "traceparent" {
		trace, span, flags, ok := readTraceparent(m.tape, c.node)
		if ok {
			m.record.TraceID, m.record.SpanID, m.record.Flags = trace, span, flags
		}
		return ok
	}
	id, ok := readTraceID(m.tape, c.node, c.rule.name == "dd.trace_id")
	m.record.TraceID = id
	return ok
}

func clip(s string) string {
	const most = 64
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
