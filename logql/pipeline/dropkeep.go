package pipeline

import "github.com/instantdevlogs/devlogs/logql"

// ref names a label, and perhaps the values of it that are meant.
type ref struct {
	name    string
	matcher *Matcher
}

func newRefs(refs []logql.LabelRef) []ref {
	compiled := make([]ref, len(refs))
	for i, r := range refs {
		compiled[i] = ref{name: r.Name}
		if r.Matcher != nil {
			m := NewMatcher(*r.Matcher)
			compiled[i].matcher = &m
		}
	}
	return compiled
}

func (r ref) means(value string) bool { return r.matcher == nil || r.matcher.Matches(value) }

// drop removes labels.
type drop struct{ refs []ref }

func (d *drop) process(e *Entry) bool {
	for _, r := range d.refs {
		if value, ok := e.Labels.Get(r.name); ok && r.means(value) {
			e.Labels.Delete(r.name)
		}
	}
	return true
}

// keep removes all labels but some. Those of errors stay: only drop removes them.
type keep struct{ refs []ref }

func (k *keep) process(e *Entry) bool {
	kept := e.Labels.list[:0]
	for _, l := range e.Labels.list {
		if k.keeps(l) {
			kept = append(kept, l)
		}
	}
	e.Labels.list = kept
	return true
}

func (k *keep) keeps(l Label) bool {
	for _, r := range k.refs {
		if r.name == l.Name && r.means(l.Value) {
			return true
		}
	}
	return false
}
