package pipeline

import (
	"fmt"
	"unsafe"

	"github.com/instantdevlogs/devlogs/logql"
)

// logfmt makes labels of key=value pairs.
type logfmt struct {
	strict, keepEmpty bool
	names             names
	want              *wanted
	fields            map[string][]labelName // by key; nil: all keys
	ordered           []labelName
	scanner           logfmtScanner
}

func newLogfmt(l *logql.Logfmt, want *wanted) *logfmt {
	c := &logfmt{strict: l.Strict, keepEmpty: l.KeepEmpty, names: newNames(), want: want}
	if len(l.Fields) > 0 {
		c.fields = map[string][]labelName{}
		for _, f := range l.Fields {
			name := newLabelName(f.Label)
			c.fields[f.Path] = append(c.fields[f.Path], name)
			c.ordered = append(c.ordered, name)
		}
	}
	return c
}

func (l *logfmt) process(e *Entry) bool {
	s := &l.scanner
	s.reset(e.Line)
	for s.pair() {
		if s.problem != "" {
			if l.strict {
				e.Labels.fail(errLogfmt, s.problem)
				return true
			}
			continue
		}
		l.add(&e.Labels, s.key, s.value)
	}
	for _, name := range l.ordered { // every label that is asked for is there
		if _, has := e.Labels.Get(name.plain); !has {
			e.Labels.extract(name, "")
		}
	}
	return true
}

func (l *logfmt) add(labels *Labels, key, value string) {
	if l.fields != nil {
		for _, name := range l.fields[key] {
			labels.extract(name, value)
		}
		return
	}
	if value == "" && !l.keepEmpty {
		return
	}
	if name, ok := l.names.of(unsafe.Slice(unsafe.StringData(key), len(key))); ok && l.want.wantsAny(name) {
		labels.extract(name, value)
	}
}

// logfmtScanner cuts a line into pairs.
type logfmtScanner struct {
	line       string
	pos        int
	key, value string
	problem    string // what is wrong with the pair
	unescaped  []byte // see jsonScanner
}

func (s *logfmtScanner) reset(line string) { s.line, s.pos, s.unescaped = line, 0, s.unescaped[:0] }

// pair reads the next pair; it is false at the end of the line.
func (s *logfmtScanner) pair() bool {
	for s.pos < len(s.line) && s.line[s.pos] <= ' ' {
		s.pos++
	}
	if s.pos == len(s.line) {
		return false
	}
	start := s.pos
	s.value, s.problem = "", ""
	for s.pos < len(s.line) && s.line[s.pos] > ' ' && s.line[s.pos] != '=' && s.line[s.pos] != '"' {
		s.pos++
	}
	s.key = s.line[start:s.pos]
	if s.pos == len(s.line) || s.line[s.pos] <= ' ' {
		return true // a key alone
	}
	if s.line[s.pos] == '"' || s.key == "" {
		s.bad(start)
		return true
	}
	s.pos++
	if s.pos < len(s.line) && s.line[s.pos] == '"' {
		s.quoted(start)
		return true
	}
	from := s.pos
	for s.pos < len(s.line) && s.line[s.pos] > ' ' {
		if c := s.line[s.pos]; c == '=' || c == '"' {
			s.bad(start)
			return true
		}
		s.pos++
	}
	s.value = s.line[from:s.pos]
	return true
}

// bad notes a malformed pair and goes behind it.
func (s *logfmtScanner) bad(start int) {
	at := s.pos
	for s.pos < len(s.line) && s.line[s.pos] > ' ' {
		s.pos++
	}
	s.problem = fmt.Sprintf("unexpected %q at byte %d in %q", s.line[at], at+1, s.line[start:s.pos])
}

// quoted reads a value in double quotes.
func (s *logfmtScanner) quoted(start int) {
	s.pos++
	from, escapes := s.pos, false
	for ; s.pos < len(s.line) && s.line[s.pos] != '"'; s.pos++ {
		if s.line[s.pos] == '\\' {
			escapes = true
			s.pos++
		}
	}
	if s.pos >= len(s.line) {
		s.pos = len(s.line)
		s.problem = fmt.Sprintf("the quoted value of %q has no end", s.key)
		return
	}
	s.value = s.line[from:s.pos]
	s.pos++
	if s.pos < len(s.line) && s.line[s.pos] > ' ' {
		s.bad(start)
		return
	}
	if escapes {
		s.value = s.unescape(s.value)
	}
}

// unescape reads the escapes that logfmt shares with JSON; what is none stays as it is.
func (s *logfmtScanner) unescape(text string) string {
	from := len(s.unescaped)
	js := jsonScanner{text: text, unescaped: s.unescaped}
	for js.pos < len(text) {
		if text[js.pos] != '\\' {
			js.unescaped = append(js.unescaped, text[js.pos])
			js.pos++
			continue
		}
		if at := js.pos; js.escape() != nil {
			js.unescaped = append(js.unescaped, '\\')
			js.pos = at + 1
		}
	}
	s.unescaped = js.unescaped
	made := s.unescaped[from:]
	return unsafe.String(unsafe.SliceData(made), len(made))
}
