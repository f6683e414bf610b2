package logplan

import (
	"context"
	"iter"

	"github.com/instantdevlogs/devlogs/logql/pipeline"
	"github.com/instantdevlogs/devlogs/storage"
)

// LogPlan is a log query divided between the store and Go.
type LogPlan struct {
	planner *Planner
	request LogRequest
	split   *split
}

// Entry is one log entry of an answer. It is valid until the next one is asked for.
type Entry struct {
	Record *storage.Record // as stored
	Time   int64           // nanoseconds since 1970
	Line   string          // as the query formats it
	Labels []pipeline.Label
}

// Entries yields the entries in the order of the request, at most its limit. An error is the last that comes.
func (l *LogPlan) Entries(ctx context.Context) iter.Seq2[*Entry, error] {
	return func(yield func(*Entry, error) bool) {
		runner, err := newRunner(ctx, l.planner, l.split.rest(), nil, nil)
		if err != nil {
			yield(nil, err)
			return
		}
		left := l.request.Limit
		var held storage.Record // one place for all: entries point to it
		for query := range l.queries(&left) {
			for record, err := range l.planner.store.Search(ctx, query) {
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
				if entry == nil {
					continue
				}
				left--
				if !yield(entry, nil) || left == 0 {
					return
				}
			}
		}
	}
}

// Condition is what the store must hold a record against, when that alone tells which records are in the answer. ok is false
// when stages have to run here.
func (l *LogPlan) Condition() (where storage.Expr, ok bool) {
	return whereOf(l.split.where), len(l.split.stages) == 0
}

func (r *runner) logEntry(record *storage.Record) (*Entry, error) {
	kept, err := r.run(record)
	if err != nil || !kept {
		return nil, err
	}
	r.out.Record, r.out.Time, r.out.Line = record, r.entry.Time, r.entry.Line
	r.out.Labels = r.entry.Labels.AppendTo(r.out.Labels[:0])
	return &r.out, nil
}

// firstSlice is the first part of the time range that is searched for a limited number of entries, of so many.
const firstSlice = 1 << 10

// queries yields what to ask the store. When Go drops entries, the store can't know how many the limit takes: then only as
// much of the time range is searched as it takes, in slices that grow.
func (l *LogPlan) queries(left *int) iter.Seq[storage.Query] {
	r := l.request
	whole := l.split.query(uint64(r.Start), uint64(r.End), r.Direction)
	whole.After = r.After
	return func(yield func(storage.Query) bool) {
		if len(l.split.stages) == 0 || r.Limit == 0 {
			if len(l.split.stages) == 0 {
				whole.Limit = r.Limit
			}
			yield(whole)
			return
		}
		const second = uint64(1e9)
		start, end := whole.Start, whole.End
		for width := max(second, uint64(end-start)/firstSlice); start < end; width *= 4 {
			slice := whole
			size := timestamp(min(width, uint64(end-start)))
			if r.Direction == storage.NewestFirst {
				slice.Start, slice.End = end-size, end
				end = slice.Start
			} else {
				slice.Start, slice.End = start, start+size
				start = slice.End
			}
			if !yield(slice) || *left == 0 {
				return
			}
			width = min(width, 1<<61) // the next one takes what is left
		}
	}
}
