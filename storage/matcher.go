package storage

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Matcher judges records in Go as a store judges them. Safe for concurrent use.
type Matcher struct{ holds condition }

// condition is a compiled Expr.
type condition func(*Values) (bool, error)

// NewMatcher makes a Matcher of a condition; nil matches everything.
func NewMatcher(where Expr) *Matcher {
	if where == nil {
		return &Matcher{}
	}
	return &Matcher{compile(where)}
}

// Matches tells whether the condition holds. It fails when it asks for an attribute and the attributes can't be decoded, and
// when it needs an expression that is none of RE2's.
func (m *Matcher) Matches(r *Record) (bool, error) {
	if m.holds == nil {
		return true, nil
	}
	v := ValuesOf(r)
	return m.holds(&v)
}

func compile(e Expr) condition {
	switch e := e.(type) {
	case And:
		return decided(e, false)
	case Or:
		return decided(e, true)
	case Not:
		x := compile(e.X)
		return func(v *Values) (bool, error) {
			ok, err := x(v)
			return !ok, err
		}
	case InStreams:
		return func(v *Values) (bool, error) { return slices.Contains(e.IDs, v.record.Stream.ID), nil }
	case Text:
		return compileText(e)
	case Number:
		return func(v *Values) (bool, error) {
			n, ok, err := v.Number(e.Field)
			return ok && compare(n, e.Op, e.Value), err
		}
	case Has:
		return func(v *Values) (bool, error) { return v.Has(e.Field) }
	}
	return fails(fmt.Errorf("unknown condition %T", e))
}

func fails(err error) condition { return func(*Values) (bool, error) { return false, err } }

// decided is as wanted when one of the list is; if none is, it is the opposite.
func decided(list []Expr, wanted bool) condition {
	parts := make([]condition, len(list))
	for i, e := range list {
		parts[i] = compile(e)
	}
	return func(v *Values) (bool, error) {
		for _, holds := range parts {
			if ok, err := holds(v); err != nil || ok == wanted {
				return wanted, err
			}
		}
		return !wanted, nil
	}
}

func compileText(t Text) condition {
	test, err := textTest(t)
	if err != nil {
		return fails(err)
	}
	return func(v *Values) (bool, error) {
		text, err := v.Text(t.Field)
		return err == nil && test(text), err
	}
}

func textTest(t Text) (func(text string) bool, error) {
	switch {
	case t.Op == TextMatch:
		re, err := regexp.Compile(t.Value)
		if err != nil {
			return nil, fmt.Errorf("regular expression %q: %w", t.Value, err)
		}
		return re.MatchString, nil
	case !utf8.ValidString(t.Value):
		return func(string) bool { return false }, nil // stored text is UTF-8
	case t.Op == TextEqual && !t.Fold:
		return func(text string) bool { return text == t.Value }, nil
	case t.Op == TextEqual:
		return func(text string) bool { return strings.EqualFold(text, t.Value) }, nil
	case !t.Fold:
		return func(text string) bool { return strings.Contains(text, t.Value) }, nil
	}
	return containsFold(t.Value), nil
}

// containsFold looks for a text whatever its case. The letters k and s have relatives beyond ASCII, all other ASCII has not:
// there no expression is needed, which would take ten times as long.
func containsFold(text string) func(string) bool {
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf || strings.ContainsRune("kKsS", r) }) {
		return regexp.MustCompile("(?i)" + regexp.QuoteMeta(text)).MatchString
	}
	first, n := strings.ToLower(text[:1])+strings.ToUpper(text[:1]), len(text)
	return func(in string) bool {
		for i := 0; i+n <= len(in); i++ {
			if (in[i] == first[0] || in[i] == first[1]) && strings.EqualFold(in[i:i+n], text) {
				return true
			}
		}
		return false
	}
}

func compare(n float64, op NumberOp, with float64) bool {
	switch op {
	case NumberEqual:
		return n == with
	case NumberLess:
		return n < with
	case NumberLessEqual:
		return n <= with
	case NumberGreater:
		return n > with
	default:
		return n >= with
	}
}
