// Package where is the small filter language of replay's --where: terms with a space between, all of which must hold.
//
//	service=checkout severity>=WARN body~"payment .* declined" http.status_code>=500 user_id!=u-1
//
// A term is a name, an operator (= != for equal text, ~ !~ for a regular expression found or not, > >= < <= for numbers)
// and a value, quoted when it has a space. Names: service, severity, body, scope, event, trace_id, span_id; any other is a
// record attribute, or a resource attribute when the record has none. What a record lacks reads as "".
package where

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// Filter decides which records are kept. Safe for concurrent use.
type Filter struct {
	terms []term
}

type term struct {
	name     string
	operator string
	text     string
	number   float64
	regexp   *regexp.Regexp
}

// term: name, operator, value.
var syntax = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_.\-/]*)\s*(!=|!~|>=|<=|=|~|>|<)\s*("(?:[^"\\]|\\.)*"|[^\s"]+)(?:\s+|$)`)

// Parse reads a filter. An empty one keeps everything.
func Parse(text string) (*Filter, error) {
	f := &Filter{}
	for rest := strings.TrimSpace(text); rest != ""; {
		m := syntax.FindStringSubmatch(rest)
		if m == nil {
			return nil, fmt.Errorf("where: cannot read %q: a term is a name, one of = != ~ !~ > >= < <=, and a value; "+
				`for example service=checkout severity>=WARN body~"timed out"`, rest)
		}
		t, err := newTerm(m[1], m[2], m[3])
		if err != nil {
			return nil, fmt.Errorf("where: %s: %w", strings.TrimSpace(m[0]), err)
		}
		f.terms = append(f.terms, t)
		rest = rest[len(m[0]):]
	}
	return f, nil
}

func newTerm(name, operator, value string) (t term, err error) {
	t = term{name: name, operator: operator, text: value}
	if value[0] == '"' {
		if t.text, err = strconv.Unquote(value); err != nil {
			return t, fmt.Errorf("the quotes do not match: %w", err)
		}
	}
	switch operator {
	case "~", "!~":
		t.regexp, err = regexp.Compile(t.text)
	case ">", ">=", "<", "<=":
		if name == "severity" {
			var ok bool
			if t.number, ok = severityNumber(t.text); !ok {
				return t, fmt.Errorf("%q is no severity: use TRACE, DEBUG, INFO, WARN, ERROR, FATAL or 1 to 24", t.text)
			}
			return t, nil
		}
		if t.number, err = strconv.ParseFloat(t.text, 64); err != nil {
			err = fmt.Errorf("%q is not a number", t.text)
		}
	case "=", "!=":
		if name == "severity" {
			t.text = strings.ToUpper(t.text)
		}
	}
	return t, err
}

var severities = []string{"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"}

func severityNumber(text string) (float64, bool) {
	for i, name := range severities {
		if strings.EqualFold(text, name) || name == "WARN" && strings.EqualFold(text, "WARNING") {
			return float64(1 + 4*i), true
		}
	}
	n, err := strconv.Atoi(text)
	return float64(n), err == nil && n >= 1 && n <= 24
}

// Keep says whether a record passes.
func (f *Filter) Keep(resource pcommon.Resource, scope pcommon.InstrumentationScope, r plog.LogRecord) bool {
	for i := range f.terms {
		if !f.terms[i].holds(resource, scope, r) {
			return false
		}
	}
	return true
}

func (t *term) holds(resource pcommon.Resource, scope pcommon.InstrumentationScope, r plog.LogRecord) bool {
	if t.name == "severity" && t.regexp == nil {
		return t.severity(r.SeverityNumber())
	}
	text := read(t.name, resource, scope, r)
	switch t.operator {
	case "=":
		return text == t.text
	case "!=":
		return text != t.text
	case "~":
		return t.regexp.MatchString(text)
	case "!~":
		return !t.regexp.MatchString(text)
	}
	n, err := strconv.ParseFloat(text, 64)
	return err == nil && t.compare(n)
}

// severity compares; = means the name's whole range, as WARN2 is a warning.
func (t *term) severity(n plog.SeverityNumber) bool {
	if t.operator != "=" && t.operator != "!=" {
		return t.compare(float64(n))
	}
	low, ok := severityNumber(t.text)
	equal := ok && float64(n) >= low && float64(n) < low+4
	if _, err := strconv.Atoi(t.text); err == nil {
		equal = float64(n) == low
	}
	return equal == (t.operator == "=")
}

func (t *term) compare(n float64) bool {
	switch t.operator {
	case ">":
		return n > t.number
	case ">=":
		return n >= t.number
	case "<":
		return n < t.number
	default:
		return n <= t.number
	}
}

func read(name string, resource pcommon.Resource, scope pcommon.InstrumentationScope, r plog.LogRecord) string {
	switch name {
	case "service":
		return attribute(resource.Attributes(), "service.name")
	case "severity":
		return r.SeverityText()
	case "body":
		return r.Body().AsString()
	case "scope":
		return scope.Name()
	case "event":
		return r.EventName()
	case "trace_id":
		return r.TraceID().String()
	case "span_id":
		return r.SpanID().String()
	}
	if v, ok := r.Attributes().Get(name); ok {
		return v.AsString()
	}
	return attribute(resource.Attributes(), name)
}

func attribute(m pcommon.Map, name string) string {
	if v, ok := m.Get(name); ok {
		return v.AsString()
	}
	return ""
}
