package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/instantdevlogs/devlogs/logql"
	"github.com/instantdevlogs/devlogs/queryapi/client"
)

// steps is about how many times a metric query is evaluated when nothing is said, and mostSteps how often so that its windows leave
// no gaps.
const (
	steps     = 60
	mostSteps = 5 * steps
)

// runMetric asks for numbers and prints them.
func (q *queryCommand) runMetric(ctx context.Context, api *client.Client, out *bufio.Writer, notes io.Writer) error {
	start, end, err := q.span(time.Now())
	if err != nil {
		return err
	}
	query, err := q.lokiValues()
	if err != nil {
		return err
	}
	query.Set("query", q.logql)
	path := "query_range"
	if q.instant {
		path = "query"
		query.Set("time", query.Get("end"))
		query.Del("start")
		query.Del("end")
	} else {
		query.Set("step", q.step)
		if q.step == "" {
			step := stepOf(q.expr, end.Sub(start))
			noteGaps(notes, q.expr, step)
			query.Set("step", step.String())
		}
	}
	result, err := api.Metrics(ctx, path, query)
	if err != nil {
		return err
	}
	printWarnings(notes, result.Warnings)
	return q.printResult(out, result)
}

// stepOf is the step of a query that names none: no longer than its shortest window, as what lies between two windows is not
// counted, unless these were too many to read.
func stepOf(expr logql.Expr, d time.Duration) time.Duration {
	step := autoStep(d)
	if window, ok := shortestWindow(expr); ok && window < step && d/window <= mostSteps {
		return window
	}
	return step
}

func shortestWindow(expr logql.Expr) (window time.Duration, ok bool) {
	for i, r := range logql.Ranges(expr) {
		if i == 0 || r.Duration < window {
			window = r.Duration
		}
		ok = true
	}
	return window, ok
}

// noteGaps says that there is something between two windows.
func noteGaps(notes io.Writer, expr logql.Expr, step time.Duration) {
	if window, ok := shortestWindow(expr); ok && window < step {
		fmt.Fprintf(notes, "Note: a window of %s each %s leaves out what is between: take a longer one, or --step %[1]s.\n",
			logql.FormatDuration(window), logql.FormatDuration(step))
	}
}

// autoStep divides a range into about as many steps as there should be, at a width that people can read.
func autoStep(d time.Duration) time.Duration {
	for _, step := range []time.Duration{
		time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute,
		5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour,
	} {
		if d/step <= steps {
			return step
		}
	}
	return (d / steps).Round(24*time.Hour) + 24*time.Hour
}

func (q *queryCommand) printResult(out *bufio.Writer, result *client.Result) error {
	switch q.output {
	case "json":
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		for _, s := range result.Series {
			if err := encoder.Encode(s); err != nil {
				return err
			}
		}
		return nil
	case "csv":
		all := samplesByLabel(result)
		return all.csv(out)
	}
	if len(result.Series) == 0 {
		_, err := fmt.Fprintln(out, "No series: nothing was counted in this time range.")
		return err
	}
	if result.Type != "matrix" {
		all := table{columns: []string{"value", "series"}}
		for _, s := range result.Series {
			all.rows = append(all.rows, []any{s.Value.Value, labelSet(s.Metric)})
		}
		return (&tableFlags{output: "text"}).write(out, all)
	}
	p := newTextPrinter(q.color, q.utc, false, out)
	for _, s := range result.Series {
		if _, err := fmt.Fprintf(out, "%s  %s\n", p.service.Sprint(harmless(labelSet(s.Metric))), spark(s.Values)); err != nil {
			return err
		}
		for _, v := range s.Values {
			if _, err := fmt.Fprintf(out, "  %s  %s\n", p.dim.Sprint(sampleTime(v).In(p.zone).Format(time.DateTime)), v.Value); err != nil {
				return err
			}
		}
	}
	return nil
}

func sampleTime(s client.Sample) time.Time { return time.UnixMilli(int64(math.Round(s.Time * 1000))) }

// spark draws the values as bars from 0, or from the least one when that is below 0, to the greatest.
func spark(values []client.Sample) string {
	const bars = "▁▂▃▄▅▆▇█"
	numbers := make([]float64, len(values))
	low, high := 0.0, 0.0
	for i, v := range values {
		numbers[i], _ = strconv.ParseFloat(v.Value, 64)
		if !math.IsNaN(numbers[i]) && !math.IsInf(numbers[i], 0) {
			low, high = min(low, numbers[i]), max(high, numbers[i])
		}
	}
	text := make([]rune, len(numbers))
	for i, n := range numbers {
		switch share := (n - low) / (high - low); {
		case math.IsNaN(share):
			text[i] = ' '
		default:
			text[i] = []rune(bars)[int(min(max(share, 0), 1)*7)]
		}
	}
	return string(text)
}

// samplesByLabel has a row for each value and a column for each label.
func samplesByLabel(result *client.Result) table {
	names := map[string]bool{}
	for _, s := range result.Series {
		for name := range s.Metric {
			names[name] = true
		}
	}
	labels := slices.Sorted(maps.Keys(names))
	all := table{columns: append(append([]string{"time"}, labels...), "value")}
	for _, s := range result.Series {
		values := s.Values
		if s.Value != nil {
			values = []client.Sample{*s.Value}
		}
		for _, v := range values {
			row := []any{any(sampleTime(v).UTC().Format(time.RFC3339Nano))}
			for _, name := range labels {
				row = append(row, s.Metric[name])
			}
			all.rows = append(all.rows, append(row, json.Number(v.Value)))
		}
	}
	return all
}
