package logql

import "strings"

// Selector is the part of a query in braces: all its matchers must hold. An empty one selects everything.
type Selector []Matcher

// MatchOp compares a label with a string.
type MatchOp uint8

const (
	MatchEqual MatchOp = iota
	MatchNotEqual
	MatchRegexp // the whole value must match
	MatchNotRegexp
)

var matchOps = [...]string{"=", "!=", "=~", "!~"}

func (o MatchOp) String() string { return matchOps[o] }

// Negated tells whether the operator is one of != and !~.
func (o MatchOp) Negated() bool { return o == MatchNotEqual || o == MatchNotRegexp }

// Matcher compares the value of a label; a label that is absent has the value "".
type Matcher struct {
	Name  string
	Op    MatchOp
	Value string
}

func (m Matcher) String() string { return m.Name + m.Op.String() + quote(m.Value) }

func (s Selector) String() string {
	parts := make([]string, len(s))
	for i, m := range s {
		parts[i] = m.String()
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func (p *parser) selector() (Selector, error) {
	if err := p.expect("{", "to open a selector such as {service_name=\"api\"}"); err != nil {
		return nil, err
	}
	selector := Selector{}
	for !p.accept("}") {
		m, err := p.matcher("in the selector")
		if err != nil {
			return nil, err
		}
		selector = append(selector, m)
		if !p.accept(",") && !p.peek().is("}") {
			return nil, p.unexpected(`"," or "}" in the selector`)
		}
	}
	return selector, nil
}

func (p *parser) matcher(where string) (Matcher, error) {
	if err := p.count(); err != nil {
		return Matcher{}, err
	}
	name, err := p.expectName(where)
	if err != nil {
		return Matcher{}, err
	}
	op, ok := matchOp(p.peek())
	if !ok {
		return Matcher{}, p.unexpected("one of = != =~ !~ behind the label %s", name)
	}
	p.take()
	value := p.peek()
	if value.kind != tokString {
		return Matcher{}, p.unexpected("a string in quotes for the label %s", name)
	}
	p.take()
	if op == MatchRegexp || op == MatchNotRegexp {
		if err := p.regexp(value, value.text); err != nil {
			return Matcher{}, err
		}
	}
	return Matcher{Name: name, Op: op, Value: value.text}, nil
}

func matchOp(t token) (MatchOp, bool) {
	if t.kind == tokOp {
		for op, text := range matchOps {
			if t.text == text {
				return MatchOp(op), true
			}
		}
	}
	return 0, false
}
