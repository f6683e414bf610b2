package logql

import "strings"

// BinaryOp joins two expressions.
type BinaryOp uint8

const (
	BinaryOr BinaryOp = iota
	BinaryAnd
	BinaryUnless
	BinaryEqual
	BinaryNotEqual
	BinaryGreater
	BinaryGreaterEqual
	BinaryLess
	BinaryLessEqual
	BinaryAdd
	BinarySub
	BinaryMul
	BinaryDiv
	BinaryMod
	BinaryPow
)

var binaryOps = [...]struct {
	name       string
	precedence int
}{
	BinaryOr: {"or", 1}, BinaryAnd: {"and", 2}, BinaryUnless: {"unless", 2},
	BinaryEqual: {"==", 3}, BinaryNotEqual: {"!=", 3}, BinaryGreater: {">", 3}, BinaryGreaterEqual: {">=", 3},
	BinaryLess: {"<", 3}, BinaryLessEqual: {"<=", 3},
	BinaryAdd: {"+", 4}, BinarySub: {"-", 4}, BinaryMul: {"*", 5}, BinaryDiv: {"/", 5}, BinaryMod: {"%", 5}, BinaryPow: {"^", 6},
}

func (o BinaryOp) String() string { return binaryOps[o].name }

// IsSet tells whether the operator is one of and, or, unless.
func (o BinaryOp) IsSet() bool { return o <= BinaryUnless }

// IsComparison tells whether the operator compares: without bool it filters.
func (o BinaryOp) IsComparison() bool { return o >= BinaryEqual && o <= BinaryLessEqual }

// Binary joins two expressions by an operator.
type Binary struct {
	Op          BinaryOp
	Left, Right SampleExpr
	Bool        bool      // a comparison gives 0 or 1 instead of filtering
	Matching    *Matching // nil: series match when all their labels are equal
}

// Matching says which series of two vectors belong together.
type Matching struct {
	On      bool // compare only Labels; else all but Labels
	Labels  []string
	Group   GroupSide
	Include []string // labels that the result takes from the "one" side
}

// GroupSide says which side may have many series for one of the other.
type GroupSide uint8

const (
	GroupNone  GroupSide = iota // one to one
	GroupLeft                   // many on the left
	GroupRight                  // many on the right
)

func (b *Binary) String() string {
	return operandString(b.Left, b.Op, false) + " " + b.operator() + " " + operandString(b.Right, b.Op, true)
}

// operator gives the operator with its modifiers.
func (b *Binary) operator() string {
	var s strings.Builder
	s.WriteString(b.Op.String())
	if b.Bool {
		s.WriteString(" bool")
	}
	if m := b.Matching; m != nil {
		if m.On {
			s.WriteString(" on (")
		} else {
			s.WriteString(" ignoring (")
		}
		s.WriteString(strings.Join(m.Labels, ", ") + ")")
		switch m.Group {
		case GroupLeft:
			s.WriteString(" group_left (" + strings.Join(m.Include, ", ") + ")")
		case GroupRight:
			s.WriteString(" group_right (" + strings.Join(m.Include, ", ") + ")")
		}
	}
	return s.String()
}

func operandString(e SampleExpr, parent BinaryOp, right bool) string {
	if needsBrackets(e, parent, right) {
		return "(" + e.String() + ")"
	}
	return e.String()
}

func needsBrackets(e SampleExpr, parent BinaryOp, right bool) bool {
	b, ok := e.(*Binary)
	if !ok {
		return false
	}
	own, outer := binaryOps[b.Op].precedence, binaryOps[parent].precedence
	return own < outer || own == outer && right != (parent == BinaryPow)
}

// sampleExpr reads a metric expression whose operators bind tighter than least.
func (p *parser) sampleExpr(least int) (SampleExpr, error) {
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	left, err := p.operand()
	for err == nil {
		t := p.peek()
		op, ok := binaryOp(t)
		if !ok || binaryOps[op].precedence <= least {
			return left, nil
		}
		if err := p.count(); err != nil {
			return nil, err
		}
		p.take()
		b := &Binary{Op: op, Left: left}
		if err = p.modifiers(b); err != nil {
			return nil, err
		}
		least := binaryOps[op].precedence
		if op == BinaryPow {
			least--
		}
		if b.Right, err = p.sampleExpr(least); err != nil {
			return nil, err
		}
		err = p.checkBinary(t, b)
		left = b
	}
	return nil, err
}

func binaryOp(t token) (BinaryOp, bool) {
	if t.kind == tokOp || t.kind == tokName {
		for op := range binaryOps {
			if t.text == binaryOps[op].name {
				return BinaryOp(op), true
			}
		}
	}
	return 0, false
}

func (p *parser) operand() (SampleExpr, error) {
	t := p.peek()
	switch {
	case t.kind == tokNumber, t.is("+"), t.is("-"):
		n, err := p.expectNumber("behind the sign")
		return &Literal{Value: n}, err
	case t.is("(") && !p.startsLog():
		p.take()
		inner, err := p.sampleExpr(0)
		if err != nil {
			return nil, err
		}
		return inner, p.expect(")", "to close the bracket")
	case t.is("(") || t.is("{"):
		return nil, p.fail(t, "syntax error: unexpected log query, expected a range aggregation around it such as count_over_time({…}[5m])")
	case t.kind == tokName:
		return p.call(t)
	}
	return nil, p.unexpected("a selector such as {service_name=\"api\"}, an aggregation such as rate(…) or sum(…), or a number")
}

func (p *parser) call(t token) (SampleExpr, error) {
	switch t.text {
	case "vector":
		return p.vector()
	case "label_replace":
		return p.labelReplace()
	}
	for op := range rangeOps {
		if rangeOps[op].name == t.text {
			return p.rangeAggregation(RangeOp(op))
		}
	}
	for op := range vectorOps {
		if vectorOps[op].name == t.text {
			return p.vectorAggregation(VectorOp(op))
		}
	}
	return nil, p.fail(t, "syntax error: unexpected %q, expected a selector such as {service_name=\"api\"}, or an aggregation such as rate, count_over_time, sum or topk", t.text)
}

// modifiers reads bool, on, ignoring, group_left and group_right.
func (p *parser) modifiers(b *Binary) error {
	b.Bool = p.acceptWord("bool")
	if !p.peek().word("on") && !p.peek().word("ignoring") {
		return nil
	}
	m := &Matching{On: p.take().text == "on"}
	b.Matching = m
	var err error
	if m.Labels, err = p.names("behind on or ignoring"); err != nil {
		return err
	}
	switch {
	case p.acceptWord("group_left"):
		m.Group = GroupLeft
	case p.acceptWord("group_right"):
		m.Group = GroupRight
	default:
		return nil
	}
	m.Include = []string{}
	if p.peek().is("(") && !p.bracketsExpression() {
		m.Include, err = p.names("behind group_left or group_right")
	}
	return err
}

// bracketsExpression tells whether the bracket behind group_left opens the right side rather than a list of labels.
func (p *parser) bracketsExpression() bool {
	first, second := p.peekAt(1), p.peekAt(2)
	return !first.is(")") && (first.kind != tokName || !second.is(",") && !second.is(")"))
}

func (p *parser) checkBinary(t token, b *Binary) error {
	if b.Bool && !b.Op.IsComparison() {
		return p.fail(t, "bool goes with comparisons only, not with %s", b.Op)
	}
	left, right := IsScalar(b.Left), IsScalar(b.Right)
	switch {
	case b.Op.IsSet() && left:
		return p.fail(t, "unexpected literal for left leg of logical/set binary operation (%s): it takes vectors", b.Op)
	case b.Op.IsSet() && right:
		return p.fail(t, "unexpected literal for right leg of logical/set binary operation (%s): it takes vectors", b.Op)
	case b.Matching == nil:
		return nil
	case b.Op.IsSet() && b.Matching.Group != GroupNone:
		return p.fail(t, "no grouping allowed for %s operation", b.Op)
	case left || right:
		return p.fail(t, "vector matching only allowed between vectors: a number has no labels")
	}
	if b.Matching.On {
		for _, name := range b.Matching.Labels {
			for _, include := range b.Matching.Include {
				if name == include {
					return p.fail(t, "label %s must not occur in on and group_left or group_right at once", name)
				}
			}
		}
	}
	return nil
}
