package pipeline

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/instantdevlogs/devlogs/logql"
)

type labelFilter struct{ predicate predicate }

func (f *labelFilter) process(e *Entry) bool { return f.predicate.holds(&e.Labels) }

// predicate is a condition on labels. Evaluating it may note an error.
type predicate interface {
	holds(l *Labels) bool
}

func newPredicate(p logql.Predicate) predicate {
	switch p := p.(type) {
	case *logql.AndPredicate:
		return and{newPredicate(p.Left), newPredicate(p.Right)}
	case *logql.OrPredicate:
		return or{newPredicate(p.Left), newPredicate(p.Right)}
	case *logql.MatchPredicate:
		return matches{p.Name, NewMatcher(p.Matcher)}
	case *logql.NumberPredicate:
		return quantity[float64]{p.Name, p.Op, p.Value, parseFloat}
	case *logql.DurationPredicate:
		return quantity[time.Duration]{p.Name, p.Op, p.Value, time.ParseDuration}
	case *logql.BytesPredicate:
		return quantity[uint64]{p.Name, p.Op, p.Value, humanize.ParseBytes}
	case *logql.IPPredicate:
		first, last, _ := logql.ParseIP(p.Pattern)
		return ipPredicate{p.Name, p.Negated, ipFinder{first, last}}
	}
	panic("unknown predicate") // the parser makes no other
}

type and struct{ left, right predicate }

func (a and) holds(l *Labels) bool { return a.left.holds(l) && a.right.holds(l) }

type or struct{ left, right predicate }

func (o or) holds(l *Labels) bool { return o.left.holds(l) || o.right.holds(l) }

// Matcher is a compiled logql.Matcher. It is safe for concurrent use.
type Matcher struct {
	op     logql.MatchOp
	value  string
	re     *regexp.Regexp
	values []string // instead of re: the values of an expression that only lists some
}

// NewMatcher compiles m.
func NewMatcher(m logql.Matcher) Matcher {
	c := Matcher{op: m.Op, value: m.Value}
	if m.Op != logql.MatchRegexp && m.Op != logql.MatchNotRegexp {
		return c
	}
	if m.Value != "" && !strings.ContainsAny(m.Value, `\.+*?()[]{}^$`) {
		c.values = strings.Split(m.Value, "|")
		return c
	}
	c.re = regexp.MustCompile(LabelRegexp(m.Value))
	return c
}

// Matches compares a value; a label that is absent has the value "".
func (m Matcher) Matches(value string) bool {
	switch m.op {
	case logql.MatchEqual:
		return value == m.value
	case logql.MatchNotEqual:
		return value != m.value
	}
	found := false
	if m.re != nil {
		found = m.re.MatchString(value)
	} else {
		for _, v := range m.values {
			found = found || v == value
		}
	}
	return found == (m.op == logql.MatchRegexp)
}

type matches struct {
	name    string
	matcher Matcher
}

func (m matches) holds(l *Labels) bool {
	value, _ := l.Get(m.name)
	return m.matcher.Matches(value)
}

// quantity compares a label that is read as a number, duration or size. An entry without the label is dropped; one whose
// label can't be read is kept and gets an error.
type quantity[T float64 | time.Duration | uint64] struct {
	name  string
	op    logql.CompareOp
	value T
	parse func(string) (T, error)
}

func parseFloat(s string) (float64, error) { return strconv.ParseFloat(s, 64) }

func (q quantity[T]) holds(l *Labels) bool {
	if q.name == ErrorLabel || q.name == ErrorDetailsLabel {
		return false
	}
	text, ok := l.Get(q.name)
	if !ok {
		return false
	}
	value, err := q.parse(text)
	if err != nil {
		l.fail(errFilter, err.Error())
		return true
	}
	switch q.op {
	case logql.CompareEqual:
		return value == q.value
	case logql.CompareNotEqual:
		return value != q.value
	case logql.CompareGreater:
		return value > q.value
	case logql.CompareGreaterEqual:
		return value >= q.value
	case logql.CompareLess:
		return value < q.value
	default:
		return value <= q.value
	}
}

type ipPredicate struct {
	name    string
	negated bool
	finder  ipFinder
}

func (p ipPredicate) holds(l *Labels) bool {
	if l.err != "" {
		return true
	}
	text, ok := l.Get(p.name)
	return ok && p.finder.find(text) != p.negated
}
