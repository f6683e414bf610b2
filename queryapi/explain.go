package queryapi

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/instantdevlogs/devlogs/logql"
	"github.com/instantdevlogs/devlogs/logql/engine"
	"github.com/instantdevlogs/devlogs/logql/pipeline"
	"github.com/instantdevlogs/devlogs/queryapi/logplan"
	"github.com/instantdevlogs/devlogs/storage"
)

// explainAnswer tells how a query is answered: what the store does and what runs here.
type explainAnswer struct {
	logplan.Explain
	Type     string   `json:"type"`               // log or metric
	Warnings []string `json:"warnings,omitempty"` // what is odd about the query, for people
	Ran      *ranFor  `json:"ran,omitempty"`
}

// ranFor is what answering took.
type ranFor struct {
	Statements []statement `json:"statements"`
	More       int         `json:"more_statements,omitempty"` // that are not listed
	Records    uint64      `json:"records"`                   // that were read from the store one by one
	Bytes      uint64      `json:"bytes"`                     // of their bodies and attributes
	Points     uint64      `json:"points"`                    // counts that the store made
	Entries    int         `json:"entries"`                   // in the answer: log entries, or series
	Seconds    float64     `json:"seconds"`

	mu sync.Mutex
}

// statement is what the store's database was asked.
type statement struct {
	SQL  string   `json:"sql"`
	Args []string `json:"args,omitempty"`
}

const (
	maxStatements = 20  // that are listed
	maxArg        = 200 // bytes of an argument, such as a list of streams, that are shown
)

// explain answers GET /api/v1/explain: it plans a query, and runs it unless told not to.
func (s *server) explain(ctx context.Context, source *Source, p *params) (any, error) {
	text := p.text("query")
	f := p.filters()
	step := p.step("step")
	limit := p.rows()
	direction := p.direction()
	run := p.oneOf("run", "true", "false") == "true"
	if err := p.err(); err != nil {
		return nil, err
	}
	expr, err := logql.Parse(text)
	if err == nil {
		err = pipeline.Check(expr)
	}
	if err != nil {
		return nil, err
	}
	query, err := f.query(ctx, source)
	if err != nil {
		return nil, err
	}
	planner := s.planner(source, query.Where)
	var answer *explainAnswer
	var count func(context.Context) (int, error)
	switch e := expr.(type) {
	case *logql.LogQuery:
		plan, err := planner.Log(ctx, logplan.LogRequest{Query: e, Start: query.Start, End: query.End, Direction: direction, Limit: limit})
		if err != nil {
			return nil, err
		}
		answer, count = &explainAnswer{Explain: plan.Explain(), Type: "log"}, func(ctx context.Context) (int, error) { return countEntries(ctx, plan) }
	case logql.SampleExpr:
		plan, err := planner.Metric(ctx, e, gridOf(query, step))
		if err != nil {
			return nil, err
		}
		answer, count = &explainAnswer{Explain: plan.Explain(), Type: "metric"}, func(ctx context.Context) (int, error) { return countSeries(ctx, plan) }
	}
	answer.Warnings = planner.Warnings()
	if !run {
		return answer, nil
	}
	answer.Ran = &ranFor{Statements: []statement{}}
	began := time.Now()
	if answer.Ran.Entries, err = count(storage.WithTrace(ctx, answer.Ran.note)); err != nil {
		return nil, err
	}
	answer.Ran.Seconds = time.Since(began).Seconds()
	stats := planner.Stats()
	answer.Ran.Records, answer.Ran.Bytes, answer.Ran.Points = stats.Records, stats.Bytes, stats.Points
	return answer, nil
}

func (r *ranFor) note(sql string, args []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.Statements) == maxStatements {
		r.More++
		return
	}
	for i, a := range args {
		if len(a) > maxArg {
			args[i] = strings.ToValidUTF8(a[:maxArg], "") + "…"
		}
	}
	r.Statements = append(r.Statements, statement{sql, args})
}

// gridOf is when a metric query is evaluated: at the end, or at each step from the start to the end.
func gridOf(query storage.Query, step uint64) engine.Grid {
	end := int64(min(query.End, storage.EndOfTime/2))
	if step == 0 {
		return engine.Instant(end)
	}
	return engine.Grid{Start: int64(min(query.Start, storage.EndOfTime/2)), End: end, Step: time.Duration(step)}
}

func countEntries(ctx context.Context, plan *logplan.LogPlan) (n int, _ error) {
	for _, err := range plan.Entries(ctx) {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

func countSeries(ctx context.Context, plan *logplan.MetricPlan) (int, error) {
	result, err := plan.Evaluate(ctx)
	if result.Type == engine.TypeScalar {
		return 1, err
	}
	return len(result.Vector) + len(result.Matrix), err
}
