package postgres

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/storage"
)

// matcher judges in Go the records that SQL was not sure of.
type matcher struct {
	where   storage.Expr
	regexps map[string]*regexp.Regexp
}

func newMatcher(where storage.Expr) *matcher {
	return &matcher{where: where, regexps: map[string]*regexp.Regexp{}}
}

// candidate is a record whose attributes are read when they are first asked for.
type candidate struct {
	*storage.Record
	attributes pcommon.Map
	read       bool
}

func (m *matcher) matches(r *storage.Record) (bool, error) {
	return m.holds(m.where, &candidate{Record: r})
}

func (m *matcher) holds(e storage.Expr, c *candidate) (bool, error) {
	switch e := e.(type) {
	case nil:
		return true, nil
	case storage.And:
		return m.any(e, c, false)
	case storage.Or:
		return m.any(e, c, true)
	case storage.Not:
		ok, err := m.holds(e.X, c)
		return !ok, err
	case storage.InStreams:
		return slices.Contains(e.IDs, c.Stream.ID), nil
	case storage.Text:
		text, err := c.text(e.Field)
		if err != nil {
			return false, err
		}
		return m.text(text, e)
	case storage.Number:
		n, ok, err := c.number(e.Field)
		return ok && compare(n, e.Op, e.Value), err
	case storage.Has:
		return c.has(e.Field)
	}
	return false, fmt.Errorf("unknown condition %T", e)
}

// any tells whether one of the list is as wanted; if none is, the opposite holds.
func (m *matcher) any(list []storage.Expr, c *candidate, wanted bool) (bool, error) {
	for _, e := range list {
		if ok, err := m.holds(e, c); err != nil || ok == wanted {
			return wanted, err
		}
	}
	return !wanted, nil
}

func (m *matcher) text(text string, t storage.Text) (bool, error) {
	switch {
	case t.Op == storage.TextMatch:
		return m.match(text, t.Value)
	case !utf8.ValidString(t.Value):
		return false, nil // stored text is UTF-8
	case t.Op == storage.TextEqual && !t.Fold:
		return text == t.Value, nil
	case t.Op == storage.TextEqual:
		return strings.EqualFold(text, t.Value), nil
	case !t.Fold:
		return strings.Contains(text, t.Value), nil
	}
	return m.match(text, "(?i)"+regexp.QuoteMeta(t.Value))
}

func (m *matcher) match(text, expression string) (bool, error) {
	re, ok := m.regexps[expression]
	if !ok {
		var err error
		if re, err = regexp.Compile(expression); err != nil {
			return false, fmt.Errorf("regular expression %q: %w", expression, err)
		}
		m.regexps[expression] = re
	}
	return re.MatchString(text), nil
}

func compare(n float64, op storage.NumberOp, with float64) bool {
	switch op {
	case storage.NumberEqual:
		return n == with
	case storage.NumberLess:
		return n < with
	case storage.NumberLessEqual:
		return n <= with
	case storage.NumberGreater:
		return n > with
	default:
		return n >= with
	}
}

// text is a field's text as storage.Text defines it.
func (c *candidate) text(f storage.FieldRef) (string, error) {
	switch f.Kind {
	case storage.FieldBody:
		return c.Body, nil
	case storage.FieldSeverity:
		return strconv.Itoa(int(c.Severity)), nil
	case storage.FieldSeverityText:
		return c.SeverityText, nil
	case storage.FieldStream:
		return strconv.FormatUint(c.Stream.ID, 10), nil
	case storage.FieldTraceID:
		if c.TraceID.IsEmpty() {
			return "", nil
		}
		return hex.EncodeToString(c.TraceID[:]), nil
	case storage.FieldSpanID:
		if c.SpanID.IsEmpty() {
			return "", nil
		}
		return hex.EncodeToString(c.SpanID[:]), nil
	case storage.FieldEventName:
		return c.EventName, nil
	case storage.FieldFlags:
		return strconv.FormatUint(uint64(c.Flags), 10), nil
	case storage.FieldObserved:
		return strconv.FormatUint(uint64(c.Observed), 10), nil
	}
	v, ok, err := c.attribute(f.Path)
	switch {
	case err != nil || !ok || v.Type() == pcommon.ValueTypeEmpty:
		return "", err
	case v.Type() == pcommon.ValueTypeStr && utf8.ValidString(v.Str()):
		return v.Str(), nil
	}
	return string(storage.AppendValue(nil, v)), nil
}

// attribute finds the value at a path of keys.
func (c *candidate) attribute(path []string) (v pcommon.Value, ok bool, err error) {
	if !c.read {
		c.read, c.attributes = true, pcommon.NewMap()
		if err := storage.DecodeMap(c.Attributes, c.attributes); err != nil {
			return v, false, fmt.Errorf("attributes of record %s: %w", c.ID, err)
		}
	}
	m := c.attributes
	for i, key := range path {
		v, ok = m.Get(key)
		if !ok || i == len(path)-1 {
			return v, ok, nil
		}
		if v.Type() != pcommon.ValueTypeMap {
			return v, false, nil
		}
		m = v.Map()
	}
	return v, false, nil
}

// numeric is what text counts as a number.
var numeric = regexp.MustCompile(`^[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

func (c *candidate) number(f storage.FieldRef) (float64, bool, error) {
	text, err := c.text(f)
	if err != nil || !numeric.MatchString(text) {
		return 0, false, err
	}
	n, err := strconv.ParseFloat(text, 64)
	return n, err == nil, nil // out of range: not a number
}

func (c *candidate) has(f storage.FieldRef) (bool, error) {
	switch f.Kind {
	case storage.FieldAttribute:
		_, ok, err := c.attribute(f.Path)
		return ok, err
	case storage.FieldBody:
		return c.BodyKind != storage.BodyEmpty, nil
	}
	text, err := c.text(f)
	return text != "" && text != "0", err
}
