package logql

import "time"

// RangeOp is a function over the entries of a window of time.
type RangeOp uint8

const (
	RangeRate RangeOp = iota
	RangeRateCounter
	RangeCount
	RangeBytes
	RangeBytesRate
	RangeAbsent
	RangeSum
	RangeAvg
	RangeMin
	RangeMax
	RangeFirst
	RangeLast
	RangeStddev
	RangeStdvar
	RangeQuantile
)

// What a range function takes.
const (
	unwrapNever = iota
	unwrapMay
	unwrapMust
)

var rangeOps = [...]struct {
	name     string
	unwrap   int
	grouping bool
}{
	RangeRate:        {"rate", unwrapMay, false},
	RangeRateCounter: {"rate_counter", unwrapMust, false},
	RangeCount:       {"count_over_time", unwrapNever, false},
	RangeBytes:       {"bytes_over_time", unwrapNever, false},
	RangeBytesRate:   {"bytes_rate", unwrapNever, false},
	RangeAbsent:      {"absent_over_time", unwrapMay, false},
	RangeSum:         {"sum_over_time", unwrapMust, false},
	RangeAvg:         {"avg_over_time", unwrapMust, true},
	RangeMin:         {"min_over_time", unwrapMust, true},
	RangeMax:         {"max_over_time", unwrapMust, true},
	RangeFirst:       {"first_over_time", unwrapMust, true},
	RangeLast:        {"last_over_time", unwrapMust, true},
	RangeStddev:      {"stddev_over_time", unwrapMust, true},
	RangeStdvar:      {"stdvar_over_time", unwrapMust, true},
	RangeQuantile:    {"quantile_over_time", unwrapMust, true},
}

func (o RangeOp) String() string { return rangeOps[o].name }

// RangeAggregation is a function over the entries of a window of time, evaluated at each step.
type RangeAggregation struct {
	Op       RangeOp
	Param    float64 // of quantile_over_time
	Range    *Range
	Grouping *Grouping // nil: by all labels
}

// Range is the entries of a log query in a window (t-Duration-Offset, t-Offset].
type Range struct {
	Log      *LogQuery
	Unwrap   *Unwrap // nil: entries count as they are
	Duration time.Duration
	Offset   time.Duration // may be negative
}

func (a *RangeAggregation) String() string {
	param := ""
	if a.Op == RangeQuantile {
		param = formatNumber(a.Param) + ", "
	}
	return a.Op.String() + "(" + param + a.Range.String() + ")" + a.Grouping.suffix()
}

func (r *Range) String() string {
	s := r.Log.String()
	if r.Unwrap != nil {
		s += " " + r.Unwrap.String()
	}
	if len(r.Log.Stages) > 0 || r.Unwrap != nil {
		s += " "
	}
	return s + r.window()
}

func (r *Range) window() string {
	s := "[" + FormatDuration(r.Duration) + "]"
	if r.Offset != 0 {
		s += " offset " + FormatDuration(r.Offset)
	}
	return s
}

func (p *parser) rangeAggregation(op RangeOp) (SampleExpr, error) {
	name := p.take()
	if p.peek().word("by") || p.peek().word("without") {
		return nil, p.unexpected("\"(\": the grouping of %s stands behind its brackets", name.text)
	}
	if err := p.expect("(", "behind "+name.text); err != nil {
		return nil, err
	}
	a := &RangeAggregation{Op: op}
	var err error
	if op == RangeQuantile {
		if a.Param, err = p.expectNumber("for the quantile, such as quantile_over_time(0.99, …)"); err != nil {
			return nil, err
		}
		if err := p.expect(",", "behind the quantile"); err != nil {
			return nil, err
		}
	}
	if a.Range, err = p.rangeExpr(); err != nil {
		return nil, err
	}
	if err := p.expect(")", "to close "+name.text+"("); err != nil {
		return nil, err
	}
	if a.Grouping, err = p.grouping(); err != nil {
		return nil, err
	}
	return a, p.checkRange(name, a)
}

func (p *parser) checkRange(name token, a *RangeAggregation) error {
	rule := rangeOps[a.Op]
	switch {
	case a.Range.Unwrap == nil && rule.unwrap == unwrapMust:
		return p.fail(name, "invalid aggregation %s without unwrap: expected | unwrap and a label before the range", rule.name)
	case a.Range.Unwrap != nil && rule.unwrap == unwrapNever:
		return p.fail(name, "invalid aggregation %s with unwrap: it takes entries as they are", rule.name)
	case a.Grouping != nil && !rule.grouping:
		return p.fail(name, "grouping not allowed for %s: group around it, as in sum by (…) (%s(…))", rule.name, rule.name)
	}
	return nil
}

func (p *parser) rangeExpr() (*Range, error) {
	if err := p.deeper(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	if !p.startsLog() {
		return nil, p.unexpected("a selector such as {service_name=\"api\"}")
	}
	if p.peek().is("(") && p.bracketsRange() {
		p.take()
		r, err := p.rangeExpr()
		if err != nil {
			return nil, err
		}
		return r, p.expect(")", "to close the range's bracket")
	}
	r := &Range{}
	if p.peek().is("(") { // ( log [ unwrap ] ) [5m]
		p.take()
		if err := p.rangeBody(r, false); err != nil {
			return nil, err
		}
		if err := p.expect(")", "to close the query's bracket"); err != nil {
			return nil, err
		}
		if !p.peek().is("[") {
			return nil, p.unexpected("a range such as [5m] behind the query")
		}
		if err := p.window(r); err != nil {
			return nil, err
		}
		if r.Unwrap == nil && p.peek().is("|") && p.peekAt(1).word("unwrap") {
			var err error
			r.Unwrap, err = p.unwrap()
			return r, err
		}
		return r, nil
	}
	return r, p.rangeBody(r, true)
}

// bracketsRange tells whether the bracket that comes next closes behind a window, as in ({…}[5m]), rather than before
// it, as in ({…})[5m].
func (p *parser) bracketsRange() bool {
	depth := 0
	for n := 0; ; n++ {
		switch t := p.peekAt(n); {
		case t.kind == tokEOF:
			return true
		case t.is("("):
			depth++
		case t.is(")"):
			if depth--; depth == 0 {
				return !p.peekAt(n + 1).is("[")
			}
		}
	}
}

// rangeBody reads a selector, stages and unwrap, with the window behind the selector or at the end.
func (p *parser) rangeBody(r *Range, window bool) error {
	var err error
	if !window && p.peek().is("(") {
		p.take()
		if err := p.deeper(); err != nil {
			return err
		}
		if err := p.rangeBody(r, false); err != nil {
			return err
		}
		p.depth--
		return p.expect(")", "to close the query's bracket")
	}
	r.Log = &LogQuery{}
	if r.Log.Selector, err = p.selector(); err != nil {
		return err
	}
	early := window && p.peek().is("[")
	if early {
		if err := p.window(r); err != nil {
			return err
		}
	}
	if r.Log.Stages, err = p.stages(); err != nil {
		return err
	}
	if p.peek().is("|") { // stages stops before an unwrap only
		if r.Unwrap, err = p.unwrap(); err != nil {
			return err
		}
	}
	if !window || early {
		return nil
	}
	if !p.peek().is("[") {
		return p.unexpected("a range such as [5m] behind the query")
	}
	return p.window(r)
}

// window reads "[5m]" and an offset.
func (p *parser) window(r *Range) error {
	p.take()
	var err error
	t := p.peek()
	if r.Duration, err = p.expectDuration("for the range, such as [5m]"); err != nil {
		return err
	}
	if r.Duration <= 0 {
		return p.fail(t, "the range must be longer than 0")
	}
	if err := p.expect("]", "behind the range"); err != nil {
		return err
	}
	if !p.acceptWord("offset") {
		return nil
	}
	negative := p.accept("-")
	if r.Offset, err = p.expectDuration("behind offset, such as offset 5m"); negative {
		r.Offset = -r.Offset
	}
	return err
}

func (p *parser) expectDuration(where string) (time.Duration, error) {
	t := p.peek()
	if t.kind != tokNumber {
		return 0, p.unexpected("a duration %s", where)
	}
	p.take()
	d, err := ParseDuration(t.text)
	if err != nil {
		return 0, p.fail(t, "not a valid duration string: %v", err)
	}
	return d, nil
}

// expectNumber reads a number with an optional sign.
func (p *parser) expectNumber(where string) (float64, error) {
	sign := 1.0
	if p.accept("-") {
		sign = -1
	} else {
		p.accept("+")
	}
	t := p.peek()
	if t.kind != tokNumber {
		return 0, p.unexpected("a number %s", where)
	}
	p.take()
	n, ok := parseNumber(t.text)
	if !ok {
		return 0, p.fail(t, "%q is not a number", t.text)
	}
	return sign * n, nil
}
