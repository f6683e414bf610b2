// Package engine evaluates the metric queries of LogQL. It knows no store: a Source gives it, for each range aggregation of
// the query, the entries that the aggregation counts, or what a store has counted of them already.
//
// Evaluation goes through the steps of the query in order of time. At each step every node of the expression makes one
// vector: the leaves (range aggregations) from the entries in their window, the others from the vectors below them. So the
// entries are read once, in order of time, and what is kept of them is what the windows hold: for most functions a few
// numbers for each series and bucket of time.
package engine

import (
	"context"
	"iter"

	"github.com/instantdevlogs/devlogs/logql"
	"github.com/instantdevlogs/devlogs/logql/pipeline"
)

// Source gives the samples of range aggregations.
type Source interface {
	// Samples yields what the leaf's windows count: all with after < time <= until, as leaf.Span says, in order of time
	// (buckets in order of their time). It may yield more than that. An Observation is valid until the next one is asked
	// for. An error is the last that comes; breaking off the loop or ending ctx ends the work.
	Samples(ctx context.Context, leaf *Leaf) iter.Seq2[*Observation, error]
}

// Observation is one entry, or what a store has counted of many entries that share a series and a bucket of time.
type Observation struct {
	Time    int64 // nanoseconds since 1970; of a bucket, any time in it
	Labels  []pipeline.Label
	Numbers Numbers
	// Err and ErrDetails say what a stage of the pipeline could not do: __error__ and __error_details__.
	Err, ErrDetails string
}

// Params say when to evaluate and how much it may cost.
type Params struct {
	Grid   Grid
	Limits Limits
}

// Evaluate runs a metric query. The result is a Scalar or a Vector for an instant query, a Matrix for others. An error is a
// *LimitError when the query needs more than it may, a *QueryError when the query can't be evaluated over the data, or what
// the source reported.
func Evaluate(ctx context.Context, expr logql.SampleExpr, source Source, params Params) (Result, error) {
	if err := params.Limits.checkSteps(params.Grid); err != nil {
		return Result{}, err
	}
	if err := checkInstant(expr, params.Grid); err != nil {
		return Result{}, err
	}
	b := &builder{ctx: ctx, source: source, params: params}
	defer b.close()
	root := b.build(expr)
	out := newCollector(expr, params)
	for i := range params.Grid.Steps() {
		if err := ctx.Err(); err != nil {
			return Result{}, err
		}
		vector, err := root.step(i)
		if err != nil {
			return Result{}, err
		}
		if err := out.add(params.Grid.At(i), vector); err != nil {
			return Result{}, err
		}
	}
	return out.result(), nil
}

// point is one series' value at a step.
type point struct {
	metric *Metric
	value  float64
}

// node is a part of the expression. step is called once for each step, in order; what it returns is valid until the next
// call. The same series has the same *Metric at all steps.
type node interface {
	step(i int) ([]point, error)
}

type builder struct {
	ctx    context.Context
	source Source
	params Params
	stops  []func()
}

func (b *builder) close() {
	for _, stop := range b.stops {
		stop()
	}
}

func (b *builder) build(expr logql.SampleExpr) node {
	switch e := expr.(type) {
	case *logql.RangeAggregation:
		return b.leaf(NewLeaf(e, e.Grouping, b.params.Grid))
	case *logql.VectorAggregation:
		if leaf := fuse(e, b.params.Grid); leaf != nil {
			return b.leaf(leaf)
		}
		return newAggregation(e, b.build(e.Inner))
	case *logql.Binary:
		return b.binary(e)
	case *logql.LabelReplace:
		return newReplacement(e, b.build(e.Inner))
	case *logql.Vector:
		return constant{{metric: emptyMetric, value: e.Value}}
	case *logql.Literal:
		return constant{{metric: emptyMetric, value: e.Value}}
	}
	panic("unknown expression") // the parser makes no other
}

// Leaves lists the range aggregations of an expression as Evaluate asks a Source for them.
func Leaves(expr logql.SampleExpr, grid Grid) []*Leaf {
	switch e := expr.(type) {
	case *logql.RangeAggregation:
		return []*Leaf{NewLeaf(e, e.Grouping, grid)}
	case *logql.VectorAggregation:
		if leaf := fuse(e, grid); leaf != nil {
			return []*Leaf{leaf}
		}
		return Leaves(e.Inner, grid)
	case *logql.Binary:
		return append(Leaves(e.Left, grid), Leaves(e.Right, grid)...)
	case *logql.LabelReplace:
		return Leaves(e.Inner, grid)
	}
	return nil
}

// constant is the same vector at each step.
type constant []point

func (c constant) step(int) ([]point, error) { return c, nil }

// checkInstant refuses what only instant queries can do.
func checkInstant(expr logql.SampleExpr, grid Grid) error {
	if grid.Step == 0 {
		return nil
	}
	switch e := expr.(type) {
	case *logql.VectorAggregation:
		if e.Op == logql.VectorApproxTopK {
			return queryErrorf("approx_topk is only supported for instant queries: use topk, or ask for one time")
		}
		return checkInstant(e.Inner, grid)
	case *logql.LabelReplace:
		return checkInstant(e.Inner, grid)
	case *logql.Binary:
		if err := checkInstant(e.Left, grid); err != nil {
			return err
		}
		return checkInstant(e.Right, grid)
	}
	return nil
}
