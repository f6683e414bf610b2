package engine

import (
	"regexp"
	"slices"
	"strings"

	"github.com/instantdevlogs/devlogs/logql"
)

// replacement sets a label from another.
type replacement struct {
	expr  *logql.LabelReplace
	re    *regexp.Regexp
	inner node
	table *table
	made  map[*Metric]*Metric
	out   []point
}

func newReplacement(e *logql.LabelReplace, inner node) node {
	return &replacement{
		expr: e, re: regexp.MustCompile("^(?:" + e.Regexp + ")$"), inner: inner, table: newTable(), made: map[*Metric]*Metric{},
	}
}

func (n *replacement) step(i int) ([]point, error) {
	in, err := n.inner.step(i)
	if err != nil {
		return nil, err
	}
	if len(n.made) > maxCached {
		clear(n.made)
		n.table = newTable()
	}
	n.out = n.out[:0]
	seen := make(map[*Metric]bool, len(in))
	for _, p := range in {
		m := n.metric(p.metric)
		if seen[m] {
			return nil, queryErrorf("label_replace makes two series of the same labels: %s", m)
		}
		seen[m] = true
		n.out = append(n.out, point{m, p.value})
	}
	return n.out, nil
}

func (n *replacement) metric(m *Metric) *Metric {
	if made, ok := n.made[m]; ok {
		return made
	}
	made := n.table.of(n.labels(m))
	n.made[m] = made
	return made
}

func (n *replacement) labels(m *Metric) []Label {
	source := m.Get(n.expr.Source)
	match := n.re.FindStringSubmatchIndex(source)
	if match == nil {
		return m.Labels
	}
	value := string(n.re.ExpandString(nil, n.expr.Replacement, source, match))
	labels := slices.Clone(m.Labels)
	at, there := slices.BinarySearchFunc(labels, n.expr.Destination, compareName)
	switch {
	case there && value == "":
		return slices.Delete(labels, at, at+1)
	case there:
		labels[at].Value = value
	case value != "":
		labels = slices.Insert(labels, at, Label{n.expr.Destination, value})
	}
	return labels
}

func compareName(l Label, name string) int { return strings.Compare(l.Name, name) }
