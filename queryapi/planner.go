package queryapi

import (
	"context"
	"iter"

	"github.com/instantdevlogs/devlogs/logql/engine"
	"github.com/instantdevlogs/devlogs/queryapi/logplan"
	"github.com/instantdevlogs/devlogs/storage"
)

// planner makes plans for the LogQL of one request, within the server's limits. where is one more condition; nil: none.
func (s *server) planner(source *Source, where storage.Expr) *logplan.Planner {
	return logplan.New(source, logplan.Options{
		Limits: engine.Limits{
			Steps: s.limits.MaxQuerySteps, Series: s.limits.MaxQuerySeries,
			Groups: s.limits.MaxQueryGroups, Samples: s.limits.MaxQuerySamples,
		},
		MaxBytes: s.limits.MaxQueryBytes,
		Where:    where,
	})
}

// found is what filters select. An entry is valid until the next one is asked for.
type found struct {
	entries iter.Seq2[*logplan.Entry, error]
	queried bool // entries have the line and the labels that a query of LogQL made

	warnings []string // what is odd about the query
}

// find gives the entries of the filters. query is what the simple ones select.
func (s *server) find(ctx context.Context, source *Source, f *filters, query storage.Query) (found, error) {
	if f.logql == nil {
		return found{entries: plainEntries(source.Search(ctx, query))}, nil
	}
	planner := s.planner(source, query.Where)
	plan, err := planner.Log(ctx, logplan.LogRequest{
		Query: f.logql, Start: query.Start, End: query.End, Direction: query.Direction, Limit: query.Limit, After: query.After,
	})
	if err != nil {
		return found{}, err
	}
	return found{plan.Entries(ctx), true, planner.Warnings()}, nil
}

// plainEntries are records as entries that no query has changed.
func plainEntries(records iter.Seq2[storage.Record, error]) iter.Seq2[*logplan.Entry, error] {
	return func(yield func(*logplan.Entry, error) bool) {
		var entry logplan.Entry
		for record, err := range records {
			if err != nil {
				yield(nil, err)
				return
			}
			entry.Record = &record
			if !yield(&entry, nil) {
				return
			}
		}
	}
}
