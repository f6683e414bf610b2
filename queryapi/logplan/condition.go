package logplan

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/instantdevlogs/devlogs/logql"
	"github.com/instantdevlogs/devlogs/logql/pipeline"
	"github.com/instantdevlogs/devlogs/storage"
)

// The conditions that are always and never true.
var (
	always storage.Expr = storage.And{}
	never  storage.Expr = storage.Or{}
)

// isAlways and isNever recognise them.
func isAlways(e storage.Expr) bool { a, ok := e.(storage.And); return ok && len(a) == 0 }
func isNever(e storage.Expr) bool  { o, ok := e.(storage.Or); return ok && len(o) == 0 }

func allOf(parts ...storage.Expr) storage.Expr {
	kept := storage.And{}
	for _, p := range parts {
		switch {
		case isNever(p):
			return never
		case !isAlways(p):
			kept = append(kept, p)
		}
	}
	if len(kept) == 1 {
		return kept[0]
	}
	return kept
}

func oneOf(parts ...storage.Expr) storage.Expr {
	kept := storage.Or{}
	for _, p := range parts {
		switch {
		case isAlways(p):
			return always
		case !isNever(p):
			kept = append(kept, p)
		}
	}
	if len(kept) == 1 {
		return kept[0]
	}
	return kept
}

func not(e storage.Expr) storage.Expr {
	switch {
	case isAlways(e):
		return never
	case isNever(e):
		return always
	}
	if n, ok := e.(storage.Not); ok {
		return n.X
	}
	return storage.Not{X: e}
}

// conditions makes storage conditions of what a query says of labels. ok is false where a store can't tell exactly.
type conditions struct{ catalogue *catalogue }

// matcher is the condition that a label matches.
func (c conditions) matcher(m logql.Matcher) (e storage.Expr, ok bool) {
	n := c.catalogue.resolve(m.Name)
	if !n.known {
		return nil, false
	}
	compiled := pipeline.NewMatcher(m)
	return c.overStreams(n, compiled.Matches, func() (storage.Expr, bool) {
		if n.level {
			return LevelCondition(compiled.Matches), true
		}
		return fieldCondition(n, m, compiled.Matches(""))
	})
}

// overStreams joins what holds for the streams that have a name with what holds for records of the others.
func (c conditions) overStreams(n name, chosen func(string) bool, others func() (storage.Expr, bool)) (storage.Expr, bool) {
	matched, lacking := c.catalogue.split(n, chosen)
	if len(lacking) == 0 && len(c.catalogue.streams) > 0 {
		return c.inStreams(matched), true
	}
	rest, ok := others()
	if !ok {
		return nil, false
	}
	if len(n.values) == 0 {
		return rest, true
	}
	if isAlways(rest) {
		return c.inStreams(append(matched, lacking...)), true
	}
	return oneOf(c.inStreams(matched), allOf(c.inStreams(lacking), rest)), true
}

func (c conditions) inStreams(ids []uint64) storage.Expr {
	switch len(ids) {
	case 0:
		return never
	case len(c.catalogue.streams):
		return always
	}
	slices.Sort(ids)
	return storage.InStreams{IDs: ids}
}

// fieldCondition is the condition that a record's column or attribute matches; empty tells whether "" does.
func fieldCondition(n name, m logql.Matcher, empty bool) (storage.Expr, bool) {
	if !utf8.ValidString(m.Value) || strings.ContainsAny(m.Value, "\uFFFD\x00") {
		return nil, false // such texts are stored in other forms
	}
	absent := never
	if empty {
		absent = always
	}
	result := absent
	if n.attribute != nil {
		if !n.attribute.types.only(storage.TypeString, storage.TypeInt, storage.TypeBool, storage.TypeNull) {
			return nil, false // a number reads 2.0 in the store and 2 as a label
		}
		result = matchText(n.attribute.ref, m)
	}
	if n.column == nil {
		return result, true
	}
	ref := storage.FieldRef{Kind: n.column.kind}
	there := storage.Expr(storage.Has{Field: ref})
	if n.attribute == nil && !n.column.zero {
		return matchText(ref, m), true
	}
	return oneOf(allOf(there, matchText(ref, m)), allOf(not(there), result)), true
}

func matchText(ref storage.FieldRef, m logql.Matcher) storage.Expr {
	var e storage.Expr
	switch m.Op {
	case logql.MatchEqual, logql.MatchNotEqual:
		e = storage.Text{Field: ref, Op: storage.TextEqual, Value: m.Value}
	default:
		e = storage.Text{Field: ref, Op: storage.TextMatch, Value: pipeline.LabelRegexp(m.Value)}
		if values := listed(m.Value); values != nil {
			or := make([]storage.Expr, len(values))
			for i, v := range values {
				or[i] = storage.Text{Field: ref, Op: storage.TextEqual, Value: v}
			}
			e = oneOf(or...)
		}
	}
	if m.Op.Negated() {
		return not(e)
	}
	return e
}

// listed gives the values of an expression that only lists a few, as Grafana's variables make them.
func listed(expression string) []string {
	if expression == "" || strings.ContainsAny(expression, `\.+*?()[]{}^$`) {
		return nil
	}
	values := strings.Split(expression, "|")
	if len(values) > 16 {
		return nil
	}
	return values
}

// predicate is the condition of a label filter.
func (c conditions) predicate(p logql.Predicate) (storage.Expr, bool) {
	switch p := p.(type) {
	case *logql.AndPredicate:
		left, ok1 := c.predicate(p.Left)
		right, ok2 := c.predicate(p.Right)
		if !ok1 || !ok2 {
			return nil, false
		}
		return allOf(left, right), true
	case *logql.OrPredicate:
		left, ok1 := c.predicate(p.Left)
		right, ok2 := c.predicate(p.Right)
		if !ok1 || !ok2 {
			return nil, false
		}
		return oneOf(left, right), true
	case *logql.MatchPredicate:
		return c.matcher(p.Matcher)
	case *logql.NumberPredicate:
		return c.number(p)
	}
	return nil, false
}

// atLeast is a condition that holds wherever the predicate holds, and perhaps elsewhere: the parts of an "and" that a store
// can tell.
func (c conditions) atLeast(p logql.Predicate) storage.Expr {
	if e, ok := c.predicate(p); ok {
		return e
	}
	if and, ok := p.(*logql.AndPredicate); ok {
		return allOf(c.atLeast(and.Left), c.atLeast(and.Right))
	}
	return always
}

// number is the condition that a label's number compares. It needs to know that every value there is a number: a filter
// does not drop an entry whose label is none.
func (c conditions) number(p *logql.NumberPredicate) (storage.Expr, bool) {
	n := c.catalogue.resolve(p.Name)
	if !n.known || n.level || len(n.values) > 0 || n.column != nil && n.attribute != nil {
		return nil, false
	}
	if n.column != nil {
		if !n.column.zero {
			return nil, false
		}
		ref := storage.FieldRef{Kind: n.column.kind}
		return allOf(storage.Has{Field: ref}, compare(ref, p)), true
	}
	if n.attribute == nil {
		return never, true
	}
	if !n.attribute.types.only(storage.TypeInt, storage.TypeDouble) {
		return nil, false
	}
	if n.attribute.types.only(storage.TypeInt) {
		return allOf(storage.Has{Field: n.attribute.ref}, compare(n.attribute.ref, p)), true
	}
	return allOf(storage.Has{Field: n.attribute.ref}, oneOf(compare(n.attribute.ref, p), unusualNumbers(n.attribute.ref, p))), true
}

func compare(ref storage.FieldRef, p *logql.NumberPredicate) storage.Expr {
	number := func(op storage.NumberOp) storage.Expr { return storage.Number{Field: ref, Op: op, Value: p.Value} }
	switch p.Op {
	case logql.CompareEqual:
		return number(storage.NumberEqual)
	case logql.CompareNotEqual:
		return not(number(storage.NumberEqual))
	case logql.CompareGreater:
		return number(storage.NumberGreater)
	case logql.CompareGreaterEqual:
		return number(storage.NumberGreaterEqual)
	case logql.CompareLess:
		return number(storage.NumberLess)
	default:
		return number(storage.NumberLessEqual)
	}
}

// unusualNumbers is the condition for the doubles that JSON has no numbers for. "Not equal" holds for them already.
func unusualNumbers(ref storage.FieldRef, p *logql.NumberPredicate) storage.Expr {
	infinite := func(sign string) storage.Expr {
		return storage.Text{Field: ref, Op: storage.TextEqual, Value: `{"$double":"` + sign + `Inf"}`}
	}
	switch p.Op {
	case logql.CompareGreater, logql.CompareGreaterEqual:
		return infinite("+")
	case logql.CompareLess, logql.CompareLessEqual:
		return infinite("-")
	}
	return never
}
