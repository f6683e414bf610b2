package engine

import (
	"cmp"
	"math"
	"slices"

	"github.com/instantdevlogs/devlogs/logql"
)

// aggregation joins the series of a vector that share a group, or chooses among them.
type aggregation struct {
	op     logql.VectorOp
	k      int
	inner  node
	group  grouper
	table  *table
	of     map[*Metric]*group
	groups map[*Metric]*group
	active []*group
	labels []Label
	out    []point
}

// group is what a step knows of a group.
type group struct {
	metric  *Metric
	step    int // the last step at which it had series
	numbers Numbers
	best    []point // of topk and its like
}

func newAggregation(v *logql.VectorAggregation, inner node) node {
	grouping := v.Grouping
	if grouping == nil {
		grouping = &logql.Grouping{}
	}
	return &aggregation{
		op: v.Op, k: v.Param, inner: inner, group: newGrouper(grouping),
		table: newTable(), of: map[*Metric]*group{}, groups: map[*Metric]*group{},
	}
}

func (a *aggregation) step(i int) ([]point, error) {
	in, err := a.inner.step(i)
	if err != nil {
		return nil, err
	}
	a.out = a.out[:0]
	if a.op == logql.VectorSort || a.op == logql.VectorSortDesc {
		a.out = append(a.out, in...)
		slices.SortFunc(a.out, a.better)
		return a.out, nil
	}
	if len(a.of) > maxCached {
		clear(a.of)
		clear(a.groups)
		a.table = newTable()
	}
	a.active = a.active[:0]
	for _, p := range in {
		g := a.groupOf(p.metric)
		if g.step != i+1 {
			g.step, g.numbers, g.best = i+1, Numbers{}, g.best[:0]
			a.active = append(a.active, g)
		}
		switch a.op {
		case logql.VectorTopK, logql.VectorBottomK, logql.VectorApproxTopK:
			a.choose(g, p)
		default:
			g.numbers.merge(One(p.value))
		}
	}
	for _, g := range a.active {
		if a.selects() {
			a.out = append(a.out, g.best...)
		} else {
			a.out = append(a.out, point{g.metric, a.value(g.numbers)})
		}
	}
	return a.out, nil
}

func (a *aggregation) groupOf(m *Metric) *group {
	if g, ok := a.of[m]; ok {
		return g
	}
	a.labels = a.group.group(a.labels[:0], m)
	metric := a.table.of(a.labels)
	g := a.groups[metric]
	if g == nil {
		g = &group{metric: metric}
		a.groups[metric] = g
	}
	a.of[m] = g
	return g
}

// selects tells whether the operator chooses series rather than joining them.
func (a *aggregation) selects() bool {
	return a.op == logql.VectorTopK || a.op == logql.VectorBottomK || a.op == logql.VectorApproxTopK
}

// better orders points: the one to prefer first. What is not a number comes last.
func (a *aggregation) better(x, y point) int {
	switch nx, ny := math.IsNaN(x.value), math.IsNaN(y.value); {
	case nx && ny:
		return x.metric.Compare(y.metric)
	case nx:
		return 1
	case ny:
		return -1
	}
	order := cmp.Compare(x.value, y.value)
	if a.op != logql.VectorBottomK && a.op != logql.VectorSort {
		order = -order
	}
	return cmp.Or(order, x.metric.Compare(y.metric))
}

// choose keeps the k best points of a group, best first.
func (a *aggregation) choose(g *group, p point) {
	at, _ := slices.BinarySearchFunc(g.best, p, a.better)
	if at >= a.k {
		return
	}
	g.best = slices.Insert(g.best, at, p)
	if len(g.best) > a.k {
		g.best = g.best[:a.k]
	}
}

func (a *aggregation) value(n Numbers) float64 {
	switch a.op {
	case logql.VectorSum:
		return n.Sum
	case logql.VectorAvg:
		return n.Sum / float64(n.Count)
	case logql.VectorMin:
		return n.Min
	case logql.VectorMax:
		return n.Max
	case logql.VectorCount:
		return float64(n.Count)
	case logql.VectorStdvar:
		return n.M2 / float64(n.Count)
	default:
		return math.Sqrt(n.M2 / float64(n.Count))
	}
}
