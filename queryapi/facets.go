package queryapi

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/queryapi/logplan"
	"github.com/instantdevlogs/devlogs/storage"
)

// facet is a field with its most frequent values.
type facet struct {
	Field  string       `json:"field"`
	Values []valueCount `json:"values"`
}

type facetsAnswer struct {
	Start  string  `json:"start"`
	End    string  `json:"end"`
	Facets []facet `json:"facets"`
}

const (
	// facetSample is how many of the newest records are looked at to find the fields that are worth counting.
	facetSample   = 500
	defaultFacets = 10
	maxFacets     = 50
)

// facets answers GET /api/v1/facets: exact counts of the values of some fields. Without field= they are service, level, and
// the attributes that most of the newest records have with values that repeat.
func (s *server) facets(ctx context.Context, source *Source, p *params) (any, error) {
	f := p.filters()
	fields := p.texts("field")
	fieldLimit := p.count("fields", defaultFacets, maxFacets)
	top := p.count("top", defaultTop, maxTop)
	if len(fields) > maxFacets {
		p.fail("field", overLimit("max_groups", "at most %d fields, got %d", maxFacets, len(fields)))
	}
	if err := p.err(); err != nil {
		return nil, err
	}
	query, err := f.query(ctx, source)
	if err != nil {
		return nil, err
	}
	picked := len(fields) == 0
	if picked {
		if fields, err = interesting(ctx, source, query, fieldLimit); err != nil {
			return nil, err
		}
	}
	answer := &facetsAnswer{Start: formatTime(f.Start), End: formatTime(f.End), Facets: []facet{}}
	count := &counter{source: source, query: query, maxGroups: s.limits.MaxGroups}
	for _, name := range fields {
		resolved, err := source.Resolve(ctx, f.timeRange, name)
		if err != nil {
			return nil, err
		}
		values, err := count.values(ctx, resolved, top+1)
		if err != nil {
			return nil, err
		}
		if values = shown(values, top); len(values) > 0 || !picked {
			answer.Facets = append(answer.Facets, facet{Field: name, Values: values})
		}
	}
	return answer, nil
}

// interesting picks fields by looking at the newest records: service and level, then attributes by how many records have
// them, without those that few have and those whose values hardly repeat.
func interesting(ctx context.Context, source *Source, query storage.Query, limit int) ([]string, error) {
	query.Limit = facetSample
	sampled := 0
	having := map[string]int{}
	values := map[string]map[string]struct{}{}
	for record, err := range source.Search(ctx, query) {
		if err != nil {
			return nil, err
		}
		sampled++
		err = eachAttribute(record.Attributes, func(key string, v pcommon.Value) {
			label := logplan.LabelName(key)
			having[label]++
			if values[label] == nil {
				values[label] = map[string]struct{}{}
			}
			values[label][textOf(v)] = struct{}{}
		})
		if err != nil {
			return nil, err
		}
	}
	labels := slices.SortedFunc(maps.Keys(having), func(a, b string) int {
		return cmp.Or(cmp.Compare(having[b], having[a]), cmp.Compare(a, b))
	})
	picked := []string{nameService, nameLevel}
	for _, label := range labels {
		if len(picked) >= limit {
			break
		}
		common := having[label]*20 >= sampled
		repeats := len(values[label]) == 1 || len(values[label])*2 <= having[label]
		if common && repeats && !slices.Contains(picked, label) {
			picked = append(picked, label)
		}
	}
	return picked[:min(limit, len(picked))], nil
}
