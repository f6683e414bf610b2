package logql

import "strings"

// Grouping chooses the labels that series keep.
type Grouping struct {
	Without bool // keep all but Labels
	Labels  []string
}

// String gives "by (a, b)" or "without (a, b)".
func (g *Grouping) String() string {
	if g.Without {
		return "without (" + strings.Join(g.Labels, ", ") + ")"
	}
	return "by (" + strings.Join(g.Labels, ", ") + ")"
}

func (g *Grouping) suffix() string {
	if g == nil {
		return ""
	}
	return " " + g.String()
}

// grouping reads "by (a, b)" or "without (a, b)" if it comes next.
func (p *parser) grouping() (*Grouping, error) {
	if !p.peek().word("by") && !p.peek().word("without") {
		return nil, nil
	}
	t := p.take()
	labels, err := p.names("behind " + t.text)
	return &Grouping{Without: t.text == "without", Labels: labels}, err
}

// names reads "(a, b)"; it may be empty.
func (p *parser) names(where string) ([]string, error) {
	if err := p.expect("(", where); err != nil {
		return nil, err
	}
	names := []string{}
	for !p.accept(")") {
		name, err := p.expectName(where)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
		if !p.accept(",") && !p.peek().is(")") {
			return nil, p.unexpected(`"," or ")" in the list of labels`)
		}
	}
	return names, nil
}
