package logplan

import (
	"fmt"
	"slices"

	"github.com/instantdevlogs/devlogs/logql"
	"github.com/instantdevlogs/devlogs/logql/engine"
	"github.com/instantdevlogs/devlogs/logql/pipeline"
)

// meant are labels that people ask for by names they have elsewhere.
var meant = map[string]string{
	"level": nameDetectedLevel, "severity": nameDetectedLevel, "service": "service_name",
}

// warn notes which of these names a query filters by, though nothing that is stored has them and nothing before the filter
// makes labels. Such a query is right, and finds nothing. Groupings are no filters: Grafana groups by level and
// detected_level at once.
func (p *Planner) warn(c *catalogue, q *logql.LogQuery) {
	check := func(label string) {
		instead, known := meant[label]
		if !known || !c.lacks(label) {
			return
		}
		text := fmt.Sprintf("no record has the label %s: did you mean %s?", label, instead)
		if instead == nameDetectedLevel {
			text += " It is trace, debug, info, warn, error, fatal or unknown."
		}
		if !slices.Contains(p.warnings, text) {
			p.warnings = append(p.warnings, text)
		}
	}
	for _, m := range q.Selector {
		check(m.Name)
	}
	for _, stage := range q.Stages {
		switch stage := stage.(type) {
		case *logql.LineFilter, *logql.LineFormat, *logql.Decolorize, *logql.Drop, *logql.Keep:
		case *logql.LabelFilter:
			for _, label := range pipeline.PredicateLabels(stage.Predicate) {
				check(label)
			}
		default:
			return // it makes labels
		}
	}
}

func (p *Planner) warnMetric(c *catalogue, leaves []*engine.Leaf) {
	for _, leaf := range leaves {
		p.warn(c, leaf.Aggregation.Range.Log)
	}
}

// lacks tells whether nothing in the catalogue has the label.
func (c *catalogue) lacks(label string) bool {
	n := c.resolve(label)
	return n.known && !n.level && len(n.values) == 0 && n.column == nil && n.attribute == nil
}

// Warnings say what is odd about the queries that were planned, for people; most have none.
func (p *Planner) Warnings() []string { return p.warnings }
