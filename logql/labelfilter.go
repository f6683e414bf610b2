package logql

import (
	"fmt"
	"time"
)

// LabelFilter keeps entries whose labels satisfy a predicate.
type LabelFilter struct{ Predicate Predicate }

// Predicate is a condition on labels: *AndPredicate, *OrPredicate, *MatchPredicate, *NumberPredicate, *DurationPredicate,
// *BytesPredicate or *IPPredicate.
type Predicate interface {
	String() string
	isPredicate()
}

type (
	// AndPredicate holds when both sides do.
	AndPredicate struct{ Left, Right Predicate }
	// OrPredicate holds when one side does.
	OrPredicate struct{ Left, Right Predicate }
	// MatchPredicate compares a label with a string.
	MatchPredicate struct{ Matcher }
	// NumberPredicate compares a label's number.
	NumberPredicate struct {
		Name  string
		Op    CompareOp
		Value float64
	}
	// DurationPredicate compares a label's duration.
	DurationPredicate struct {
		Name  string
		Op    CompareOp
		Value time.Duration
	}
	// BytesPredicate compares a label's size.
	BytesPredicate struct {
		Name  string
		Op    CompareOp
		Value uint64
	}
	// IPPredicate holds when the label holds an address in Pattern; negated, when it does not.
	IPPredicate struct {
		Name    string
		Negated bool
		Pattern string // see ParseIP
	}
)

// CompareOp compares quantities.
type CompareOp uint8

const (
	CompareEqual CompareOp = iota
	CompareNotEqual
	CompareGreater
	CompareGreaterEqual
	CompareLess
	CompareLessEqual
)

var compareOps = [...]string{"==", "!=", ">", ">=", "<", "<="}

func (o CompareOp) String() string { return compareOps[o] }

func (*AndPredicate) isPredicate()      {}
func (*OrPredicate) isPredicate()       {}
func (*MatchPredicate) isPredicate()    {}
func (*NumberPredicate) isPredicate()   {}
func (*DurationPredicate) isPredicate() {}
func (*BytesPredicate) isPredicate()    {}
func (*IPPredicate) isPredicate()       {}

func (f *LabelFilter) String() string { return "| " + f.Predicate.String() }

// String brackets what would otherwise be read in another order: "or" below "and", and right sides, as both group to the left.
func (a *AndPredicate) String() string {
	left, right := a.Left.String(), a.Right.String()
	if _, or := a.Left.(*OrPredicate); or {
		left = "(" + left + ")"
	}
	switch a.Right.(type) {
	case *OrPredicate, *AndPredicate:
		right = "(" + right + ")"
	}
	return left + " and " + right
}

func (o *OrPredicate) String() string {
	right := o.Right.String()
	if _, or := o.Right.(*OrPredicate); or {
		right = "(" + right + ")"
	}
	return o.Left.String() + " or " + right
}

func (n *NumberPredicate) String() string {
	return fmt.Sprintf("%s %s %s", n.Name, n.Op, formatNumber(n.Value))
}

func (d *DurationPredicate) String() string {
	return fmt.Sprintf("%s %s %s", d.Name, d.Op, FormatDuration(d.Value))
}

func (b *BytesPredicate) String() string {
	return fmt.Sprintf("%s %s %s", b.Name, b.Op, FormatBytes(b.Value))
}

func (i *IPPredicate) String() string {
	op := "="
	if i.Negated {
		op = "!="
	}
	return fmt.Sprintf("%s %s ip(%s)", i.Name, op, quote(i.Pattern))
}

func (p *parser) labelFilter() (*LabelFilter, error) {
	predicate, err := p.orPredicate()
	return &LabelFilter{Predicate: predicate}, err
}

func (p *parser) orPredicate() (Predicate, error) {
	left, err := p.andPredicate()
	for err == nil && p.acceptWord("or") {
		var right Predicate
		right, err = p.andPredicate()
		left = &OrPredicate{Left: left, Right: right}
	}
	return left, err
}

// andPredicate reads predicates joined by "and", by a comma or by standing side by side.
func (p *parser) andPredicate() (Predicate, error) {
	left, err := p.predicate()
	for err == nil && (p.acceptWord("and") || p.accept(",") || p.startsPredicate()) {
		var right Predicate
		right, err = p.predicate()
		left = &AndPredicate{Left: left, Right: right}
	}
	return left, err
}

func (p *parser) startsPredicate() bool {
	t := p.peek()
	return t.is("(") || t.kind == tokName && t.text != "or" && isComparison(p.peekAt(1))
}

func (p *parser) predicate() (Predicate, error) {
	if err := p.count(); err != nil {
		return nil, err
	}
	if p.peek().is("(") {
		if err := p.deeper(); err != nil {
			return nil, err
		}
		p.take()
		inner, err := p.orPredicate()
		if err != nil {
			return nil, err
		}
		p.depth--
		return inner, p.expect(")", "to close the label filter's bracket")
	}
	name, err := p.expectName("for a label filter")
	if err != nil {
		return nil, err
	}
	if !isComparison(p.peek()) {
		return nil, p.unexpected("one of = != =~ !~ == > >= < <= behind the label %s", name)
	}
	op := p.take()
	switch value := p.peek(); {
	case value.kind == tokString:
		return p.matchPredicate(name, op)
	case value.word("ip"):
		if op.text != "=" && op.text != "!=" {
			return nil, p.fail(op, "ip() goes with = and != only, not with %s", op.text)
		}
		pattern, err := p.ip()
		return &IPPredicate{Name: name, Negated: op.text == "!=", Pattern: pattern}, err
	default:
		return p.quantityPredicate(name, op)
	}
}

func isComparison(t token) bool {
	return isLabelComparison(t) || t.is("!=") || t.is("!~")
}

func (p *parser) matchPredicate(name string, op token) (Predicate, error) {
	match, ok := matchOp(op)
	if !ok {
		return nil, p.fail(p.peek(), "%s compares quantities: expected a number, duration or size without quotes, or one of = != =~ !~", op.text)
	}
	value := p.take()
	if match == MatchRegexp || match == MatchNotRegexp {
		if err := p.regexp(value, value.text); err != nil {
			return nil, err
		}
	}
	return &MatchPredicate{Matcher{Name: name, Op: match, Value: value.text}}, nil
}

func (p *parser) quantityPredicate(name string, op token) (Predicate, error) {
	compare, ok := compareOp(op)
	if !ok {
		return nil, p.unexpected("a string in quotes behind %s", op.text)
	}
	negative := p.accept("-")
	if !negative {
		p.accept("+")
	}
	value := p.peek()
	if value.kind != tokNumber {
		return nil, p.unexpected("a string in quotes, a number, a duration such as 5s or a size such as 5KB for the label %s", name)
	}
	p.take()
	if n, ok := parseNumber(value.text); ok {
		if negative {
			n = -n
		}
		return &NumberPredicate{Name: name, Op: compare, Value: n}, nil
	}
	if d, err := ParseDuration(value.text); err == nil {
		if negative {
			d = -d
		}
		return &DurationPredicate{Name: name, Op: compare, Value: d}, nil
	}
	if b, err := ParseBytes(value.text); err == nil && !negative {
		return &BytesPredicate{Name: name, Op: compare, Value: b}, nil
	}
	return nil, p.fail(value, "%q is not a number, a duration such as 5s or a size such as 5KB", value.text)
}

func compareOp(t token) (CompareOp, bool) {
	if t.is("=") {
		return CompareEqual, true
	}
	for op, text := range compareOps {
		if t.is(text) {
			return CompareOp(op), true
		}
	}
	return 0, false
}
