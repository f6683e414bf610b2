package engine

import (
	"slices"
	"strings"

	"github.com/instantdevlogs/devlogs/logql"
	"github.com/instantdevlogs/devlogs/logql/pipeline"
)

// Label is a name and a value of a series.
type Label struct{ Name, Value string }

// Metric is the labels of a series, ordered by name and without empty values. It is not changed once made.
type Metric struct {
	Labels []Label
	key    string
}

var emptyMetric = &Metric{}

// Get returns a label's value, "" when the series lacks it.
func (m *Metric) Get(name string) string {
	i, ok := slices.BinarySearchFunc(m.Labels, name, func(l Label, name string) int { return strings.Compare(l.Name, name) })
	if !ok {
		return ""
	}
	return m.Labels[i].Value
}

// Map gives the labels as Prometheus' JSON has them.
func (m *Metric) Map() map[string]string {
	all := make(map[string]string, len(m.Labels))
	for _, l := range m.Labels {
		all[l.Name] = l.Value
	}
	return all
}

// String gives the labels as {a="b", c="d"}.
func (m *Metric) String() string {
	s := make(logql.Selector, len(m.Labels))
	for i, l := range m.Labels {
		s[i] = logql.Matcher{Name: l.Name, Value: l.Value}
	}
	return s.String()
}

// Compare orders metrics by their labels.
func (m *Metric) Compare(o *Metric) int { return strings.Compare(m.key, o.key) }

// weight is for how many series one counts where series are held: a template can make labels of a megabyte.
func (m *Metric) weight() int { return 1 + len(m.key)>>10 }

// maxCached bounds what nodes remember of series from step to step.
const maxCached = 200_000

// table keeps one Metric for each set of labels.
type table struct {
	metrics map[string]*Metric
	scratch []byte
}

func newTable() *table { return &table{metrics: map[string]*Metric{"": emptyMetric}} }

// of returns the Metric of labels, which must be ordered by name and without empty values. They are copied when new.
func (t *table) of(labels []Label) *Metric {
	t.scratch = t.scratch[:0]
	for _, l := range labels {
		t.scratch = append(append(append(append(t.scratch, l.Name...), 0xff), l.Value...), 0xff)
	}
	if m, ok := t.metrics[string(t.scratch)]; ok {
		return m
	}
	m := &Metric{Labels: make([]Label, len(labels)), key: string(t.scratch)}
	rest := m.key // names and values are parts of the key: one piece of memory for a series
	cut := func(n int) string {
		s := rest[:n]
		rest = rest[n+1:]
		return s
	}
	for i, l := range labels {
		m.Labels[i] = Label{cut(len(l.Name)), cut(len(l.Value))}
	}
	t.metrics[m.key] = m
	return m
}

// bound empties a table that remembers too much. Call it between steps only.
func (t *table) bound() {
	if len(t.metrics) > maxCached {
		*t = *newTable()
	}
}

func (t *table) forget(m *Metric) { delete(t.metrics, m.key) }

// grouper keeps the labels that a grouping keeps.
type grouper struct {
	all     bool
	without bool
	names   []string // sorted
}

func newGrouper(g *logql.Grouping) grouper {
	if g == nil {
		return grouper{all: true}
	}
	names := slices.Clone(g.Labels)
	slices.Sort(names)
	return grouper{without: g.Without, names: slices.Compact(names)}
}

func (g grouper) keeps(name string) bool {
	if g.all {
		return true
	}
	_, listed := slices.BinarySearch(g.names, name)
	return listed != g.without
}

// group appends the kept labels of a metric to dst.
func (g grouper) group(dst []Label, m *Metric) []Label {
	for _, l := range m.Labels {
		if g.keeps(l.Name) {
			dst = append(dst, l)
		}
	}
	return dst
}

// entry appends the kept labels of an entry to dst, ordered by name. Labels without a value are none.
func (g grouper) entry(dst []Label, labels []pipeline.Label) []Label {
	if !g.all && !g.without {
		for _, name := range g.names {
			for i := range labels {
				if labels[i].Name == name && labels[i].Value != "" {
					dst = append(dst, Label{name, labels[i].Value})
					break
				}
			}
		}
		return dst
	}
	for i := range labels {
		if labels[i].Value != "" && g.keeps(labels[i].Name) {
			dst = append(dst, Label{labels[i].Name, labels[i].Value})
		}
	}
	slices.SortFunc(dst, func(a, b Label) int { return strings.Compare(a.Name, b.Name) })
	return dst
}
