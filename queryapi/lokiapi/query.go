package lokiapi

import (
	"context"
	"time"

	"github.com/instantdevlogs/devlogs/logql"
	"github.com/instantdevlogs/devlogs/logql/engine"
)

// result is the data of a query's answer.
type result struct {
	ResultType    string   `json:"resultType"`
	Result        any      `json:"result"`
	EncodingFlags []string `json:"encodingFlags,omitempty"`
	Stats         stats    `json:"stats"`
}

// query answers /query: a metric query at one time.
func query(ctx context.Context, r *Request) (any, error) {
	f := newForm(r)
	expr := f.query()
	at := f.time("time", r.Started)
	f.limit()
	f.direction()
	if err := f.err(); err != nil {
		return nil, err
	}
	sample, ok := expr.(logql.SampleExpr)
	if !ok {
		return nil, &BadRequest{"log queries are not supported as an instant query type, please change your query to a range query type"}
	}
	return metric(ctx, r, sample, engine.Instant(at.UnixNano()))
}

// queryRange answers /query_range: the entries of a range of time, or a metric query at each step.
func queryRange(ctx context.Context, r *Request) (any, error) {
	f := newForm(r)
	expr := f.query()
	t := f.span(defaultSince)
	step := f.step(t)
	interval := f.interval()
	limit, direction := f.limit(), f.direction()
	if err := f.err(); err != nil {
		return nil, err
	}
	if log, ok := expr.(*logql.LogQuery); ok {
		return entries(ctx, r, t.logRequest(log, direction, limit), interval)
	}
	return metric(ctx, r, expr.(logql.SampleExpr), engine.Grid{Start: int64(t.Start), End: int64(t.End), Step: step})
}

// metric evaluates a query that gives numbers.
func metric(ctx context.Context, r *Request, expr logql.SampleExpr, grid engine.Grid) (any, error) {
	plan, err := r.Planner.Metric(ctx, expr, grid)
	if err != nil {
		return nil, err
	}
	numbers, err := plan.Evaluate(ctx)
	if err != nil {
		return nil, err
	}
	shape, n := numbersOf(numbers)
	return r.answered(&result{ResultType: string(numbers.Type), Result: shape, Stats: r.stats(n)}), nil
}

// stats are the books of one query, in the shape that clients of Loki know. What is particular to Loki's inner parts is
// left out.
type stats struct {
	Summary summary `json:"summary"`
}

type summary struct {
	BytesProcessedPerSecond int     `json:"bytesProcessedPerSecond"`
	LinesProcessedPerSecond int     `json:"linesProcessedPerSecond"`
	TotalBytesProcessed     uint64  `json:"totalBytesProcessed"`
	TotalLinesProcessed     uint64  `json:"totalLinesProcessed"`
	ExecTime                float64 `json:"execTime"`  // seconds
	QueueTime               float64 `json:"queueTime"` // seconds
	Subqueries              int     `json:"subqueries"`
	TotalEntriesReturned    int     `json:"totalEntriesReturned"`
	Splits                  int     `json:"splits"`
	Shards                  int     `json:"shards"`
}

// stats sums up what was read. What the store counted by itself is not among the lines and bytes.
func (r *Request) stats(returned int) stats {
	read, took := r.Planner.Stats(), time.Since(r.Started)
	perSecond := func(n uint64) int { return int(float64(n) / max(took.Seconds(), 1e-6)) }
	return stats{summary{
		BytesProcessedPerSecond: perSecond(read.Bytes), LinesProcessedPerSecond: perSecond(read.Records),
		TotalBytesProcessed: read.Bytes, TotalLinesProcessed: read.Records,
		ExecTime: took.Seconds(), TotalEntriesReturned: returned,
	}}
}
