package engine

import (
	"math"
	"slices"

	"github.com/instantdevlogs/devlogs/logql"
)

func (b *builder) binary(e *logql.Binary) node {
	left, right := b.build(e.Left), b.build(e.Right)
	switch {
	case logql.IsScalar(e):
		return scalarPair{e, left, right}
	case logql.IsScalar(e.Right):
		return withScalar{expr: e, vector: left, scalar: right}
	case logql.IsScalar(e.Left):
		return withScalar{expr: e, vector: right, scalar: left, scalarLeft: true}
	case e.Op.IsSet():
		return newSetNode(e, left, right)
	}
	return newJoin(e, left, right)
}

// scalarPair calculates with two numbers.
type scalarPair struct {
	expr        *logql.Binary
	left, right node
}

func (n scalarPair) step(i int) ([]point, error) {
	left, err := n.left.step(i)
	if err != nil {
		return nil, err
	}
	right, err := n.right.step(i)
	if err != nil {
		return nil, err
	}
	value, holds := calculate(n.expr.Op, left[0].value, right[0].value)
	if n.expr.Op.IsComparison() {
		value = truth(holds)
	}
	return []point{{emptyMetric, value}}, nil
}

// withScalar calculates with each series of a vector and a number.
type withScalar struct {
	expr           *logql.Binary
	vector, scalar node
	scalarLeft     bool
}

func (n withScalar) step(i int) ([]point, error) {
	scalar, err := n.scalar.step(i)
	if err != nil {
		return nil, err
	}
	vector, err := n.vector.step(i)
	if err != nil {
		return nil, err
	}
	out := make([]point, 0, len(vector))
	for _, p := range vector {
		left, right := p.value, scalar[0].value
		if n.scalarLeft {
			left, right = right, left
		}
		value, holds := calculate(n.expr.Op, left, right)
		switch {
		case n.expr.Bool:
			value = truth(holds)
		case n.expr.Op.IsComparison() && !holds:
			continue
		case n.expr.Op.IsComparison():
			value = p.value
		}
		out = append(out, point{p.metric, value})
	}
	return out, nil
}

// calculate applies an arithmetic operator, or tells whether a comparison holds; its value is then the left side's.
func calculate(op logql.BinaryOp, left, right float64) (value float64, holds bool) {
	switch op {
	case logql.BinaryAdd:
		return left + right, true
	case logql.BinarySub:
		return left - right, true
	case logql.BinaryMul:
		return left * right, true
	case logql.BinaryDiv:
		return left / right, true
	case logql.BinaryMod:
		return math.Mod(left, right), true
	case logql.BinaryPow:
		return math.Pow(left, right), true
	case logql.BinaryEqual:
		return left, left == right
	case logql.BinaryNotEqual:
		return left, left != right
	case logql.BinaryGreater:
		return left, left > right
	case logql.BinaryGreaterEqual:
		return left, left >= right
	case logql.BinaryLess:
		return left, left < right
	default:
		return left, left <= right
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// matcher gives the labels by which series of two vectors belong together.
type matcher struct {
	group     grouper
	table     *table
	signature map[*Metric]*Metric
	labels    []Label
}

func newMatcher(m *logql.Matching) *matcher {
	g := grouper{all: true}
	if m != nil {
		g = newGrouper(&logql.Grouping{Without: !m.On, Labels: m.Labels})
	}
	return &matcher{group: g, table: newTable(), signature: map[*Metric]*Metric{}}
}

// forget keeps what is remembered from step to step within bounds. Within a step a Metric has to stay the same.
func (m *matcher) forget() {
	if len(m.signature) > maxCached {
		clear(m.signature)
		m.table = newTable()
	}
}

func (m *matcher) of(metric *Metric) *Metric {
	if s, ok := m.signature[metric]; ok {
		return s
	}
	m.labels = m.group.group(m.labels[:0], metric)
	s := m.table.of(m.labels)
	m.signature[metric] = s
	return s
}

// setNode is and, or, unless.
type setNode struct {
	op          logql.BinaryOp
	left, right node
	match       *matcher
	table       *table
	out         []point
}

func newSetNode(e *logql.Binary, left, right node) node {
	return &setNode{op: e.Op, left: left, right: right, match: newMatcher(e.Matching), table: newTable()}
}

func (n *setNode) step(i int) ([]point, error) {
	left, err := n.left.step(i)
	if err != nil {
		return nil, err
	}
	right, err := n.right.step(i)
	if err != nil {
		return nil, err
	}
	n.match.forget()
	n.table.bound()
	n.out = n.out[:0]
	there := map[*Metric]bool{}
	if n.op == logql.BinaryOr {
		for _, p := range left {
			there[n.match.of(p.metric)] = true
			n.out = append(n.out, point{n.table.of(p.metric.Labels), p.value})
		}
		for _, p := range right {
			if !there[n.match.of(p.metric)] {
				n.out = append(n.out, point{n.table.of(p.metric.Labels), p.value})
			}
		}
		return n.out, nil
	}
	for _, p := range right {
		there[n.match.of(p.metric)] = true
	}
	for _, p := range left {
		if there[n.match.of(p.metric)] == (n.op == logql.BinaryAnd) {
			n.out = append(n.out, p)
		}
	}
	return n.out, nil
}

// join calculates with the series of two vectors that belong together.
type join struct {
	expr      *logql.Binary
	many, one node // one to one: left and right
	swapped   bool // the many side is the right one
	manyToOne bool
	match     *matcher
	table     *table
	labels    []Label
	out       []point
	include   []string
}

func newJoin(e *logql.Binary, left, right node) node {
	n := &join{expr: e, many: left, one: right, match: newMatcher(e.Matching), table: newTable()}
	if m := e.Matching; m != nil && m.Group != logql.GroupNone {
		n.manyToOne = true
		n.include = m.Include
		if m.Group == logql.GroupRight {
			n.many, n.one, n.swapped = right, left, true
		}
	}
	return n
}

func (n *join) step(i int) ([]point, error) {
	one, err := n.one.step(i)
	if err != nil {
		return nil, err
	}
	many, err := n.many.step(i)
	if err != nil {
		return nil, err
	}
	n.match.forget()
	n.table.bound()
	partners := make(map[*Metric]point, len(one))
	for _, p := range one {
		s := n.match.of(p.metric)
		if other, twice := partners[s]; twice {
			side := "right"
			if n.swapped {
				side = "left"
			}
			return nil, queryErrorf("found duplicate series for the match group %s on the %s hand-side of the operation: [%s, %s]; "+
				"many-to-many matching not allowed: matching labels must be unique on one side", s, side, p.metric, other.metric)
		}
		partners[s] = p
	}
	n.out = n.out[:0]
	used := map[*Metric]bool{}
	for _, p := range many {
		s := n.match.of(p.metric)
		partner, ok := partners[s]
		if !ok {
			continue
		}
		left, right := p.value, partner.value
		if n.swapped {
			left, right = right, left
		}
		value, holds := calculate(n.expr.Op, left, right)
		switch {
		case n.expr.Bool:
			value = truth(holds)
		case !holds:
			continue
		}
		metric := n.metric(p.metric, partner.metric)
		if !n.manyToOne && used[s] {
			return nil, queryErrorf("multiple matches for labels: many-to-one matching must be explicit (group_left/group_right): %s", s)
		}
		if n.manyToOne && used[metric] {
			return nil, queryErrorf("multiple matches for labels: grouping labels must ensure unique matches: %s", metric)
		}
		used[s] = true
		used[metric] = true
		n.out = append(n.out, point{metric, value})
	}
	return n.out, nil
}

// metric gives the labels of a result.
func (n *join) metric(many, one *Metric) *Metric {
	n.labels = n.labels[:0]
	if !n.manyToOne {
		n.labels = n.match.group.group(n.labels, many)
		return n.table.of(n.labels)
	}
	for _, l := range many.Labels {
		if !slices.Contains(n.include, l.Name) {
			n.labels = append(n.labels, l)
		}
	}
	for _, name := range n.include {
		if value := one.Get(name); value != "" {
			at, there := slices.BinarySearchFunc(n.labels, name, compareName)
			if !there {
				n.labels = slices.Insert(n.labels, at, Label{name, value})
			}
		}
	}
	return n.table.of(n.labels)
}
