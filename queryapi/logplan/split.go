package logplan

import (
	"maps"
	"slices"

	"github.com/instantdevlogs/devlogs/logql"
	"github.com/instantdevlogs/devlogs/logql/pipeline"
	"github.com/instantdevlogs/devlogs/storage"
)

// split is a log query divided between the store and Go.
type split struct {
	where   storage.Expr
	pushed  []string        // what where stands for, as the query says it
	stages  []logql.Stage   // what is left; matchers of the selector that are left come first, as label filters
	dropped map[string]bool // labels that are gone at the end, when no stages are left
}

// splitQuery divides a query. A stage goes to the store when no stage before it changes what it looks at.
func (c conditions) splitQuery(q *logql.LogQuery) *split {
	s := &split{where: always, dropped: map[string]bool{}}
	push := func(e storage.Expr, text string) {
		s.where = allOf(s.where, e)
		s.pushed = append(s.pushed, text)
	}
	for _, m := range q.Selector {
		if e, ok := c.matcher(m); ok {
			push(e, "{"+m.String()+"}")
		} else {
			s.stages = append(s.stages, &logql.LabelFilter{Predicate: &logql.MatchPredicate{Matcher: m}})
		}
	}
	lineKept, labelsKept := true, true
	for _, stage := range q.Stages {
		switch stage := stage.(type) {
		case *logql.LineFilter:
			if lineKept {
				e, ok := lineFilter(stage)
				if ok {
					push(e, stage.String())
					continue
				}
				s.where = allOf(s.where, e)
			}
		case *logql.LabelFilter:
			if labelsKept && !s.readsDropped(stage.Predicate) {
				if e, ok := c.predicate(stage.Predicate); ok {
					push(e, stage.String())
					continue
				}
				if e := c.atLeast(stage.Predicate); !isAlways(e) {
					s.where = allOf(s.where, e)
					s.pushed = append(s.pushed, stage.String()+" (in part)")
				}
			}
		case *logql.Drop:
			if labelsKept && len(s.stages) == 0 && s.drop(stage) {
				continue
			}
			labelsKept = false
		case *logql.LineFormat:
			lineKept = false
		case *logql.Decolorize:
			lineKept = false
		case *logql.Unpack:
			lineKept, labelsKept = false, false
		default:
			labelsKept = false
		}
		s.stages = append(s.stages, stage)
	}
	return s
}

// drop notes the labels that a stage drops for every entry; it is false when that depends on the entry.
func (s *split) drop(stage *logql.Drop) bool {
	for _, ref := range stage.Labels {
		if ref.Matcher != nil {
			return false
		}
	}
	for _, ref := range stage.Labels {
		s.dropped[ref.Name] = true
	}
	return true
}

func (s *split) readsDropped(p logql.Predicate) bool {
	for _, name := range pipeline.PredicateLabels(p) {
		if s.dropped[name] {
			return true
		}
	}
	return false
}

// rest is what is left of the query's stages, with the labels that were dropped on the way dropped first.
func (s *split) rest() []logql.Stage {
	if len(s.dropped) == 0 {
		return s.stages
	}
	drop := &logql.Drop{}
	for _, name := range slices.Sorted(maps.Keys(s.dropped)) {
		drop.Labels = append(drop.Labels, logql.LabelRef{Name: name})
	}
	return append([]logql.Stage{drop}, s.stages...)
}

// query is the storage query for entries with start <= time < end.
func (s *split) query(start, end uint64, direction storage.Direction) storage.Query {
	return storage.Query{Start: timestamp(start), End: timestamp(end), Where: whereOf(s.where), Direction: direction}
}

// whereOf leaves out a condition that is always true.
func whereOf(e storage.Expr) storage.Expr {
	if isAlways(e) {
		return nil
	}
	return e
}
