package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/logql"
	"github.com/instantdevlogs/devlogs/logql/engine"
	"github.com/instantdevlogs/devlogs/queryapi"
	"github.com/instantdevlogs/devlogs/queryapi/client"
	"github.com/instantdevlogs/devlogs/queryapi/logplan"
	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/duckdb"
)

// countLines evaluates a metric query over all lines.
func (q *queryCommand) countLines(ctx context.Context, expr logql.SampleExpr, lines *lineReader, out *bufio.Writer) (err error) {
	folder, err := os.MkdirTemp("", "devlogs-stdin-*")
	if err != nil {
		return fmt.Errorf("make a folder for the lines: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	store, err := duckdb.Open(ctx, duckdb.DefaultConfig(folder))
	if err != nil {
		return fmt.Errorf("make a store for the lines: %w", err)
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	ranges := logql.Ranges(expr)
	for _, r := range ranges[min(1, len(ranges)):] {
		if r.Log.Selector.String() != ranges[0].Log.Selector.String() {
			return errors.New("with --stdin all selectors of a query must be the same: the lines have the labels that it demands")
		}
	}
	labels := map[string]string{}
	for _, r := range ranges {
		for _, l := range demanded(r.Log.Selector) {
			labels[l.Name] = l.Value
		}
	}
	first, last, err := loadLines(ctx, store, labels, lines)
	if err != nil {
		return err
	}
	grid := engine.Instant(last.UnixNano())
	if !q.instant {
		step := stepOf(expr, last.Sub(first))
		if q.step != "" {
			if step, err = queryapi.ParseDuration(q.step); err != nil {
				return err
			}
		}
		grid = engine.Grid{Start: first.Truncate(step).Add(step).UnixNano(), End: last.Add(step).Truncate(step).UnixNano(), Step: step}
	}
	plan, err := logplan.New(logplan.ForTenant(store, ""), logplan.Options{Limits: engine.DefaultLimits}).Metric(ctx, expr, grid)
	if err != nil {
		return err
	}
	result, err := plan.Evaluate(ctx)
	if err != nil {
		return err
	}
	return q.printResult(out, resultOf(result))
}

// linesAtOnce is how many lines are stored in one batch.
const linesAtOnce = 5000

// loadLines stores all lines and gives the times of the first and the last.
func loadLines(ctx context.Context, store *duckdb.Store, labels map[string]string, lines *lineReader) (first, last time.Time, err error) {
	for {
		logs := plog.NewLogs()
		rl := logs.ResourceLogs().AppendEmpty()
		for name, value := range labels {
			rl.Resource().Attributes().PutStr(name, value)
		}
		records := rl.ScopeLogs().AppendEmpty().LogRecords()
		var ended error
		for records.Len() < linesAtOnce && ended == nil {
			var l line
			if l, ended = lines.next(); ended == nil {
				r := records.AppendEmpty()
				r.SetTimestamp(pcommon.NewTimestampFromTime(l.time))
				r.SetSeverityText(l.level)
				r.Body().SetStr(l.text)
				if first.IsZero() || l.time.Before(first) {
					first = l.time
				}
				if l.time.After(last) {
					last = l.time
				}
			}
		}
		if records.Len() > 0 {
			rows := &storage.Rows{}
			storage.Encode(rows, logs, "", pcommon.NewTimestampFromTime(time.Now()))
			if _, err := store.Write(ctx, storage.Batch{ID: uuid.New(), Rows: rows}); err != nil {
				return first, last, fmt.Errorf("store the lines: %w", err)
			}
		}
		if errors.Is(ended, io.EOF) {
			return first, last, nil
		}
		if ended != nil {
			return first, last, ended
		}
	}
}

// resultOf is a result in the form that a server gives.
func resultOf(r engine.Result) *client.Result {
	sample := func(p engine.Point) client.Sample {
		return client.Sample{Time: float64(p.Time) / 1e9, Value: strconv.FormatFloat(p.Value, 'f', -1, 64)}
	}
	metric := func(m *engine.Metric) map[string]string {
		labels := map[string]string{}
		for _, l := range m.Labels {
			labels[l.Name] = l.Value
		}
		return labels
	}
	result := &client.Result{Type: string(r.Type)}
	if r.Type == engine.TypeScalar {
		value := sample(r.Scalar)
		result.Series = []client.Series{{Value: &value}}
	}
	for _, s := range r.Vector {
		value := sample(s.Point)
		result.Series = append(result.Series, client.Series{Metric: metric(s.Metric), Value: &value})
	}
	for _, s := range r.Matrix {
		series := client.Series{Metric: metric(s.Metric)}
		for _, p := range s.Points {
			series.Values = append(series.Values, sample(p))
		}
		result.Series = append(result.Series, series)
	}
	return result
}
