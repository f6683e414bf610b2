package logplan

import (
	"context"
	"iter"

	"github.com/instantdevlogs/devlogs/logql"
	"github.com/instantdevlogs/devlogs/logql/engine"
	"github.com/instantdevlogs/devlogs/storage"
)

// MetricPlan is a metric query. Each of its range aggregations is counted by the store, or over the entries that the store
// gives.
type MetricPlan struct {
	planner    *Planner
	store      Store // the planner's, or that with its questions apart
	expr       logql.SampleExpr
	grid       engine.Grid
	conditions conditions
}

// Evaluate runs the plan. Errors are those of engine.Evaluate and of the store.
func (m *MetricPlan) Evaluate(ctx context.Context) (engine.Result, error) {
	return engine.Evaluate(ctx, m.expr, m, engine.Params{Grid: m.grid, Limits: m.planner.options.Limits})
}

// Samples implements engine.Source.
func (m *MetricPlan) Samples(ctx context.Context, leaf *engine.Leaf) iter.Seq2[*engine.Observation, error] {
	split := m.planner.split(m.conditions.catalogue, leaf.Aggregation.Range.Log)
	after, until := leaf.Span()
	start, end := bounds(after, until)
	if counted, why := m.conditions.countable(leaf, split); why == "" {
		return m.points(ctx, leaf, split, counted, start, end)
	}
	return m.entries(ctx, leaf, split, start, end)
}

// entries yields an observation for each entry.
func (m *MetricPlan) entries(ctx context.Context, leaf *engine.Leaf, split *split, start, end uint64) iter.Seq2[*engine.Observation, error] {
	return func(yield func(*engine.Observation, error) bool) {
		runner, err := newRunner(ctx, m.planner, split.rest(), leaf.Aggregation.Range.Unwrap, leaf.Needs())
		if err != nil {
			yield(nil, err)
			return
		}
		var o engine.Observation
		var held storage.Record
		for record, err := range m.store.Search(ctx, split.query(start, end, storage.OldestFirst)) {
			if err != nil {
				yield(nil, err)
				return
			}
			held = record
			kept, err := runner.run(&held)
			if err != nil {
				yield(nil, err)
				return
			}
			if !kept {
				continue
			}
			e := &runner.entry
			o.Time, o.Labels, o.Numbers = e.Time, e.Labels.List(), engine.One(leaf.Value(e.Line, e.Sample))
			o.Err, o.ErrDetails = e.Labels.Error()
			if !yield(&o, nil) {
				return
			}
		}
	}
}
