package logplan

import (
	"context"

	"github.com/instantdevlogs/devlogs/logql"
	"github.com/instantdevlogs/devlogs/logql/pipeline"
	"github.com/instantdevlogs/devlogs/storage"
)

// runner sends records through the stages that are left to Go. It is used by one goroutine.
type runner struct {
	ctx      context.Context // of the request; stages can take long, and the store looks at it at its own pace
	planner  *Planner
	labeller *labeller
	pipeline *pipeline.Pipeline
	entry    pipeline.Entry
	out      Entry
}

// newRunner compiles stages, and an unwrap if there is one. need lists the labels that are read of entries; nil: all.
func newRunner(ctx context.Context, p *Planner, stages []logql.Stage, unwrap *logql.Unwrap, need []string) (*runner, error) {
	compiled, err := pipeline.CompileRange(
		&logql.Range{Log: &logql.LogQuery{Stages: stages}, Unwrap: unwrap},
		pipeline.Options{Need: need, Now: p.options.Now},
	)
	if err != nil {
		return nil, err
	}
	return &runner{ctx: ctx, planner: p, labeller: newLabeller(pipeline.Needs(stages, unwrap, need)), pipeline: compiled}, nil
}

// run makes r.entry of a record and tells whether it is kept.
func (r *runner) run(record *storage.Record) (bool, error) {
	if err := r.ctx.Err(); err != nil {
		return false, err
	}
	if err := r.planner.read(record); err != nil {
		return false, err
	}
	r.entry.Time, r.entry.Line, r.entry.Sample = int64(record.Time), record.Body, 0
	if err := r.labeller.label(record, &r.entry.Labels); err != nil {
		return false, err
	}
	return r.pipeline.Process(&r.entry), nil
}
