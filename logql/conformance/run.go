package conformance

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"golang.org/x/sync/errgroup"

	"github.com/instantdevlogs/devlogs/logql"
	"github.com/instantdevlogs/devlogs/logql/engine"
	"github.com/instantdevlogs/devlogs/queryapi/logplan"
	"github.com/instantdevlogs/devlogs/storage"
)

// Load writes the data set as a tenant's, in a few batches.
func Load(ctx context.Context, w storage.Writer, tenant string) error {
	logs := Logs()
	for _, rl := range logs.ResourceLogs().All() {
		part := plog.NewLogs()
		rl.CopyTo(part.ResourceLogs().AppendEmpty())
		rows := &storage.Rows{}
		storage.Encode(rows, part, tenant, pcommon.NewTimestampFromTime(Base))
		if _, err := w.Write(ctx, storage.Batch{ID: uuid.New(), Rows: rows}); err != nil {
			return fmt.Errorf("load the data set: %w", err)
		}
	}
	return nil
}

// Answer asks a store.
func Answer(ctx context.Context, store logplan.Store, query string, ask Ask) (string, error) {
	planner := logplan.New(store, logplan.Options{Limits: engine.DefaultLimits, Now: Base})
	expr, err := logql.Parse(query)
	if err != nil {
		return "error: parse\n", nil
	}
	switch e := expr.(type) {
	case *logql.LogQuery:
		return logAnswer(ctx, planner, e, ask)
	case logql.SampleExpr:
		return metricAnswer(ctx, planner, e, ask)
	}
	return "", errNoAnswer
}

func logAnswer(ctx context.Context, planner *logplan.Planner, q *logql.LogQuery, ask Ask) (string, error) {
	request := logplan.LogRequest{
		Query: q, Start: pcommon.NewTimestampFromTime(Base.Add(ask.From)), End: pcommon.NewTimestampFromTime(Base.Add(ask.To)),
		Direction: storage.OldestFirst, Limit: ask.Limit,
	}
	if ask.Newest {
		request.Direction = storage.NewestFirst
	}
	plan, err := planner.Log(ctx, request)
	if err != nil {
		return failure(err)
	}
	var found []logEntry
	for e, err := range plan.Entries(ctx) {
		if err != nil {
			return failure(err)
		}
		kept := logEntry{e.Time, strings.Clone(e.Line), labels{}}
		for _, l := range e.Labels {
			if l.Name != "__error_details__" { // its text is free
				kept.labels[strings.Clone(l.Name)] = label{strings.Clone(l.Value), l.Kind}
			}
		}
		found = append(found, kept)
	}
	return showEntries(found), nil
}

func metricAnswer(ctx context.Context, planner *logplan.Planner, expr logql.SampleExpr, ask Ask) (string, error) {
	grid := engine.Instant(Base.Add(ask.To).UnixNano())
	if ask.Kind == "range" {
		grid = engine.Grid{Start: Base.Add(ask.From).UnixNano(), End: Base.Add(ask.To).UnixNano(), Step: ask.Step}
	}
	plan, err := planner.Metric(ctx, expr, grid)
	if err != nil {
		return failure(err)
	}
	result, err := plan.Evaluate(ctx)
	if err != nil {
		return failure(err)
	}
	if result.Type == engine.TypeScalar {
		return number(result.Scalar.Value) + "\n", nil
	}
	var lines []string
	for _, s := range result.Vector {
		lines = append(lines, fmt.Sprintf("%s %s\n", s.Metric, number(s.Value)))
	}
	for _, s := range result.Matrix {
		line := s.Metric.String()
		for _, p := range s.Points {
			line += fmt.Sprintf(" %s@%s", number(p.Value), time.Duration(p.Time-Base.UnixNano()))
		}
		lines = append(lines, line+"\n")
	}
	if v, ok := expr.(*logql.VectorAggregation); ask.Kind == "range" || !ok || !ordered(v) {
		slices.Sort(lines)
	}
	return strings.Join(lines, ""), nil
}

// failure writes down an error that is an answer.
func failure(err error) (string, error) {
	var parse *logql.Error
	var query *engine.QueryError
	switch {
	case errors.As(err, &parse):
		return "error: parse\n", nil
	case errors.As(err, &query):
		switch {
		case strings.HasPrefix(query.Msg, "pipeline error"):
			return "error: pipeline\n", nil
		case strings.HasPrefix(query.Msg, "approx_topk"):
			return "error: instant\n", nil
		}
		return "error: match\n", nil
	}
	return "", err
}

// Store is what the cases are put to.
type Store interface {
	storage.Reader
	storage.Writer
}

// atOnce is how many queries are put to a store at a time: it takes as long as one by one, but on a machine with one core.
const atOnce = 4

// Run loads the data set into a store, calls prepare, and asks every case.
func Run(t *testing.T, store Store, prepare func()) {
	t.Helper()
	const tenant = "conformance"
	require.NoError(t, Load(t.Context(), store, tenant))
	prepare()
	cases, err := Cases()
	require.NoError(t, err)
	catalogued := &catalogued{Store: logplan.ForTenant(store, tenant)}
	var asking errgroup.Group
	asking.SetLimit(atOnce)
	for _, c := range cases {
		asking.Go(func() error {
			for _, ask := range c.Asks {
				got, err := Answer(t.Context(), catalogued, c.Query, ask)
				if assert.NoError(t, err, "%s: %s ? %s", c.File, c.Query, ask) {
					assert.Equal(t, ask.Want, got, "%s: %s ? %s", c.File, c.Query, ask)
				}
			}
			return nil
		})
	}
	require.NoError(t, asking.Wait())
}

// catalogued reads the catalogue of each range of time once: reading it anew for each query takes longer than all else.
type catalogued struct {
	logplan.Store
	streams, fields sync.Map
}

type span struct{ start, end pcommon.Timestamp }

func (c *catalogued) Streams(ctx context.Context, start, end pcommon.Timestamp) iter.Seq2[storage.Stream, error] {
	return func(yield func(storage.Stream, error) bool) {
		known, ok := c.streams.Load(span{start, end})
		if !ok {
			var all []storage.Stream
			for stream, err := range c.Store.Streams(ctx, start, end) {
				if err != nil {
					yield(stream, err)
					return
				}
				all = append(all, stream)
			}
			known = all
			c.streams.Store(span{start, end}, known)
		}
		for _, stream := range known.([]storage.Stream) {
			if !yield(stream, nil) {
				return
			}
		}
	}
}

func (c *catalogued) Fields(ctx context.Context, service string) ([]storage.Field, error) {
	if known, ok := c.fields.Load(service); ok {
		return known.([]storage.Field), nil
	}
	fields, err := c.Store.Fields(ctx, service)
	if err == nil {
		c.fields.Store(service, fields)
	}
	return fields, err
}
