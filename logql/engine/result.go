package engine

import (
	"slices"

	"github.com/instantdevlogs/devlogs/logql"
)

// ResultType names the form of a result as Prometheus' API does.
type ResultType string

const (
	TypeScalar ResultType = "scalar"
	TypeVector ResultType = "vector"
	TypeMatrix ResultType = "matrix"
)

// Result is what a metric query evaluates to.
type Result struct {
	Type   ResultType
	Scalar Point    // of TypeScalar
	Vector []Sample // of TypeVector: ordered by labels, or as sort, topk and their like ordered it
	Matrix []Series // of TypeMatrix: ordered by labels
}

// Point is a value at a time.
type Point struct {
	Time  int64 // nanoseconds since 1970
	Value float64
}

// Sample is one series' value of an instant query.
type Sample struct {
	Metric *Metric
	Point
}

// Series is the points of one series of a range query, in order of time. Times at which it has no value are left out.
type Series struct {
	Metric *Metric
	Points []Point
}

// collector gathers the vectors of all steps.
type collector struct {
	params  Params
	scalar  bool
	ordered bool
	vector  []Sample
	series  map[string]*Series
}

func newCollector(expr logql.SampleExpr, params Params) *collector {
	c := &collector{params: params, scalar: logql.IsScalar(expr), series: map[string]*Series{}}
	if v, ok := expr.(*logql.VectorAggregation); ok {
		switch v.Op {
		case logql.VectorSort, logql.VectorSortDesc, logql.VectorTopK, logql.VectorBottomK, logql.VectorApproxTopK:
			c.ordered = v.Grouping == nil
		}
	}
	return c
}

func (c *collector) add(time int64, vector []point) error {
	if c.params.Grid.Step == 0 {
		for _, p := range vector {
			c.vector = append(c.vector, Sample{p.metric, Point{time, p.value}})
		}
		return c.params.Limits.checkSeries(len(c.vector))
	}
	for _, p := range vector {
		s := c.series[p.metric.key]
		if s == nil {
			s = &Series{Metric: p.metric}
			c.series[p.metric.key] = s
			if err := c.params.Limits.checkSeries(len(c.series)); err != nil {
				return err
			}
		}
		s.Points = append(s.Points, Point{time, p.value})
	}
	return nil
}

func (c *collector) result() Result {
	if c.params.Grid.Step > 0 {
		matrix := make([]Series, 0, len(c.series))
		for _, s := range c.series {
			matrix = append(matrix, *s)
		}
		slices.SortFunc(matrix, func(a, b Series) int { return a.Metric.Compare(b.Metric) })
		return Result{Type: TypeMatrix, Matrix: matrix}
	}
	if c.scalar {
		return Result{Type: TypeScalar, Scalar: c.vector[0].Point}
	}
	if !c.ordered {
		slices.SortStableFunc(c.vector, func(a, b Sample) int { return a.Metric.Compare(b.Metric) })
	}
	if c.vector == nil {
		c.vector = []Sample{}
	}
	return Result{Type: TypeVector, Vector: c.vector}
}
