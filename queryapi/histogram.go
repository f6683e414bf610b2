package queryapi

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/storage"
)

// histogramAnswer is how many records there are in each bucket of time. Counts[i] of every series belongs to Times[i].
type histogramAnswer struct {
	Start  string         `json:"start"`
	End    string         `json:"end"`
	Step   string         `json:"step"`
	Times  []string       `json:"times"` // where each bucket starts
	Total  counts         `json:"total"`
	By     string         `json:"by,omitempty"`
	Series []*valueSeries `json:"series,omitempty"` // the most frequent first
	Other  *counts        `json:"other,omitempty"`  // what the series leave of the total
}

type counts struct {
	Count  uint64   `json:"count"`
	Counts []uint64 `json:"counts"`
}

type valueSeries struct {
	Value string `json:"value"`
	counts
}

const (
	autoBuckets = 60
	defaultTop  = 10
	maxTop      = 100
)

// autoSteps are the widths of a bucket that people can read.
var autoSteps = []time.Duration{
	time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
	24 * time.Hour, 2 * 24 * time.Hour, 7 * 24 * time.Hour, 28 * 24 * time.Hour, 364 * 24 * time.Hour,
}

// histogram answers GET /api/v1/histogram.
func (s *server) histogram(ctx context.Context, source *Source, p *params) (any, error) {
	f := p.queried()
	step := p.step("step")
	by := p.text("by")
	top := p.count("top", defaultTop, maxTop)
	if err := p.err(); err != nil {
		return nil, err
	}
	query, err := f.query(ctx, source)
	if err != nil {
		return nil, err
	}
	if f.Start == 0 {
		if query.Start, err = firstTime(ctx, source, f.timeRange); err != nil {
			return nil, err
		}
	}
	grid, err := s.grid(timeRange{query.Start, query.End}, step, by, top)
	if err != nil {
		return nil, err
	}
	answer := &histogramAnswer{
		Start: formatTime(query.Start), End: formatTime(query.End), Step: formatDuration(time.Duration(grid.step)), Times: grid.times(),
		Total: counts{Counts: make([]uint64, grid.buckets)},
	}
	query, plan, err := s.narrow(ctx, source, &f, query)
	if err != nil {
		return nil, err
	}
	if plan != nil {
		return answer, answer.countEntries(plan.Entries(ctx), grid, by, top, s.limits.MaxGroups)
	}
	count := &counter{source: source, query: query, maxGroups: s.limits.MaxGroups}
	var values *field
	if by != "" {
		if values, err = source.Resolve(ctx, timeRange{query.Start, query.End}, by); err != nil {
			return nil, err
		}
		if n, ok := values.mostValues(); ok && n*grid.buckets <= s.limits.MaxPoints {
			return answer, answer.addEach(ctx, count, grid, values, top)
		}
	}
	err = count.perStep(ctx, &field{}, nil, grid.origin, grid.step, func(bucket pcommon.Timestamp, _ string, n uint64) {
		answer.Total.add(grid.index(bucket), n)
	})
	if err != nil || by == "" {
		return answer, err
	}
	return answer, answer.addSeries(ctx, count, grid, values, top)
}

// addEach counts the values of a field that has few in one pass, and makes the most frequent the series.
func (a *histogramAnswer) addEach(ctx context.Context, count *counter, grid *grid, f *field, top int) error {
	all := map[string]*valueSeries{}
	err := count.perStep(ctx, f, nil, grid.origin, grid.step, func(bucket pcommon.Timestamp, value string, n uint64) {
		a.Total.add(grid.index(bucket), n)
		if all[value] == nil {
			all[value] = &valueSeries{Value: value, counts: counts{Counts: make([]uint64, grid.buckets)}}
		}
		all[value].add(grid.index(bucket), n)
	})
	if err != nil {
		return err
	}
	if len(all) > count.maxGroups {
		return overLimit("max_groups", "%s has more than %d values in this range", f.name, count.maxGroups)
	}
	a.By = f.name
	a.Series = slices.SortedFunc(maps.Values(all), func(x, y *valueSeries) int {
		return cmp.Or(cmp.Compare(y.Count, x.Count), cmp.Compare(x.Value, y.Value))
	})
	other := &counts{Count: a.Total.Count, Counts: slices.Clone(a.Total.Counts)}
	a.Series = a.Series[:min(top, len(a.Series))]
	for _, series := range a.Series {
		series.Value = plainValue(series.Value)
		for i, n := range series.Counts {
			other.take(i, n)
		}
	}
	if other.Count > 0 {
		a.Other = other
	}
	return nil
}

// addSeries counts the most frequent values of a field apart from each other.
func (a *histogramAnswer) addSeries(ctx context.Context, count *counter, grid *grid, f *field, top int) error {
	values, err := count.values(ctx, f, top)
	if err != nil {
		return err
	}
	a.By = f.name
	series := map[string]*valueSeries{}
	only := []string{}
	other := &counts{Count: a.Total.Count, Counts: append([]uint64(nil), a.Total.Counts...)}
	for _, v := range values {
		series[v.Value] = &valueSeries{Value: v.Value, counts: counts{Counts: make([]uint64, grid.buckets)}}
		a.Series = append(a.Series, series[v.Value])
		only = append(only, v.Value)
	}
	err = count.perStep(ctx, f, only, grid.origin, grid.step, func(bucket pcommon.Timestamp, value string, n uint64) {
		if known := series[value]; known != nil {
			known.add(grid.index(bucket), n)
			other.take(grid.index(bucket), n)
		}
	})
	if other.Count > 0 {
		a.Other = other
	}
	for _, known := range a.Series {
		known.Value = plainValue(known.Value)
	}
	return err
}

func (c *counts) add(bucket int, n uint64) {
	c.Count += n
	c.Counts[bucket] += n
}

// take subtracts. Logs that arrive between two of the store's answers may have been counted once only: it stops at zero.
func (c *counts) take(bucket int, n uint64) {
	n = min(n, c.Counts[bucket])
	c.Count -= n
	c.Counts[bucket] -= n
}

// grid is the buckets of a histogram.
type grid struct {
	origin  pcommon.Timestamp // start of the first bucket, a multiple of step
	step    uint64
	buckets int
}

// grid lays buckets over a range, at multiples of step; step 0 picks one.
func (s *server) grid(r timeRange, step uint64, by string, top int) (*grid, error) {
	width := uint64(r.End - r.Start)
	if step == 0 {
		for _, auto := range autoSteps {
			if step = uint64(auto); width/step <= autoBuckets {
				break
			}
		}
	}
	g := &grid{origin: r.Start - r.Start%pcommon.Timestamp(step), step: step}
	buckets := (uint64(r.End-g.origin) + step - 1) / step
	series := uint64(1)
	if by != "" {
		series = uint64(top) + 2
	}
	if buckets*series > uint64(s.limits.MaxPoints) || buckets > uint64(s.limits.MaxPoints) {
		return nil, overLimit("max_points", "%d buckets times %d series are more than %d numbers: take a longer step, a shorter range or a smaller top",
			buckets, series, s.limits.MaxPoints)
	}
	g.buckets = int(buckets)
	return g, nil
}

func (g *grid) index(bucket pcommon.Timestamp) int {
	if bucket < g.origin {
		return 0
	}
	return min(int(uint64(bucket-g.origin)/g.step), g.buckets-1)
}

func (g *grid) times() []string {
	times := make([]string, g.buckets)
	for i := range times {
		times[i] = formatTime(g.origin + pcommon.Timestamp(uint64(i)*g.step))
	}
	return times
}

// step reads a bucket's width; 0 when absent or "auto".
func (p *params) step(name string) uint64 {
	s := p.text(name)
	if s == "" || s == "auto" {
		return 0
	}
	d, err := parseDuration(s)
	if err == nil && d < time.Millisecond {
		err = fmt.Errorf("at least 1ms, got %q", s)
	}
	if err != nil {
		p.fail(name, err)
		return 0
	}
	return uint64(d)
}

// firstTime is about when the tenant's first log was, for a range that begins with time itself.
func firstTime(ctx context.Context, source *Source, r timeRange) (pcommon.Timestamp, error) {
	first := storage.EndOfTime
	for stream, err := range source.Streams(ctx, r.Start, r.End) {
		if err != nil {
			return 0, err
		}
		first = min(first, stream.First)
	}
	if first >= r.End {
		return r.End - 1, nil
	}
	return first, nil
}
