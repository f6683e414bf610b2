package queryapi

import (
	"cmp"
	"context"
	"slices"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/storage"
)

// valueCount is how many records have a value of a field.
type valueCount struct {
	Value string `json:"value"`
	Count uint64 `json:"count"`
}

// shown are the first values to show: not the records that lack the field, and without the store's way of writing values.
func shown(values []valueCount, limit int) []valueCount {
	values = slices.DeleteFunc(values, func(v valueCount) bool { return v.Value == "" })
	for i := range values {
		values[i].Value = plainValue(values[i].Value)
	}
	return values[:min(limit, len(values))]
}

// counter counts the records of a query by a field.
type counter struct {
	source    *Source
	query     storage.Query
	maxGroups int
}

// values counts by value over the whole range, most frequent first. When the field is in one place of a record, the store
// keeps the top values only; else all are counted here, up to the limit.
func (c *counter) values(ctx context.Context, f *field, top int) ([]valueCount, error) {
	if top == 0 {
		return nil, nil
	}
	counts, held := map[string]uint64{}, 0
	parts := f.parts()
	for _, part := range parts {
		a := storage.Aggregation{Query: c.narrowed(part.where), By: part.by}
		if len(parts) == 1 && f.streams == nil && len(part.by) == 1 {
			a.Top = top
		}
		for point, err := range c.source.Aggregate(ctx, a) {
			if err != nil {
				return nil, err
			}
			value := part.value(point.Group)
			if _, known := counts[value]; !known {
				held += weight(value)
			}
			counts[value] += point.Count
			if held > c.maxGroups {
				return nil, overLimit("max_groups", "%s has more than %d values in this range", f.name, c.maxGroups)
			}
		}
	}
	sorted := byCount(counts)
	return sorted[:min(top, len(sorted))], nil
}

// byCount sorts values, the most frequent first.
func byCount(counts map[string]uint64) []valueCount {
	sorted := make([]valueCount, 0, len(counts))
	for value, count := range counts {
		sorted = append(sorted, valueCount{value, count})
	}
	slices.SortFunc(sorted, func(a, b valueCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Value, b.Value))
	})
	return sorted
}

// mostFrequent are the first values of labels to show: not the entries that lack the label.
func mostFrequent(counts map[string]uint64, limit int) []valueCount {
	delete(counts, "")
	sorted := byCount(counts)
	return sorted[:min(limit, len(sorted))]
}

// perStep visits the counts of each bucket by value. With only, it visits those values alone where the store can tell them
// apart, and may visit others.
func (c *counter) perStep(
	ctx context.Context, f *field, only []string, origin pcommon.Timestamp, step uint64, visit func(bucket pcommon.Timestamp, value string, count uint64),
) error {
	for _, part := range f.parts() {
		a := storage.Aggregation{Query: c.narrowed(part.where), By: part.by, Step: step, Origin: origin}
		if expr, ok := f.only(only); ok && only != nil {
			a.Where = storage.And{a.Where, expr}
		}
		for point, err := range c.source.Aggregate(ctx, a) {
			if err != nil {
				return err
			}
			visit(point.Bucket, part.value(point.Group), point.Count)
		}
	}
	return nil
}

// narrowed is the query with one more condition.
func (c *counter) narrowed(where storage.Expr) storage.Query {
	q := c.query
	if where != nil {
		q.Where = storage.And{q.Where, where}
	}
	return q
}
