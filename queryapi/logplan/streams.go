package logplan

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/logql"
	"github.com/instantdevlogs/devlogs/logql/pipeline"
	"github.com/instantdevlogs/devlogs/storage"
)

// Streams lists the distinct sets of resource labels whose records a selector may select in [start, end), each ordered by
// name. It reads the catalogue; only when the selector names something of the records themselves are records counted.
func (p *Planner) Streams(ctx context.Context, s logql.Selector, start, end pcommon.Timestamp) ([][]pipeline.Label, error) {
	catalogue, err := loadCatalogue(ctx, p.store, start, end)
	if err != nil {
		return nil, fmt.Errorf("read the catalogue: %w", err)
	}
	var sets labelSets
	if p.options.Where == nil && catalogue.tells(s) {
		for _, stream := range catalogue.streams {
			if stream.labels.selected(s) {
				sets.add(stream.labels.stream)
			}
		}
		return sets.list, nil
	}
	for volume, err := range p.volumes(ctx, catalogue, &logql.LogQuery{Selector: s}, storage.Aggregation{
		Query: storage.Query{Start: start, End: end},
	}) {
		if err != nil {
			return nil, err
		}
		sets.add(volume.Labels)
	}
	return sets.list, nil
}

// tells is true when the labels of streams alone tell what a selector selects.
func (c *catalogue) tells(s logql.Selector) bool {
	for _, m := range s {
		if n := c.resolve(m.Name); !n.known || n.level || n.column != nil || n.attribute != nil {
			return false
		}
	}
	return true
}

func (s *streamLabels) selected(by logql.Selector) bool {
	for _, m := range by {
		value, _ := s.value(m.Name)
		if !pipeline.NewMatcher(m).Matches(value) {
			return false
		}
	}
	return true
}

// labelSets are distinct sets of labels.
type labelSets struct {
	list  [][]pipeline.Label
	known map[string]struct{}
}

func (s *labelSets) add(labels []pipeline.Label) {
	labels = slices.Clone(labels)
	slices.SortFunc(labels, func(a, b pipeline.Label) int { return strings.Compare(a.Name, b.Name) })
	var key strings.Builder
	for _, l := range labels {
		key.WriteString(strconv.Quote(l.Name) + strconv.Quote(l.Value))
	}
	if _, known := s.known[key.String()]; known {
		return
	}
	if s.known == nil {
		s.known = map[string]struct{}{}
	}
	s.known[key.String()] = struct{}{}
	s.list = append(s.list, labels)
}

// Volume is how much of a stream was found in a bucket of time. There may be several of the same labels and bucket.
type Volume struct {
	Labels  []pipeline.Label // of the resource; shared, read-only
	Bucket  pcommon.Timestamp
	Entries uint64
	Bytes   uint64 // of the bodies
}

// Volumes counts the entries that a log query selects in [start, end), by stream, in buckets of a step in nanoseconds that
// begin at start; step 0 is one bucket. The store counts, unless stages of the query have to run here.
func (p *Planner) Volumes(ctx context.Context, q *logql.LogQuery, start, end pcommon.Timestamp, step uint64) iter.Seq2[Volume, error] {
	return func(yield func(Volume, error) bool) {
		catalogue, err := loadCatalogue(ctx, p.store, start, end)
		if err != nil {
			yield(Volume{}, fmt.Errorf("read the catalogue: %w", err))
			return
		}
		p.volumes(ctx, catalogue, q, storage.Aggregation{
			Query: storage.Query{Start: start, End: end}, Step: step, Origin: start, Bytes: true,
		})(yield)
	}
}

func (p *Planner) volumes(ctx context.Context, c *catalogue, q *logql.LogQuery, a storage.Aggregation) iter.Seq2[Volume, error] {
	split := p.split(c, q)
	if len(split.stages) > 0 {
		return p.entryVolumes(ctx, split, a)
	}
	labels := map[string][]pipeline.Label{}
	for _, s := range c.streams {
		labels[strconv.FormatUint(s.id, 10)] = s.labels.stream
	}
	a.Where, a.By = whereOf(split.where), []storage.FieldRef{{Kind: storage.FieldStream}}
	return func(yield func(Volume, error) bool) {
		for point, err := range p.store.Aggregate(ctx, a) {
			if err != nil {
				yield(Volume{}, err)
				return
			}
			p.stats.Points++
			stream, known := labels[point.Group[0]]
			if !known {
				continue // it began after the catalogue was read
			}
			if !yield(Volume{stream, point.Bucket, point.Count, point.Bytes}, nil) {
				return
			}
		}
	}
}

// entryVolumes counts entries one by one.
func (p *Planner) entryVolumes(ctx context.Context, s *split, a storage.Aggregation) iter.Seq2[Volume, error] {
	return func(yield func(Volume, error) bool) {
		plan := &LogPlan{planner: p, split: s, request: LogRequest{Start: a.Start, End: a.End, Direction: storage.OldestFirst}}
		labeller := newLabeller(nil)
		for e, err := range plan.Entries(ctx) {
			var shared *streamLabels
			if err == nil {
				shared, err = labeller.shared(e.Record.Stream)
			}
			if err != nil {
				yield(Volume{}, err)
				return
			}
			v := Volume{Labels: shared.stream, Bucket: a.Start, Entries: 1, Bytes: uint64(len(e.Record.Body))}
			if a.Step > 0 {
				v.Bucket += pcommon.Timestamp(uint64(e.Record.Time-a.Origin) / a.Step * a.Step)
			}
			if !yield(v, nil) {
				return
			}
		}
	}
}
