package pipeline

import (
	"maps"
	"slices"
	"text/template/parse"

	"github.com/instantdevlogs/devlogs/logql"
)

// wanted are the labels that something behind a parser reads; nil stands for all.
type wanted struct{ names map[string]struct{} }

func (w *wanted) has(name string) bool {
	if w == nil {
		return true
	}
	_, ok := w.names[name]
	return ok
}

// wantsAny tells whether a parsed label of this name is of use, under it or with its suffix.
func (w *wanted) wantsAny(n labelName) bool { return w == nil || w.has(n.plain) || w.has(n.suffixed) }

// Needs lists the labels that have to be there in front of the stages (and the unwrap) for the caller to read need behind
// them. nil means all.
func Needs(stages []logql.Stage, unwrap *logql.Unwrap, need []string) []string {
	if need == nil {
		return nil
	}
	set, known := map[string]struct{}{}, true
	walkNeeds(stages, unwrap, need, func(i int, needed map[string]struct{}, all bool) {
		set, known = needed, !all
	})
	if !known {
		return nil
	}
	names := make([]string, 0, len(set))
	for n := range set {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// wantsBehind works out, for each stage, which labels are read behind it.
func wantsBehind(stages []logql.Stage, unwrap *logql.Unwrap, need []string) []*wanted {
	wants := make([]*wanted, len(stages))
	if need == nil {
		return wants
	}
	walkNeeds(stages, unwrap, need, func(i int, needed map[string]struct{}, all bool) {
		if i > 0 && !all {
			wants[i-1] = &wanted{maps.Clone(needed)}
		}
	})
	return wants
}

// walkNeeds goes through the stages from the last to the first and visits, for each, the labels that are read by it and
// behind it; first, with the number of stages, those that are read behind all.
func walkNeeds(stages []logql.Stage, unwrap *logql.Unwrap, need []string, visit func(i int, needed map[string]struct{}, all bool)) {
	set := map[string]struct{}{}
	add := func(names ...string) {
		for _, n := range names {
			set[n] = struct{}{}
		}
	}
	add(need...)
	if unwrap != nil {
		add(unwrap.Label)
		for _, f := range unwrap.Filters {
			add(PredicateLabels(f.Predicate)...)
		}
	}
	visit(len(stages), set, false)
	all := false
	for i := len(stages) - 1; i >= 0; i-- {
		names, known := stageLabels(stages[i])
		all = all || !known
		add(names...)
		visit(i, set, all)
	}
}

// stageLabels lists the labels that a stage reads; known is false when it may read any.
func stageLabels(s logql.Stage) (names []string, known bool) {
	switch s := s.(type) {
	case *logql.LabelFilter:
		return PredicateLabels(s.Predicate), true
	case *logql.LineFormat:
		return templateLabels(s.Template)
	case *logql.LabelFormat:
		for _, l := range s.Labels {
			if l.From != "" {
				names = append(names, l.From)
				continue
			}
			read, known := templateLabels(l.Template)
			if !known {
				return nil, false
			}
			names = append(names, read...)
		}
		return names, true
	case *logql.Drop:
		return refLabels(s.Labels), true
	case *logql.Keep:
		return refLabels(s.Labels), true
	default:
		return nil, true
	}
}

func refLabels(refs []logql.LabelRef) []string {
	names := make([]string, len(refs))
	for i, r := range refs {
		names[i] = r.Name
	}
	return names
}

// PredicateLabels lists the labels that a predicate reads.
func PredicateLabels(p logql.Predicate) []string {
	switch p := p.(type) {
	case *logql.AndPredicate:
		return append(PredicateLabels(p.Left), PredicateLabels(p.Right)...)
	case *logql.OrPredicate:
		return append(PredicateLabels(p.Left), PredicateLabels(p.Right)...)
	case *logql.MatchPredicate:
		return []string{p.Name}
	case *logql.NumberPredicate:
		return []string{p.Name}
	case *logql.DurationPredicate:
		return []string{p.Name}
	case *logql.BytesPredicate:
		return []string{p.Name}
	case *logql.IPPredicate:
		return []string{p.Name}
	}
	return nil
}

// templateLabels lists the labels that a template reads, if it is one of text and plain fields only.
func templateLabels(text string) (names []string, known bool) {
	root, err := parseTemplate(text)
	if err != nil {
		return nil, false
	}
	for _, node := range root.Nodes {
		switch n := node.(type) {
		case *parse.TextNode, *parse.CommentNode:
		case *parse.ActionNode:
			name, ok := plainField(n)
			if !ok {
				return nil, false
			}
			if name != lineFunc {
				names = append(names, name)
			}
		default:
			return nil, false
		}
	}
	return names, true
}
