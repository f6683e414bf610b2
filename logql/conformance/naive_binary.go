package conformance

import (
	"math"
	"slices"

	"github.com/instantdevlogs/devlogs/logql"
)

// binary joins two vectors, or numbers, by trying all pairs.
func binary(b *logql.Binary, left, right []value) ([]value, error) {
	switch {
	case logql.IsScalar(b):
		number, holds := operate(b.Op, left[0].number, right[0].number)
		if b.Op.IsComparison() {
			number = oneOrZero(holds)
		}
		return []value{{nil, number}}, nil
	case logql.IsScalar(b.Right):
		return withNumber(b, left, func(x float64) (float64, bool) { return operate(b.Op, x, right[0].number) }), nil
	case logql.IsScalar(b.Left):
		return withNumber(b, right, func(x float64) (float64, bool) { return operate(b.Op, left[0].number, x) }), nil
	case b.Op.IsSet():
		return set(b, left, right), nil
	}
	return pairs(b, left, right)
}

func withNumber(b *logql.Binary, in []value, f func(float64) (float64, bool)) []value {
	var out []value
	for _, x := range in {
		number, holds := f(x.number)
		switch {
		case b.Bool:
			number = oneOrZero(holds)
		case b.Op.IsComparison():
			number = x.number
		}
		if holds || b.Bool {
			out = append(out, value{x.labels, number})
		}
	}
	return out
}

func operate(op logql.BinaryOp, a, b float64) (float64, bool) {
	switch op {
	case logql.BinaryAdd:
		return a + b, true
	case logql.BinarySub:
		return a - b, true
	case logql.BinaryMul:
		return a * b, true
	case logql.BinaryDiv:
		return a / b, true
	case logql.BinaryMod:
		return math.Mod(a, b), true
	case logql.BinaryPow:
		return math.Pow(a, b), true
	}
	return a, map[logql.BinaryOp]bool{
		logql.BinaryEqual: a == b, logql.BinaryNotEqual: a != b, logql.BinaryGreater: a > b,
		logql.BinaryGreaterEqual: a >= b, logql.BinaryLess: a < b, logql.BinaryLessEqual: a <= b,
	}[op]
}

func oneOrZero(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// shared gives the labels by which series match.
func shared(m *logql.Matching, labels map[string]string) map[string]string {
	if m == nil {
		return labels
	}
	out := map[string]string{}
	for name, text := range labels {
		if slices.Contains(m.Labels, name) == m.On {
			out[name] = text
		}
	}
	return out
}

func set(b *logql.Binary, left, right []value) []value {
	has := func(in []value, x value) bool {
		return slices.ContainsFunc(in, func(y value) bool {
			return key(shared(b.Matching, x.labels)) == key(shared(b.Matching, y.labels))
		})
	}
	var out []value
	for _, x := range left {
		if b.Op == logql.BinaryOr || has(right, x) == (b.Op == logql.BinaryAnd) {
			out = append(out, x)
		}
	}
	if b.Op == logql.BinaryOr {
		for _, y := range right {
			if !has(left, y) {
				out = append(out, y)
			}
		}
	}
	return out
}

func pairs(b *logql.Binary, left, right []value) ([]value, error) {
	group, include := logql.GroupNone, []string(nil)
	if b.Matching != nil {
		group, include = b.Matching.Group, b.Matching.Include
	}
	many, one := left, right
	if group == logql.GroupRight {
		many, one = right, left
	}
	for i, x := range one {
		for _, y := range one[:i] {
			if key(shared(b.Matching, x.labels)) == key(shared(b.Matching, y.labels)) {
				return nil, errMatch
			}
		}
	}
	var out []value
	seen := map[string]bool{}
	for _, x := range many {
		for _, y := range one {
			if key(shared(b.Matching, x.labels)) != key(shared(b.Matching, y.labels)) {
				continue
			}
			l, r := x.number, y.number
			if group == logql.GroupRight {
				l, r = r, l
			}
			number, holds := operate(b.Op, l, r)
			if b.Bool {
				number = oneOrZero(holds)
			} else if !holds {
				continue
			}
			labels := shared(b.Matching, x.labels)
			if group != logql.GroupNone {
				labels = map[string]string{}
				for name, text := range x.labels {
					labels[name] = text
				}
				for _, name := range include {
					labels[name] = y.labels[name]
				}
			}
			if seen[key(labels)] {
				return nil, errMatch
			}
			seen[key(labels)] = true
			out = append(out, value{labels, number})
		}
	}
	return out, nil
}
