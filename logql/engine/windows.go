package engine

import (
	"iter"
	"math"
	"slices"

	"github.com/instantdevlogs/devlogs/logql"
	"github.com/instantdevlogs/devlogs/logql/pipeline"
)

// leafNode slides the windows of a range aggregation over what the source yields.
type leafNode struct {
	leaf    *Leaf
	limits  Limits
	next    func() (*Observation, error, bool)
	pending *Observation
	group   grouper
	table   *table
	series  map[*Metric]*leafSeries
	order   []*leafSeries
	origin  int64
	bucket  int64
	raw     bool // the function needs each sample
	samples int  // how many are held
	held    int  // weight of all series
	labels  []Label
	out     []point
	absent  *Metric
}

// leafSeries is one series and what its window holds.
type leafSeries struct {
	metric  *Metric
	window  window
	samples []sample
}

// sample is an entry's value.
type sample struct {
	time  int64
	value float64
}

func (b *builder) leaf(l *Leaf) node {
	next, stop := iter.Pull2(b.source.Samples(b.ctx, l))
	b.stops = append(b.stops, stop)
	origin, _ := l.Span()
	n := &leafNode{
		leaf: l, limits: b.params.Limits, next: next, group: newGrouper(l.Grouping), table: newTable(),
		series: map[*Metric]*leafSeries{}, origin: origin, bucket: int64(l.Bucket()),
	}
	switch l.Aggregation.Op {
	case logql.RangeQuantile, logql.RangeRateCounter:
		n.raw = true
	case logql.RangeAbsent:
		n.absent = absentMetric(l.Aggregation.Range.Log.Selector)
	}
	return n
}

func (n *leafNode) step(i int) ([]point, error) {
	after, until := n.leaf.Window(i)
	for {
		o, err := n.read()
		if err != nil {
			return nil, err
		}
		if o == nil {
			break
		}
		if o.Time > until {
			n.pending = o
			break
		}
		if o.Time <= after {
			continue // between two windows
		}
		if err := n.add(o); err != nil {
			return nil, err
		}
	}
	return n.evaluate(after, until), nil
}

// read returns the next observation, nil at the end.
func (n *leafNode) read() (*Observation, error) {
	if o := n.pending; o != nil {
		n.pending = nil
		return o, nil
	}
	o, err, ok := n.next()
	if !ok {
		return nil, nil
	}
	return o, err
}

func (n *leafNode) add(o *Observation) error {
	n.labels = n.group.entry(n.labels[:0], o.Labels)
	if o.Err != "" && (o.Err == pipeline.FilterError || !n.leaf.unlabelled()) {
		all := newTable().of(grouper{all: true}.entry(nil, o.Labels))
		return queryErrorf("pipeline error: '%s' for series: '%s' (%s). Use a label filter to skip this error on purpose, such as | __error__!=%q, "+
			"or all errors: | __error__=\"\". Behind an unwrap too: | unwrap latency | __error__=\"\"", o.Err, all, o.ErrDetails, o.Err)
	}
	metric := n.table.of(n.labels)
	s := n.series[metric]
	if s == nil {
		s = &leafSeries{metric: metric}
		n.series[metric] = s
		n.order = append(n.order, s)
		n.held += metric.weight()
		if err := n.limits.checkGroups(n.held); err != nil {
			return err
		}
	}
	if n.raw {
		s.samples = append(s.samples, sample{o.Time, o.Numbers.Sum})
		n.samples++
		return n.limits.checkSamples(n.samples)
	}
	s.window.add((o.Time-n.origin-1)/n.bucket, o.Numbers)
	return nil
}

// evaluate makes the vector of a step and forgets what no later window holds.
func (n *leafNode) evaluate(after, until int64) []point {
	n.out = n.out[:0]
	first := (after - n.origin) / n.bucket
	kept := n.order[:0]
	for _, s := range n.order {
		if n.raw {
			old, _ := slices.BinarySearchFunc(s.samples, after+1, func(s sample, t int64) int { return int(max(-1, min(1, s.time-t))) })
			s.samples = slices.Delete(s.samples, 0, old)
			n.samples -= old
		}
		if n.raw && len(s.samples) == 0 || !n.raw && !s.window.dropBefore(first) {
			delete(n.series, s.metric)
			n.held -= s.metric.weight()
			n.table.forget(s.metric)
			continue
		}
		kept = append(kept, s)
		n.out = append(n.out, point{s.metric, n.value(s, after, until)})
	}
	clear(n.order[len(kept):])
	n.order = kept
	if n.absent != nil {
		if len(n.out) > 0 {
			return nil
		}
		n.out = append(n.out, point{n.absent, 1})
	}
	return n.out
}

func (n *leafNode) value(s *leafSeries, after, until int64) float64 {
	seconds := n.leaf.Aggregation.Range.Duration.Seconds()
	switch n.leaf.Aggregation.Op {
	case logql.RangeQuantile:
		return quantile(n.leaf.Aggregation.Param, s.samples)
	case logql.RangeRateCounter:
		return counterRate(s.samples, after, until)
	}
	w := s.window.sum()
	switch n.leaf.Aggregation.Op {
	case logql.RangeCount:
		return float64(w.Count)
	case logql.RangeBytes, logql.RangeSum:
		return w.Sum
	case logql.RangeBytesRate, logql.RangeRate:
		return w.Sum / seconds
	case logql.RangeAvg:
		return w.Sum / float64(w.Count)
	case logql.RangeMin:
		return w.Min
	case logql.RangeMax:
		return w.Max
	case logql.RangeFirst:
		return w.First
	case logql.RangeLast:
		return w.Last
	case logql.RangeStdvar:
		return w.M2 / float64(w.Count)
	case logql.RangeStddev:
		return math.Sqrt(w.M2 / float64(w.Count))
	default: // absent_over_time: that the series is there is all that counts
		return 1
	}
}

// absentMetric has the labels that a selector fixes.
func absentMetric(selector logql.Selector) *Metric {
	values, ambiguous := map[string]string{}, map[string]bool{}
	for _, m := range selector {
		if _, twice := values[m.Name]; twice || m.Op != logql.MatchEqual {
			ambiguous[m.Name] = true
		}
		values[m.Name] = m.Value
	}
	var labels []Label
	for name, value := range values {
		if !ambiguous[name] && value != "" {
			labels = append(labels, Label{name, value})
		}
	}
	slices.SortFunc(labels, func(a, b Label) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return newTable().of(labels)
}
