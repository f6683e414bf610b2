package logplan

import (
	"context"
	"fmt"
	"math"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/logql"
	"github.com/instantdevlogs/devlogs/logql/engine"
	"github.com/instantdevlogs/devlogs/logql/pipeline"
	"github.com/instantdevlogs/devlogs/storage"
)

// Options are what a Planner may spend, and on which records.
type Options struct {
	Limits engine.Limits // of metric queries
	// MaxBytes bounds the bytes of bodies and attributes that a query reads into Go; 0: no limit. What a store answers by
	// itself does not count.
	MaxBytes uint64
	// Where is one more condition that each record must meet, whatever the query says; nil: none.
	Where storage.Expr
	// Now is what templates get from now; the zero time means the moment of the call.
	Now time.Time
}

// Planner makes plans for one request. It is used by one goroutine.
type Planner struct {
	store   Store
	options Options
	stats   Stats

	warnings []string
}

// Stats count what plans of a Planner have read into Go so far.
type Stats struct {
	Records uint64 // that came from the store one by one
	Bytes   uint64 // of their bodies and attributes
	Points  uint64 // counts that the store made
}

// New makes a Planner.
func New(store Store, options Options) *Planner { return &Planner{store: store, options: options} }

// Stats tells what has been read. Read it when no plan is running.
func (p *Planner) Stats() Stats { return p.stats }

// LogRequest asks for entries with Start <= time < End, in nanoseconds since 1970.
type LogRequest struct {
	Query     *logql.LogQuery
	Start     pcommon.Timestamp
	End       pcommon.Timestamp // storage.EndOfTime: no end
	Direction storage.Direction
	Limit     int               // 0: no limit
	After     *storage.Position // go on behind this record
}

// Log plans a log query. An error is an *logql.Error when the query is at fault.
func (p *Planner) Log(ctx context.Context, r LogRequest) (*LogPlan, error) {
	if _, err := pipeline.Compile(r.Query.Stages, pipeline.Options{}); err != nil {
		return nil, err // before the catalogue is read
	}
	catalogue, err := loadCatalogue(ctx, p.store, r.Start, r.End)
	if err != nil {
		return nil, fmt.Errorf("read the catalogue: %w", err)
	}
	p.warn(catalogue, r.Query)
	return &LogPlan{planner: p, request: r, split: p.split(catalogue, r.Query)}, nil
}

// Metric plans a metric query. An error is an *logql.Error when the query is at fault.
func (p *Planner) Metric(ctx context.Context, expr logql.SampleExpr, grid engine.Grid) (*MetricPlan, error) {
	if err := pipeline.Check(expr); err != nil {
		return nil, err
	}
	m := &MetricPlan{planner: p, store: p.store, expr: expr, grid: grid}
	leaves := engine.Leaves(expr, grid)
	if len(leaves) > 1 || len(leaves) == 1 && leaves[0].Aggregation.Range.Unwrap != nil { // that may go on over entries
		m.store = apart{p.store, p.options.Limits.Groups}
	}
	if len(leaves) == 0 || grid.Steps() == 0 {
		return m, nil
	}
	first, last := int64(math.MaxInt64), int64(math.MinInt64)
	for _, leaf := range leaves {
		after, until := leaf.Span()
		first, last = min(first, after), max(last, until)
	}
	start, end := bounds(first, last)
	catalogue, err := loadCatalogue(ctx, p.store, timestamp(start), timestamp(end))
	if err != nil {
		return nil, fmt.Errorf("read the catalogue: %w", err)
	}
	p.warnMetric(catalogue, leaves)
	m.conditions = conditions{catalogue}
	return m, nil
}

// split divides a query. The planner's own condition goes to the store.
func (p *Planner) split(c *catalogue, q *logql.LogQuery) *split {
	s := conditions{c}.splitQuery(q)
	if p.options.Where != nil {
		s.where = allOf(p.options.Where, s.where)
	}
	return s
}

// read counts a record and keeps the limit.
func (p *Planner) read(r *storage.Record) error {
	p.stats.Records++
	p.stats.Bytes += uint64(len(r.Body) + len(r.Attributes))
	if limit := p.options.MaxBytes; limit > 0 && p.stats.Bytes > limit {
		return &engine.LimitError{
			Limit: "max_query_bytes", Value: int(limit),
			Msg: fmt.Sprintf("the query would read too many bytes (limit: %s); consider adding more specific stream selectors or line "+
				"filters, or reduce the time range of the query", logql.FormatBytes(limit)),
		}
	}
	return nil
}

func timestamp(t uint64) pcommon.Timestamp { return pcommon.Timestamp(t) }

// bounds makes of after < time <= until the start <= time < end that stores take.
func bounds(after, until int64) (start, end uint64) {
	return uint64(max(0, after+1)), uint64(max(0, until+1))
}
