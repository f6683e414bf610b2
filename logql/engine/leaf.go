package engine

import (
	"time"

	"github.com/instantdevlogs/devlogs/logql"
)

// Leaf is one range aggregation to evaluate on a grid.
type Leaf struct {
	Aggregation *logql.RangeAggregation
	// Grouping says which labels keep series apart: the aggregation's own, or that of a vector aggregation around it that
	// comes to the same. nil: all labels.
	Grouping *logql.Grouping
	Grid     Grid
}

// NewLeaf makes a leaf.
func NewLeaf(a *logql.RangeAggregation, grouping *logql.Grouping, grid Grid) *Leaf {
	if a.Op == logql.RangeAbsent {
		grouping = &logql.Grouping{}
	}
	return &Leaf{Aggregation: a, Grouping: grouping, Grid: grid}
}

// unlabelled tells whether entries are only counted, all together: then nothing of an entry is read that a failed stage could
// have spoiled, and Loki does not mind that it failed. It minds filters that fail, as they decide what is counted.
func (l *Leaf) unlabelled() bool {
	switch l.Aggregation.Op {
	case logql.RangeCount, logql.RangeRate, logql.RangeBytes, logql.RangeBytesRate:
		return l.Aggregation.Range.Unwrap == nil && l.Grouping != nil && !l.Grouping.Without && len(l.Grouping.Labels) == 0
	}
	return false
}

// fuse makes one leaf of a vector aggregation and the range aggregation in it where that comes to the same, as in
// sum by (a) (count_over_time(…)): then no series for each set of labels has to be held. nil where it does not.
func fuse(v *logql.VectorAggregation, grid Grid) *Leaf {
	a, ok := v.Inner.(*logql.RangeAggregation)
	if !ok || a.Grouping != nil {
		return nil
	}
	fits := false
	switch a.Op {
	case logql.RangeCount, logql.RangeRate, logql.RangeBytes, logql.RangeBytesRate, logql.RangeSum:
		fits = v.Op == logql.VectorSum
	case logql.RangeMin:
		fits = v.Op == logql.VectorMin
	case logql.RangeMax:
		fits = v.Op == logql.VectorMax
	}
	if !fits {
		return nil
	}
	grouping := v.Grouping
	if grouping == nil {
		grouping = &logql.Grouping{}
	}
	return NewLeaf(a, grouping, grid)
}

// Window is the window of the i-th step: entries with after < time <= until count.
func (l *Leaf) Window(i int) (after, until int64) {
	until = l.Grid.At(i) - int64(l.Aggregation.Range.Offset)
	return until - int64(l.Aggregation.Range.Duration), until
}

// Span covers all windows: entries with after < time <= until are read.
func (l *Leaf) Span() (after, until int64) {
	after, _ = l.Window(0)
	_, until = l.Window(max(0, l.Grid.Steps()-1))
	return after, until
}

// Bucket is the width of the buckets of time that all windows are made of: bucket k holds the entries with
// after+k*width < time <= after+(k+1)*width, where after is the start of the Span.
func (l *Leaf) Bucket() time.Duration {
	a, b := l.Aggregation.Range.Duration, l.Grid.Step
	if l.Grid.Steps() <= 1 {
		return a
	}
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// Needs lists the labels of entries that are read; nil means all.
func (l *Leaf) Needs() []string {
	if l.Grouping == nil || l.Grouping.Without {
		return nil
	}
	if l.Grouping.Labels == nil {
		return []string{}
	}
	return l.Grouping.Labels
}

// Value is the sample that an entry is for the aggregation: 1, its bytes, or what unwrap made of it.
func (l *Leaf) Value(line string, sample float64) float64 {
	switch l.Aggregation.Op {
	case logql.RangeBytes, logql.RangeBytesRate:
		return float64(len(line))
	}
	if l.Aggregation.Range.Unwrap != nil {
		return sample
	}
	return 1
}
