package queryapi

import (
	"cmp"
	"context"
	"iter"
	"maps"
	"slices"

	"github.com/cespare/xxhash/v2"
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
	f := p.queried()
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
	query, plan, err := s.narrow(ctx, source, &f, query)
	if err != nil {
		return nil, err
	}
	picked := len(fields) == 0
	switch {
	case picked && plan != nil:
		fields, err = interestingLabels(plan.Entries(ctx), fieldLimit)
	case picked:
		fields, err = interesting(ctx, source, query, fieldLimit)
	}
	if err != nil {
		return nil, err
	}
	answer := &facetsAnswer{Start: formatTime(f.Start), End: formatTime(f.End), Facets: []facet{}}
	if plan != nil {
		return answer, answer.countEntries(plan.Entries(ctx), fields, top, s.limits.MaxGroups)
	}
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

// countEntries counts over the entries of a query whose stages the store can't run.
func (a *facetsAnswer) countEntries(entries iter.Seq2[*logplan.Entry, error], fields []string, top, maxGroups int) error {
	labels := make([]string, len(fields))
	for i, name := range fields {
		labels[i] = labelOf(name)
	}
	tables, err := countLabels(entries, labels, maxGroups)
	if err != nil {
		return err
	}
	for i, name := range fields {
		a.Facets = append(a.Facets, facet{Field: name, Values: mostFrequent(tables[i], top)})
	}
	return nil
}

// interesting picks fields by looking at the newest records: service and level, then attributes by how many records have
// them, without those that few have and those whose values hardly repeat.
func interesting(ctx context.Context, source *Source, query storage.Query, limit int) ([]string, error) {
	query.Limit = facetSample
	sample := newFieldSample()
	for record, err := range source.Search(ctx, query) {
		if err != nil {
			return nil, err
		}
		sample.records++
		err = eachAttribute(record.Attributes, func(key string, v pcommon.Value) {
			sample.note(logplan.LabelName(key), textOf(v))
		})
		if err != nil {
			return nil, err
		}
	}
	return sample.pick(limit), nil
}

// fieldSample is what some records show of their fields.
type fieldSample struct {
	records int
	having  map[string]int                 // records by label
	values  map[string]map[uint64]struct{} // hashes: values may be long
}

func newFieldSample() *fieldSample {
	return &fieldSample{having: map[string]int{}, values: map[string]map[uint64]struct{}{}}
}

func (s *fieldSample) note(label, value string) {
	s.having[label]++
	if s.values[label] == nil {
		s.values[label] = map[uint64]struct{}{}
	}
	s.values[label][xxhash.Sum64String(value)] = struct{}{}
}

func (s *fieldSample) pick(limit int) []string {
	labels := slices.SortedFunc(maps.Keys(s.having), func(a, b string) int {
		return cmp.Or(cmp.Compare(s.having[b], s.having[a]), cmp.Compare(a, b))
	})
	picked := []string{nameService, nameLevel}
	for _, label := range labels {
		if len(picked) >= limit {
			break
		}
		common := s.having[label]*20 >= s.records
		repeats := len(s.values[label]) == 1 || len(s.values[label])*2 <= s.having[label]
		if common && repeats && !slices.Contains(picked, label) {
			picked = append(picked, label)
		}
	}
	return picked[:min(limit, len(picked))]
}
