package lokiapi

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/logql"
	"github.com/instantdevlogs/devlogs/logql/pipeline"
)

// indexStatsAnswer is how much a selector selects. devlogs has no chunks: its count is that of streams.
type indexStatsAnswer struct {
	Streams int    `json:"streams"`
	Chunks  int    `json:"chunks"`
	Bytes   uint64 `json:"bytes"`
	Entries uint64 `json:"entries"`
}

// indexStats answers /index/stats.
func indexStats(ctx context.Context, r *Request) (any, error) {
	f := newForm(r)
	q := f.logQuery()
	t := f.span(defaultSince)
	if err := f.err(); err != nil {
		return nil, err
	}
	var answer indexStatsAnswer
	streams := map[string]struct{}{}
	for v, err := range r.Planner.Volumes(ctx, q, t.Start, t.End, 0) {
		if err != nil {
			return nil, err
		}
		streams[labelKey(v.Labels, nil)] = struct{}{}
		answer.Bytes += v.Bytes
		answer.Entries += v.Entries
	}
	answer.Streams, answer.Chunks = len(streams), len(streams)
	return &answer, nil
}

// volume answers /index/volume: the bytes of what a selector selects, by labels.
func volume(ctx context.Context, r *Request) (any, error) {
	return volumes(ctx, r, func(*form, span) uint64 { return 0 })
}

// volumeRange answers /index/volume_range: the same in steps.
func volumeRange(ctx context.Context, r *Request) (any, error) {
	return volumes(ctx, r, func(f *form, t span) uint64 { return uint64(f.step(t)) })
}

func volumes(ctx context.Context, r *Request, step func(*form, span) uint64) (any, error) {
	f := newForm(r)
	q := f.logQuery()
	t := f.span(defaultSince)
	limit := f.count("limit", defaultLimit)
	c := volumeCounter{span: t, step: step(f, t), most: r.Limits.MaxGroups, series: map[string]*volumeSeries{}}
	c.by = f.volumeLabels(q)
	switch aggregate := f.text("aggregateBy"); aggregate {
	case "", "series":
	case "labels":
		c.perLabel = true
	default:
		f.fail("invalid aggregateBy %q: expected series or labels", aggregate)
	}
	if c.step > 0 && uint64(t.End-t.Start)/c.step > maxVolumeSteps {
		f.fail("exceeded maximum resolution of 11,000 points per time series. Try increasing the value of the step parameter")
	}
	if err := f.err(); err != nil {
		return nil, err
	}
	for v, err := range r.Planner.Volumes(ctx, q, t.Start, t.End, c.step) {
		if err == nil {
			err = c.add(v.Labels, v.Bucket, v.Bytes)
		}
		if err != nil {
			return nil, err
		}
	}
	top := c.top(limit)
	if c.step > 0 {
		return succeeded(&result{ResultType: "matrix", Result: c.matrix(top), Stats: r.stats(len(top))}), nil
	}
	return succeeded(&result{ResultType: "vector", Result: c.vector(top), Stats: r.stats(len(top))}), nil
}

const maxVolumeSteps = 11_000

// volumeLabels are those to count by: targetLabels, else those that the selector names.
func (f *form) volumeLabels(q *logql.LogQuery) (by []string) {
	for label := range strings.SplitSeq(f.text("targetLabels"), ",") {
		if label = strings.TrimSpace(label); label != "" {
			by = append(by, label)
		}
	}
	if len(by) > 0 || q == nil || f.text("aggregateBy") == "labels" {
		return by
	}
	for _, m := range q.Selector {
		by = append(by, m.Name)
	}
	return by
}

// volumeCounter sums up bytes by labels.
type volumeCounter struct {
	span     span
	step     uint64   // 0: no steps
	by       []string // none: all labels
	perLabel bool     // count each label's name by itself
	most     int      // series, and one more for each KiB of labels
	held     int
	series   map[string]*volumeSeries
}

type volumeSeries struct {
	metric map[string]string
	total  uint64
	steps  map[pcommon.Timestamp]uint64 // by start
}

func (c *volumeCounter) add(labels []pipeline.Label, bucket pcommon.Timestamp, bytes uint64) error {
	if !c.perLabel {
		return c.count(labelKey(labels, c.by), labels, bucket, bytes, func(l pipeline.Label) string { return l.Value })
	}
	for _, l := range labels {
		if c.by == nil || slices.Contains(c.by, l.Name) {
			if err := c.count(l.Name, []pipeline.Label{l}, bucket, bytes, func(pipeline.Label) string { return "" }); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *volumeCounter) count(key string, labels []pipeline.Label, bucket pcommon.Timestamp, bytes uint64, value func(pipeline.Label) string) error {
	s := c.series[key]
	if s == nil {
		if c.held += 1 + len(key)>>10; c.held > c.most {
			return &TooMuch{"max_groups", "there are too many combinations of labels in this range; name fewer in targetLabels"}
		}
		s = &volumeSeries{metric: map[string]string{}, steps: map[pcommon.Timestamp]uint64{}}
		for _, l := range labels {
			if c.by == nil || slices.Contains(c.by, l.Name) {
				s.metric[l.Name] = value(l)
			}
		}
		c.series[key] = s
	}
	s.total += bytes
	s.steps[bucket] += bytes
	return nil
}

// top are the series with most bytes.
func (c *volumeCounter) top(limit int) []*volumeSeries {
	keys := make([]string, 0, len(c.series))
	for key := range c.series {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b string) int {
		return cmp.Or(cmp.Compare(c.series[b].total, c.series[a].total), cmp.Compare(a, b))
	})
	top := make([]*volumeSeries, 0, min(limit, len(keys)))
	for _, key := range keys[:min(limit, len(keys))] {
		top = append(top, c.series[key])
	}
	return top
}

func (c *volumeCounter) vector(top []*volumeSeries) []sample {
	vector := make([]sample, len(top))
	for i, s := range top {
		vector[i] = sample{s.metric, number{Time: int64(c.span.End), Value: float64(s.total)}}
	}
	return vector
}

// matrix gives each step's bytes at its last millisecond, and the last step's at the end, as Loki does.
func (c *volumeCounter) matrix(top []*volumeSeries) []numberSeries {
	matrix := make([]numberSeries, len(top))
	for i, s := range top {
		matrix[i] = numberSeries{Metric: s.metric, Values: []number{}}
		for start := c.span.Start; start < c.span.End; start += pcommon.Timestamp(c.step) {
			if bytes := s.steps[start]; bytes > 0 {
				at := min(int64(start)+int64(c.step)-1e6, int64(c.span.End))
				if uint64(start)+c.step >= uint64(c.span.End) {
					at = int64(c.span.End)
				}
				matrix[i].Values = append(matrix[i].Values, number{Time: at, Value: float64(bytes)})
			}
		}
	}
	return matrix
}

// labelKey tells sets of labels apart; by lists the labels that count, none: all.
func labelKey(labels []pipeline.Label, by []string) string {
	parts := make([]string, 0, len(labels))
	for _, l := range labels {
		if by == nil || slices.Contains(by, l.Name) {
			parts = append(parts, l.Name+"\xff"+l.Value)
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, "\xff\xff")
}
