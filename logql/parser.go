package logql

import (
	"regexp"
	"strings"
)

// What a query may be at most. Queries come from the network: without limits a few kilobytes of brackets or a generated
// megabyte would cost more than they could mean.
const (
	MaxLength    = 128 << 10 // bytes of text
	maxDepth     = 100       // levels of nesting
	maxOperators = 1000      // stages, predicates and operators
)

// Parse reads a query. The error is always an *Error.
func Parse(query string) (Expr, error) {
	p, err := newParser(query)
	if err != nil {
		return nil, err
	}
	var expr Expr
	if p.startsLog() {
		expr, err = p.logQuery()
	} else {
		expr, err = p.sampleExpr(0)
	}
	if err != nil {
		return nil, err
	}
	return expr, p.end()
}

// ParseLog reads a query that must be a log query.
func ParseLog(query string) (*LogQuery, error) {
	expr, err := Parse(query)
	if err != nil {
		return nil, err
	}
	log, ok := expr.(*LogQuery)
	if !ok {
		return nil, Errorf("expected a log query such as {service_name=\"api\"} |= \"error\", found a metric query")
	}
	return log, nil
}

// ParseMetric reads a query that must be a metric query.
func ParseMetric(query string) (SampleExpr, error) {
	expr, err := Parse(query)
	if err != nil {
		return nil, err
	}
	sample, ok := expr.(SampleExpr)
	if !ok {
		return nil, Errorf("expected a metric query such as count_over_time({service_name=\"api\"}[5m]), found a log query")
	}
	return sample, nil
}

// ParseSelector reads a selector that stands alone, as the endpoints for labels and series take it.
func ParseSelector(query string) (Selector, error) {
	log, err := ParseLog(query)
	if err != nil {
		return nil, err
	}
	if len(log.Stages) > 0 {
		return nil, Errorf("only label matchers are supported: expected a selector such as {service_name=\"api\"} and nothing behind it")
	}
	return log.Selector, nil
}

type parser struct {
	query     string
	tokens    []token
	next      int
	depth     int
	operators int
}

func newParser(query string) (*parser, error) {
	if len(query) > MaxLength {
		return nil, Errorf("the query has %d bytes: at most %d are read", len(query), MaxLength)
	}
	tokens, err := lex(query)
	if err != nil {
		return nil, err
	}
	return &parser{query: query, tokens: tokens}, nil
}

// peek is the token to be read next.
func (p *parser) peek() token { return p.tokens[p.next] }

// peekAt looks n tokens ahead.
func (p *parser) peekAt(n int) token { return p.tokens[min(p.next+n, len(p.tokens)-1)] }

// take reads one token; the end of the query can be taken any number of times.
func (p *parser) take() token {
	t := p.tokens[p.next]
	if t.kind != tokEOF {
		p.next++
	}
	return t
}

// accept takes the operator if it comes next.
func (p *parser) accept(op string) bool {
	if p.peek().is(op) {
		p.next++
		return true
	}
	return false
}

// acceptWord takes the word if it comes next.
func (p *parser) acceptWord(word string) bool {
	if p.peek().word(word) {
		p.next++
		return true
	}
	return false
}

// expect takes the operator or fails; where says what is being read.
func (p *parser) expect(op, where string) error {
	if !p.accept(op) {
		return p.unexpected("%q %s", op, where)
	}
	return nil
}

func (p *parser) expectString(where string) (string, error) {
	if p.peek().kind != tokString {
		return "", p.unexpected("a string in quotes %s", where)
	}
	return p.take().text, nil
}

// expectName reads a label name. Dots in it become underscores, as they do in the names that queries see.
func (p *parser) expectName(where string) (string, error) {
	if p.peek().kind != tokName {
		return "", p.unexpected("a label name %s", where)
	}
	return strings.ReplaceAll(p.take().text, ".", "_"), nil
}

// unexpected complains about the next token.
func (p *parser) unexpected(expected string, args ...any) error {
	t := p.peek()
	return errorAt(p.query, t.pos, "syntax error: unexpected "+escapePercent(t.String())+", expected "+expected, args...)
}

// fail complains about a token that has been read.
func (p *parser) fail(t token, format string, args ...any) error {
	return errorAt(p.query, t.pos, format, args...)
}

func (p *parser) end() error {
	if p.peek().kind != tokEOF {
		return p.unexpected("the end of the query")
	}
	return nil
}

// deeper counts a level of nesting; whoever leaves the level takes it off p.depth.
func (p *parser) deeper() error {
	if p.depth++; p.depth > maxDepth {
		return p.fail(p.peek(), "the query nests too deep: at most %d levels", maxDepth)
	}
	return nil
}

// count counts an operator, predicate or stage.
func (p *parser) count() error {
	if p.operators++; p.operators > maxOperators {
		return p.fail(p.peek(), "the query is too long: at most %d stages and operators", maxOperators)
	}
	return nil
}

// startsLog tells whether what comes is a log query: a selector, behind any number of brackets.
func (p *parser) startsLog() bool {
	for n := 0; ; n++ {
		switch t := p.peekAt(n); {
		case t.is("{"):
			return true
		case !t.is("("):
			return false
		}
	}
}

func (p *parser) regexp(t token, source string) error {
	if _, err := regexp.Compile(source); err != nil {
		return p.fail(t, "%s: expected a regular expression in RE2 syntax", strings.TrimPrefix(err.Error(), "regexp: "))
	}
	return nil
}

func escapePercent(s string) string { return strings.ReplaceAll(s, "%", "%%") }
