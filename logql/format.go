package logql

import (
	"strings"
	"text/template/parse"
)

// LineFormat replaces the line by what a template makes.
type LineFormat struct{ Template string }

// LabelFormat renames labels and sets labels from templates, in order.
type LabelFormat struct{ Labels []LabelAssignment }

// LabelAssignment sets the label Name.
type LabelAssignment struct {
	Name     string
	From     string // rename this label; "" for a template
	Template string
}

// Decolorize removes ANSI colour sequences from the line.
type Decolorize struct{}

// Drop removes labels.
type Drop struct{ Labels []LabelRef }

// Keep removes all labels but these.
type Keep struct{ Labels []LabelRef }

// LabelRef names a label, and with a Matcher only where its value matches.
type LabelRef struct {
	Name    string
	Matcher *Matcher
}

func (f *LineFormat) String() string { return "| line_format " + quote(f.Template) }
func (*Decolorize) String() string   { return "| decolorize" }
func (d *Drop) String() string       { return "| drop " + joinRefs(d.Labels) }
func (k *Keep) String() string       { return "| keep " + joinRefs(k.Labels) }

func (f *LabelFormat) String() string {
	parts := make([]string, len(f.Labels))
	for i, l := range f.Labels {
		if l.From != "" {
			parts[i] = l.Name + "=" + l.From
		} else {
			parts[i] = l.Name + "=" + quote(l.Template)
		}
	}
	return "| label_format " + strings.Join(parts, ", ")
}

func joinRefs(refs []LabelRef) string {
	parts := make([]string, len(refs))
	for i, r := range refs {
		parts[i] = r.Name
		if r.Matcher != nil {
			parts[i] = r.Matcher.String()
		}
	}
	return strings.Join(parts, ", ")
}

func (p *parser) lineFormat() (Stage, error) {
	p.take()
	text, err := p.template("behind line_format")
	return &LineFormat{Template: text}, err
}

// template reads a template and checks its form; which functions there are is for the pipeline to say.
func (p *parser) template(where string) (string, error) {
	t := p.peek()
	text, err := p.expectString(where)
	if err != nil {
		return "", err
	}
	tree := parse.New("template")
	tree.Mode = parse.SkipFuncCheck
	if _, err := tree.Parse(text, "", "", map[string]*parse.Tree{}); err != nil {
		return "", p.fail(t, "invalid template: %s", strings.TrimPrefix(err.Error(), "template: "))
	}
	return text, nil
}

func (p *parser) labelFormat() (Stage, error) {
	p.take()
	f := &LabelFormat{}
	seen := map[string]bool{}
	for {
		if err := p.count(); err != nil {
			return nil, err
		}
		t := p.peek()
		name, err := p.expectName("to set behind label_format")
		if err != nil {
			return nil, err
		}
		if seen[name] {
			return nil, p.fail(t, "the label %s is set twice: use a second label_format", name)
		}
		if name == "__error__" || name == "__error_details__" {
			return nil, p.fail(t, "%s can't be set by a query", name)
		}
		seen[name] = true
		if err := p.expect("=", "behind the label "+name); err != nil {
			return nil, err
		}
		label := LabelAssignment{Name: name}
		if t := p.peek(); t.kind == tokName {
			label.From, err = p.expectName("")
			if err == nil && (label.From == "__error__" || label.From == "__error_details__") {
				err = p.fail(t, "%s can't be renamed", label.From)
			}
		} else {
			label.Template, err = p.template("or a label name for the label " + name)
		}
		if err != nil {
			return nil, err
		}
		f.Labels = append(f.Labels, label)
		if !p.accept(",") {
			return f, nil
		}
	}
}

func (p *parser) labelRefs(stage string) ([]LabelRef, error) {
	var refs []LabelRef
	for {
		var ref LabelRef
		var err error
		if _, ok := matchOp(p.peekAt(1)); ok && p.peek().kind == tokName {
			var m Matcher
			m, err = p.matcher("behind " + stage)
			ref = LabelRef{Name: m.Name, Matcher: &m}
		} else {
			ref.Name, err = p.expectName("behind " + stage)
			if err == nil {
				err = p.count()
			}
		}
		if err != nil {
			return nil, err
		}
		refs = append(refs, ref)
		if !p.accept(",") {
			return refs, nil
		}
	}
}
