package logplan

import (
	"context"
	"iter"

	"github.com/instantdevlogs/devlogs/logql"
	"github.com/instantdevlogs/devlogs/logql/pipeline"
	"github.com/instantdevlogs/devlogs/storage"
)

// Tail yields every entry of a log query that is committed after batch sequence from, in commit order, waiting for more
// until ctx ends (then the last element is ctx.Err()). It runs the same stages as Log does. Only line filters go to the
// store: what labels stand for is not known before the streams of tomorrow are. When start is not 0, entries before that time
// are left out.
func (p *Planner) Tail(ctx context.Context, q *logql.LogQuery, start uint64, from uint64) iter.Seq2[*Entry, error] {
	return func(yield func(*Entry, error) bool) {
		where, stages := tailQuery(q)
		if p.options.Where != nil {
			where = allOf(p.options.Where, where)
		}
		endless := *p
		endless.options.MaxBytes = 0 // a tail is bounded by its reader, not by what it reads in all
		runner, err := newRunner(&endless, stages, nil, nil)
		if err != nil {
			yield(nil, err)
			return
		}
		var held storage.Record
		refused := newStreamFilter(q.Selector)
		query := storage.Query{Start: timestamp(start), End: storage.EndOfTime, Where: whereOf(where)}
		for record, err := range p.store.Tail(ctx, query, from) {
			if err != nil {
				yield(nil, err)
				return
			}
			shared, err := runner.labeller.shared(record.Stream)
			if err == nil && refused.refuses(record.Stream.ID, shared) {
				continue
			}
			var entry *Entry
			if err == nil {
				held = record
				entry, err = runner.logEntry(&held)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if entry != nil && !yield(entry, nil) {
				return
			}
		}
	}
}

// tailQuery divides a query for a tail.
func tailQuery(q *logql.LogQuery) (where storage.Expr, stages []logql.Stage) {
	where = always
	for _, m := range q.Selector {
		stages = append(stages, &logql.LabelFilter{Predicate: &logql.MatchPredicate{Matcher: m}})
	}
	lineKept := true
	for _, stage := range q.Stages {
		switch stage := stage.(type) {
		case *logql.LineFilter:
			if lineKept {
				e, ok := lineFilter(stage)
				where = allOf(where, e)
				if ok {
					continue
				}
			}
		case *logql.LineFormat, *logql.Decolorize, *logql.Unpack:
			lineKept = false
		}
		stages = append(stages, stage)
	}
	return where, stages
}

// streamFilter knows streams that a selector refuses whatever the record: most records of a tail need no more.
type streamFilter struct {
	names    []string
	matchers []pipeline.Matcher
	verdicts map[uint64]bool
}

func newStreamFilter(s logql.Selector) *streamFilter {
	f := &streamFilter{verdicts: map[uint64]bool{}}
	for _, m := range s {
		f.names = append(f.names, m.Name)
		f.matchers = append(f.matchers, pipeline.NewMatcher(m))
	}
	return f
}

func (f *streamFilter) refuses(id uint64, labels *streamLabels) bool {
	verdict, known := f.verdicts[id]
	if known {
		return verdict
	}
	for i, m := range f.matchers {
		if at := find(labels.stream, f.names[i]); at >= 0 && !m.Matches(labels.stream[at].Value) {
			verdict = true
		}
	}
	if len(f.verdicts) >= maxStreamsKept {
		clear(f.verdicts)
	}
	f.verdicts[id] = verdict
	return verdict
}
