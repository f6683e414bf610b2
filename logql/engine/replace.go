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

// maxReplaced is the longest value that label_replace makes, in bytes: one in another could double it again and again.
const maxReplaced = 64 << 10

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
		m, err := n.metric(p.metric)
		if err != nil {
			return nil, err
		}
		if seen[m] {
			return nil, queryErrorf("label_replace makes two series of the same labels: %s", m)
		}
		seen[m] = true
		n.out = append(n.out, point{m, p.value})
	}
	return n.out, nil
}

func (n *replacement) metric(m *Metric) (*Metric, error) {
	if made, ok := n.made[m]; ok {
		return made, nil
	}
	labels, err := n.labels(m)
	if err != nil {
		return nil, err
	}
	made := n.table.of(labels)
	n.made[m] = made
	return made, nil
}

func (n *replacement) labels(m *Metric) ([]Label, error) {
	source := m.Get(n.expr.Source)
	match := n.re.FindStringSubmatchIndex(source)
	if match == nil {
		return m.Labels, nil
	}
	// Each "$" of the replacement stands for the source at most.
	if most := len(n.expr.Replacement) + strings.Count(n.expr.Replacement, "$")*len(source); most > maxReplaced {
		return nil, queryErrorf("label_replace may make a value of more than %d bytes", maxReplaced)
	}
	value := string(n.re.ExpandString(nil, n.expr.Replacement, source, match))
	labels := slices.Clone(m.Labels)
	at, there := slices.BinarySearchFunc(labels, n.expr.Destination, compareName)
	switch {
	case there && value == "":
		return slices.Delete(labels, at, at+1), nil
	case there:
		labels[at].Value = value
	case value != "":
		labels = slices.Insert(labels, at, Label{n.expr.Destination, value})
	}
	return labels, nil
}

func compareName(l Label, name string) int { return strings.Compare(l.Name, name) }
