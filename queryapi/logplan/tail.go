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
		runner, err := newRunner(ctx, &endless, stages, nil, nil)
		if err != nil {
			yield(nil, err)
			return
		}
		var held storage.Record
		selector := newSelector(q.Selector)
		streams := func(s *storage.Stream) bool {
			shared, err := runner.labeller.shared(s)
			return err != nil || selector.maySelect(shared) // the error comes again, with a record
		}
		query := storage.Query{Start: timestamp(start), End: storage.EndOfTime, Where: whereOf(where)}
		for record, err := range p.store.Tail(ctx, query, from, streams) {
			if err != nil {
				yield(nil, err)
				return
			}
			held = record
			entry, err := runner.logEntry(&held)
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

// selector tells which streams a log query may select records of, whatever else the records are.
type selector struct {
	names    []string
	matchers []pipeline.Matcher
}

func newSelector(of logql.Selector) *selector {
	s := &selector{}
	for _, m := range of {
		s.names = append(s.names, m.Name)
		s.matchers = append(s.matchers, pipeline.NewMatcher(m))
	}
	return s
}

func (s *selector) maySelect(labels *streamLabels) bool {
	for i, m := range s.matchers {
		if at := find(labels.stream, s.names[i]); at >= 0 && !m.Matches(labels.stream[at].Value) {
			return false
		}
	}
	return true
}
