package queryapi

import (
	"context"
	"iter"
	"strings"

	"github.com/instantdevlogs/devlogs/logql/pipeline"
	"github.com/instantdevlogs/devlogs/queryapi/logplan"
	"github.com/instantdevlogs/devlogs/storage"
)

// narrow takes what the store can judge of the filters' LogQL into the query. It gives a plan when that is not all of it: then
// counts are made over the plan's entries.
func (s *server) narrow(ctx context.Context, source *Source, f *filters, query storage.Query) (storage.Query, *logplan.LogPlan, error) {
	if f.logql == nil {
		return query, nil, nil
	}
	ask := logplan.LogRequest{Query: f.logql, Start: query.Start, End: query.End, Direction: query.Direction, Limit: query.Limit}
	plan, err := s.planner(source, query.Where).Log(ctx, ask)
	if err != nil {
		return query, nil, err
	}
	where, whole := plan.Condition()
	if !whole {
		return query, plan, nil
	}
	query.Where = where
	return query, nil, nil
}

// countLabels counts the values of labels over entries. The tables are in the order of the labels.
func countLabels(entries iter.Seq2[*logplan.Entry, error], labels []string, maxGroups int) ([]map[string]uint64, error) {
	tables := make([]map[string]uint64, len(labels))
	held := make([]int, len(labels))
	for i := range tables {
		tables[i] = map[string]uint64{}
	}
	for entry, err := range entries {
		if err != nil {
			return nil, err
		}
		for i, label := range labels {
			value := labelValue(entry, label)
			if _, known := tables[i][value]; !known {
				if held[i] += weight(value); held[i] > maxGroups {
					return nil, overLimit("max_groups", "%s has more than %d values in this range", label, maxGroups)
				}
				value = strings.Clone(value)
			}
			tables[i][value]++
		}
	}
	return tables, nil
}

// interestingLabels is interesting for entries: of what the query made, too.
func interestingLabels(entries iter.Seq2[*logplan.Entry, error], limit int) ([]string, error) {
	sample := newFieldSample()
	for entry, err := range entries {
		if err != nil {
			return nil, err
		}
		sample.records++
		for _, l := range entry.Labels {
			if _, own := recordNames[l.Name]; l.Kind != pipeline.Stream && !own && l.Name != labelOf(nameLevel) {
				sample.note(strings.Clone(l.Name), l.Value)
			}
		}
		if sample.records == facetSample {
			break
		}
	}
	return sample.pick(limit), nil
}
