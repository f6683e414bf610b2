package logplan

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/instantdevlogs/devlogs/logql/engine"
	"github.com/instantdevlogs/devlogs/storage"
)

// Explain tells what a plan asks the store for and what it does itself.
type Explain struct {
	Query string `json:"query"`
	Parts []Part `json:"parts"`
}

// Part is one question to the store.
type Part struct {
	Query  string   `json:"query"`
	Store  string   `json:"store"`           // "search", "aggregate" or "nothing"
	Pushed []string `json:"pushed"`          // parts of the query that the store answers
	Where  string   `json:"where,omitempty"` // the condition that the store gets
	By     []string `json:"by,omitempty"`    // the fields that the store groups by
	Step   string   `json:"step,omitempty"`  // the width of the store's buckets of time
	Rest   []string `json:"rest"`            // stages and functions that run here
	Why    string   `json:"why,omitempty"`   // why the store does not count
}

// Explain tells what the plan does.
func (l *LogPlan) Explain() Explain {
	part := Part{Query: l.request.Query.String(), Store: "search", Pushed: noNil(l.split.pushed), Where: exprText(whereOf(l.split.where)), Rest: []string{}}
	for _, s := range l.split.rest() {
		part.Rest = append(part.Rest, s.String())
	}
	return Explain{Query: l.request.Query.String(), Parts: []Part{part}}
}

// Explain tells what the plan does.
func (m *MetricPlan) Explain() Explain {
	x := Explain{Query: m.expr.String(), Parts: []Part{}}
	for _, leaf := range engine.Leaves(m.expr, m.grid) {
		x.Parts = append(x.Parts, m.explainLeaf(leaf))
	}
	return x
}

func (m *MetricPlan) explainLeaf(leaf *engine.Leaf) Part {
	part := Part{Query: leaf.Aggregation.String(), Store: "nothing", Pushed: []string{}, Rest: []string{}}
	if m.conditions.catalogue == nil {
		return part // no step, so no window
	}
	split := m.planner.split(m.conditions.catalogue, leaf.Aggregation.Range.Log)
	part.Pushed = noNil(split.pushed)
	counted, why := m.conditions.countable(leaf, split)
	if why != "" {
		part.Store, part.Why, part.Where = "search", why, exprText(whereOf(split.where))
		for _, s := range split.rest() {
			part.Rest = append(part.Rest, s.String())
		}
		if u := leaf.Aggregation.Range.Unwrap; u != nil {
			part.Rest = append(part.Rest, u.String())
		}
		part.Rest = append(part.Rest, leaf.Aggregation.Op.String())
		return part
	}
	part.Store, part.Where = "aggregate", exprText(whereOf(counted.where))
	if leaf.Grouping != nil && len(leaf.Grouping.Labels) > 0 {
		part.Pushed = append(part.Pushed, leaf.Grouping.String())
	}
	part.Pushed = append(part.Pushed, leaf.Aggregation.Op.String())
	for _, ref := range counted.by {
		part.By = append(part.By, refText(ref))
	}
	if leaf.Grid.Steps() > 1 {
		part.Step = leaf.Bucket().String()
	}
	return part
}

func noNil(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

var fieldNames = [...]string{
	storage.FieldBody: "body", storage.FieldSeverity: "severity", storage.FieldSeverityText: "severity_text", storage.FieldStream: "stream",
	storage.FieldTraceID: "trace_id", storage.FieldSpanID: "span_id", storage.FieldEventName: "event_name", storage.FieldFlags: "flags",
	storage.FieldObserved: "observed",
}

func refText(ref storage.FieldRef) string {
	if ref.Kind == storage.FieldAttribute {
		return "attributes" + ref.Pointer()
	}
	return fieldNames[ref.Kind]
}

// exprText writes a condition for people.
func exprText(e storage.Expr) string {
	switch e := e.(type) {
	case storage.And:
		return joinExprs(e, " and ", "true")
	case storage.Or:
		return joinExprs(e, " or ", "false")
	case storage.Not:
		return "not (" + exprText(e.X) + ")"
	case storage.InStreams:
		if len(e.IDs) == 1 {
			return "stream is " + strconv.FormatUint(e.IDs[0], 10)
		}
		return fmt.Sprintf("stream is one of %d", len(e.IDs))
	case storage.Text:
		op := [...]string{storage.TextEqual: "is", storage.TextContains: "contains", storage.TextMatch: "matches"}[e.Op]
		if e.Fold {
			op += " (any case)"
		}
		return refText(e.Field) + " " + op + " " + strconv.Quote(e.Value)
	case storage.Number:
		op := [...]string{"=", "<", "<=", ">", ">="}[e.Op]
		return fmt.Sprintf("%s %s %g", refText(e.Field), op, e.Value)
	case storage.Has:
		return "has " + refText(e.Field)
	}
	return ""
}

func joinExprs(list []storage.Expr, with, empty string) string {
	if len(list) == 0 {
		return empty
	}
	parts := make([]string, len(list))
	for i, e := range list {
		parts[i] = exprText(e)
		switch e.(type) {
		case storage.And, storage.Or:
			parts[i] = "(" + parts[i] + ")"
		}
	}
	return strings.Join(parts, with)
}
