package scrub

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"unsafe"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/replay/recording"
)

// Scrubber replaces what a policy names. Safe for concurrent use.
type Scrubber struct {
	finders   []finder
	pseudonym pseudonymiser
	keys      []string // patterns of attribute keys, lower case
	headers   []string

	mu     sync.Mutex
	report Report
}

// Report counts what was replaced, by rule.
type Report struct {
	Records int64            `json:"records"`
	Hits    map[string]int64 `json:"hits"`
}

// New makes a scrubber.
func New(p Policy) (*Scrubber, error) {
	key, err := p.key()
	if err != nil {
		return nil, err
	}
	finders, err := p.finders()
	if err != nil {
		return nil, err
	}
	s := &Scrubber{finders: finders, pseudonym: pseudonymiser{key}, headers: p.DropHeaders, report: Report{Hits: map[string]int64{}}}
	for _, k := range p.Attributes {
		s.keys = append(s.keys, strings.ToLower(k))
	}
	return s, nil
}

// Report is what was replaced until now.
func (s *Scrubber) Report() Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := Report{Records: s.report.Records, Hits: map[string]int64{}}
	for rule, n := range s.report.Hits {
		r.Hits[rule] = n
	}
	return r
}

// Total is how many things were found.
func (r Report) Total() (n int64) {
	for _, hits := range r.Hits {
		n += hits
	}
	return n
}

// JSON is what the manifest keeps.
func (r Report) JSON() json.RawMessage {
	text, err := json.Marshal(r)
	if err != nil {
		panic(err) // counts can always be written
	}
	return text
}

func (r Report) String() string {
	var rules []string
	for rule := range r.Hits {
		rules = append(rules, rule)
	}
	slices.SortFunc(rules, func(a, b string) int { return cmp.Or(cmp.Compare(r.Hits[b], r.Hits[a]), cmp.Compare(a, b)) })
	var b strings.Builder
	for _, rule := range rules {
		fmt.Fprintf(&b, "%-24s %d\n", rule, r.Hits[rule])
	}
	return b.String()
}

// Message scrubs one message in place. Raw HTTP is scrubbed as text, unless it is compressed, which is an error: a secret
// in it would stay.
func (s *Scrubber) Message(m *recording.Message) error {
	run := &pass{s: s, hits: map[string]int64{}}
	if m.Entry != nil {
		for name := range m.Entry.Headers {
			if slices.ContainsFunc(s.headers, func(h string) bool { return http.CanonicalHeaderKey(h) == http.CanonicalHeaderKey(name) }) {
				delete(m.Entry.Headers, name)
				run.hits["header "+name]++
				continue
			}
			m.Entry.Headers[name] = run.text(name, m.Entry.Headers[name])
		}
		m.Entry.Path = run.text("", m.Entry.Path)
	}
	if m.Raw {
		if m.Entry != nil && m.Entry.Enc != "" && m.Entry.Enc != "identity" {
			return fmt.Errorf("%v: a raw body in %s cannot be scrubbed; record with scrubbing off, or let clients send plain bodies", m.At, m.Entry.Enc)
		}
		m.Body = run.bytes(m.Body)
	} else {
		logs, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(m.Body)
		if err != nil {
			return fmt.Errorf("%v: scrub: %w", m.At, err)
		}
		run.logs(logs)
		if m.Body, err = (&plog.ProtoMarshaler{}).MarshalLogs(logs); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Records += int64(m.Records)
	for rule, n := range run.hits {
		s.report.Hits[rule] += n
	}
	return nil
}

// pass is one message's scrubbing.
type pass struct {
	s    *Scrubber
	hits map[string]int64
}

func (p *pass) logs(logs plog.Logs) {
	for _, rl := range logs.ResourceLogs().All() {
		p.attributes(rl.Resource().Attributes())
		for _, sl := range rl.ScopeLogs().All() {
			p.attributes(sl.Scope().Attributes())
			for _, r := range sl.LogRecords().All() {
				p.attributes(r.Attributes())
				p.value("", r.Body())
			}
		}
	}
}

func (p *pass) attributes(m pcommon.Map) {
	for key, v := range m.All() {
		p.value(key, v)
	}
}

func (p *pass) value(key string, v pcommon.Value) {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		if old := v.Str(); old != "" {
			if now := p.text(key, old); now != old {
				v.SetStr(now)
			}
		}
	case pcommon.ValueTypeBytes:
		if old := v.Bytes().AsRaw(); len(old) > 0 {
			v.Bytes().FromRaw([]byte(p.text(key, string(old))))
		}
	case pcommon.ValueTypeMap:
		for inner, item := range v.Map().All() {
			p.value(cmp.Or(inner, key), item)
		}
	case pcommon.ValueTypeSlice:
		for _, item := range v.Slice().All() {
			p.value(key, item)
		}
	case pcommon.ValueTypeInt:
		if p.secretKey(key) {
			p.hits["attribute "+key]++
			v.SetInt(0)
		}
	}
}

// text returns the scrubbed text; the same string when there is nothing to do.
func (p *pass) text(key, text string) string {
	if text == "" {
		return text
	}
	if p.secretKey(key) {
		p.hits["attribute "+key]++
		b := []byte(text)
		p.s.pseudonym.replace(b, "attribute")
		return string(b)
	}
	// The finders only read until one has found something, and then a copy is made.
	now := p.bytes(unsafe.Slice(unsafe.StringData(text), len(text)))
	return unsafe.String(unsafe.SliceData(now), len(now))
}

// bytes returns b itself when nothing is found.
func (p *pass) bytes(b []byte) []byte {
	out, copied := b, false
	for i := range p.s.finders {
		f := &p.s.finders[i]
		if f.hint != nil && !f.hint(out) {
			continue
		}
		for _, at := range f.regexp.FindAllSubmatchIndex(out, -1) {
			from, to := at[0], at[1]
			if len(at) > 2 && at[2] >= 0 {
				from, to = at[2], at[3]
			}
			if f.judge != nil && !f.judge(out[from:to]) {
				continue
			}
			if !copied {
				out, copied = bytes.Clone(b), true
			}
			p.hits[f.name]++
			if f.replace != nil {
				f.replace(&p.s.pseudonym, out[from:to])
			} else {
				p.s.pseudonym.replace(out[from:to], f.name)
			}
		}
	}
	return out
}

func (p *pass) secretKey(key string) bool {
	if key == "" {
		return false
	}
	key = strings.ToLower(key)
	for _, pattern := range p.s.keys {
		text, open := strings.CutPrefix(pattern, "*")
		text, openEnd := strings.CutSuffix(text, "*")
		if open && openEnd && strings.Contains(key, text) || open && !openEnd && strings.HasSuffix(key, text) ||
			!open && openEnd && strings.HasPrefix(key, text) || key == text {
			return true
		}
	}
	return false
}
