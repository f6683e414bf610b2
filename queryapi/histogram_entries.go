package queryapi

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/logql/pipeline"
	"github.com/instantdevlogs/devlogs/queryapi/logplan"
)

// maxCells is how many numbers of a histogram may be held for each group that may be counted.
const maxCells = 10

// sparse is the counts of one value by bucket, those that are not 0.
type sparse struct {
	count   uint64
	buckets map[int]uint64
}

// countEntries fills the histogram from the entries of a query whose stages the store can't run.
func (a *histogramAnswer) countEntries(entries iter.Seq2[*logplan.Entry, error], grid *grid, by string, top, maxGroups int) error {
	label := labelOf(by)
	values := map[string]*sparse{}
	held, cells := 0, 0
	for entry, err := range entries {
		if err != nil {
			return err
		}
		bucket := grid.index(pcommon.Timestamp(entry.Time))
		a.Total.add(bucket, 1)
		if by == "" {
			continue
		}
		text := labelValue(entry, label)
		value := values[text]
		if value == nil {
			if held += weight(text); held > maxGroups {
				return overLimit("max_groups", "%s has more than %d values in this range", by, maxGroups)
			}
			value = &sparse{buckets: map[int]uint64{}}
			values[strings.Clone(text)] = value
		}
		value.count++
		if value.buckets[bucket]++; value.buckets[bucket] == 1 {
			if cells++; cells > maxCells*maxGroups {
				return overLimit("max_groups", "%s has too many values in too many buckets: take a longer step or a shorter range", by)
			}
		}
	}
	if by != "" {
		a.keepTop(values, grid, by, top)
	}
	return nil
}

// weight is for how many values one counts where values are held: a template can make them a megabyte long.
func weight(value string) int { return 1 + len(value)>>10 }

// keepTop makes series of the most frequent values.
func (a *histogramAnswer) keepTop(values map[string]*sparse, grid *grid, by string, top int) {
	a.By = by
	names := slices.SortedFunc(maps.Keys(values), func(x, y string) int {
		return cmp.Or(cmp.Compare(values[y].count, values[x].count), cmp.Compare(x, y))
	})
	other := &counts{Count: a.Total.Count, Counts: slices.Clone(a.Total.Counts)}
	for _, name := range names[:min(top, len(names))] {
		series := &valueSeries{Value: name, counts: counts{Counts: make([]uint64, grid.buckets)}}
		for bucket, n := range values[name].buckets {
			series.add(bucket, n)
			other.take(bucket, n)
		}
		a.Series = append(a.Series, series)
	}
	if other.Count > 0 {
		a.Other = other
	}
}

// labelOf is the label that a field's name means in a query: level and service have other names there.
func labelOf(field string) string {
	switch field {
	case "level":
		return "detected_level"
	case "service":
		return "service_name"
	}
	return logplan.LabelName(field)
}

func labelValue(entry *logplan.Entry, label string) string {
	i, ok := slices.BinarySearchFunc(entry.Labels, label, func(l pipeline.Label, name string) int { return strings.Compare(l.Name, name) })
	if !ok {
		return ""
	}
	return entry.Labels[i].Value
}
