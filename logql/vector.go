package logql

import (
	"regexp"
	"strconv"
	"strings"
)

// VectorOp aggregates the series of a vector.
type VectorOp uint8

const (
	VectorSum VectorOp = iota
	VectorAvg
	VectorMin
	VectorMax
	VectorCount
	VectorStddev
	VectorStdvar
	VectorTopK
	VectorBottomK
	VectorApproxTopK
	VectorSort
	VectorSortDesc
)

var vectorOps = [...]struct {
	name            string
	param, grouping bool
}{
	VectorSum:        {"sum", false, true},
	VectorAvg:        {"avg", false, true},
	VectorMin:        {"min", false, true},
	VectorMax:        {"max", false, true},
	VectorCount:      {"count", false, true},
	VectorStddev:     {"stddev", false, true},
	VectorStdvar:     {"stdvar", false, true},
	VectorTopK:       {"topk", true, true},
	VectorBottomK:    {"bottomk", true, true},
	VectorApproxTopK: {"approx_topk", true, false},
	VectorSort:       {"sort", false, false},
	VectorSortDesc:   {"sort_desc", false, false},
}

func (o VectorOp) String() string { return vectorOps[o].name }

// VectorAggregation aggregates, chooses or sorts the series of a vector.
type VectorAggregation struct {
	Op       VectorOp
	Param    int // of topk, bottomk and approx_topk: at least 1
	Grouping *Grouping
	Inner    SampleExpr
}

// LabelReplace sets the label Destination of each series where the label Source matches Regexp as a whole.
type LabelReplace struct {
	Inner       SampleExpr
	Destination string
	Replacement string // may refer to groups: $1, ${name}
	Source      string
	Regexp      string
}

// Vector is a number as a vector of one series without labels.
type Vector struct{ Value float64 }

// Literal is a number.
type Literal struct{ Value float64 }

func (v *VectorAggregation) String() string {
	var b strings.Builder
	b.WriteString(v.Op.String())
	if v.Grouping != nil {
		b.WriteString(v.Grouping.suffix())
		b.WriteByte(' ')
	}
	b.WriteByte('(')
	if vectorOps[v.Op].param {
		b.WriteString(strconv.Itoa(v.Param) + ", ")
	}
	b.WriteString(v.Inner.String())
	b.WriteByte(')')
	return b.String()
}

func (l *LabelReplace) String() string {
	return "label_replace(" + l.Inner.String() + ", " + quote(l.Destination) + ", " + quote(l.Replacement) + ", " +
		quote(l.Source) + ", " + quote(l.Regexp) + ")"
}

func (v *Vector) String() string  { return "vector(" + formatNumber(v.Value) + ")" }
func (l *Literal) String() string { return formatNumber(l.Value) }

func (p *parser) vectorAggregation(op VectorOp) (SampleExpr, error) {
	name := p.take()
	v := &VectorAggregation{Op: op}
	var err error
	if v.Grouping, err = p.grouping(); err != nil {
		return nil, err
	}
	if err := p.expect("(", "behind "+name.text); err != nil {
		return nil, err
	}
	if vectorOps[op].param {
		if v.Param, err = p.groupSize(name); err != nil {
			return nil, err
		}
	}
	if p.startsLog() {
		return nil, p.fail(p.peek(), "%s takes numbers, not entries: expected a range aggregation such as %s", name.text,
			name.text+"(count_over_time({…}[5m]))")
	}
	if v.Inner, err = p.vectorArgument(name); err != nil {
		return nil, err
	}
	if err := p.expect(")", "to close "+name.text+"("); err != nil {
		return nil, err
	}
	if v.Grouping == nil {
		if v.Grouping, err = p.grouping(); err != nil {
			return nil, err
		}
	}
	if v.Grouping != nil && !vectorOps[op].grouping {
		return nil, p.fail(name, "grouping not allowed for %s: group inside it", name.text)
	}
	return v, nil
}

// vectorArgument reads the expression that a function of series works on.
func (p *parser) vectorArgument(function token) (SampleExpr, error) {
	t := p.peek()
	inner, err := p.sampleExpr(0)
	if err == nil && IsScalar(inner) {
		err = p.fail(t, "%s takes series, not a number: expected a range aggregation, or vector(…) around the number", function.text)
	}
	return inner, err
}

// groupSize reads the first parameter of topk and its like.
func (p *parser) groupSize(name token) (int, error) {
	t := p.peek()
	if t.kind != tokNumber {
		return 0, p.unexpected("how many series to keep, as in %s(5, …)", name.text)
	}
	p.take()
	n, err := strconv.Atoi(t.text)
	if err != nil || n < 1 {
		return 0, p.fail(t, "invalid parameter %s(%s, …): expected a whole number of series, at least 1", name.text, t.text)
	}
	return n, p.expect(",", "behind the parameter of "+name.text)
}

func (p *parser) labelReplace() (SampleExpr, error) {
	call := p.take()
	if err := p.expect("(", "behind label_replace"); err != nil {
		return nil, err
	}
	l := &LabelReplace{}
	var err error
	if l.Inner, err = p.vectorArgument(call); err != nil {
		return nil, err
	}
	for _, arg := range []struct {
		name string
		dst  *string
	}{
		{"the label to set", &l.Destination}, {"the replacement", &l.Replacement},
		{"the label to read", &l.Source}, {"the regular expression", &l.Regexp},
	} {
		if err := p.expect(",", "before "+arg.name+" in label_replace"); err != nil {
			return nil, err
		}
		t := p.peek()
		if *arg.dst, err = p.expectString("for " + arg.name + " in label_replace"); err != nil {
			return nil, err
		}
		switch arg.dst {
		case &l.Destination:
			if !isLabelName(l.Destination) {
				return nil, p.fail(t, "invalid destination label name in label_replace(): %s", quote(l.Destination))
			}
		case &l.Regexp:
			if _, bad := regexp.Compile("^(?:" + l.Regexp + ")$"); bad != nil {
				return nil, p.fail(t, "invalid regular expression in label_replace(): %s", strings.TrimPrefix(bad.Error(), "error parsing regexp: "))
			}
		}
	}
	return l, p.expect(")", "to close label_replace(")
}

func isLabelName(s string) bool {
	for i := range len(s) {
		if !isNamePart(s[i]) || i == 0 && isDigit(s[i]) {
			return false
		}
	}
	return s != ""
}

func (p *parser) vector() (SampleExpr, error) {
	p.take()
	if err := p.expect("(", "behind vector"); err != nil {
		return nil, err
	}
	n, err := p.expectNumber("as in vector(0)")
	if err != nil {
		return nil, err
	}
	return &Vector{Value: n}, p.expect(")", "to close vector(")
}
