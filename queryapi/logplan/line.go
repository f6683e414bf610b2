package logplan

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/instantdevlogs/devlogs/logql"
	"github.com/instantdevlogs/devlogs/logql/pipeline"
	"github.com/instantdevlogs/devlogs/storage"
)

var body = storage.FieldRef{Kind: storage.FieldBody}

// lineFilter is the condition of a line filter. ok is false where a store can't tell; e is then one that holds wherever the
// filter does.
func lineFilter(f *logql.LineFilter) (e storage.Expr, ok bool) {
	parts := make([]storage.Expr, len(f.Operands))
	for i, operand := range f.Operands {
		if operand.IP || !utf8.ValidString(operand.Text) || strings.Contains(operand.Text, "\x00") {
			return always, false
		}
		switch f.Op {
		case logql.LineContains, logql.LineNotContains:
			parts[i] = contains(operand.Text)
		case logql.LineMatches, logql.LineNotMatches:
			parts[i] = matches(operand.Text)
		default:
			parts[i] = follows(operand.Text)
		}
	}
	e = oneOf(parts...)
	if f.Op.Negated() {
		e = not(e)
	}
	return e, true
}

func contains(text string) storage.Expr {
	if text == "" {
		return always
	}
	return storage.Text{Field: body, Op: storage.TextContains, Value: text}
}

// matches is the condition of an expression. One that only lists texts, as is usual, needs no regular expression.
func matches(expression string) storage.Expr {
	if !strings.ContainsAny(expression, `\.+*?()[]{}^$`) {
		var parts []storage.Expr
		for text := range strings.SplitSeq(expression, "|") {
			parts = append(parts, contains(text))
		}
		if len(parts) <= 16 {
			return oneOf(parts...)
		}
	}
	if rest, ok := strings.CutPrefix(expression, "(?i)"); ok && rest != "" && !strings.ContainsAny(rest, `\.+*?()[]{}^$|`) {
		return storage.Text{Field: body, Op: storage.TextContains, Value: rest, Fold: true}
	}
	return storage.Text{Field: body, Op: storage.TextMatch, Value: pipeline.LineRegexp(expression)}
}

// follows is the condition of a line pattern, which is an anchored expression with wildcards.
func follows(pattern string) storage.Expr {
	parts, err := logql.ParseLinePattern(pattern)
	if err != nil {
		return always
	}
	var b strings.Builder
	var longest string
	b.WriteString("^")
	for _, part := range parts {
		if part.Literal == "" {
			b.WriteString(".*")
			continue
		}
		b.WriteString(regexp.QuoteMeta(part.Literal))
		if len(part.Literal) > len(longest) {
			longest = part.Literal
		}
	}
	b.WriteString("$")
	if len(parts) == 3 && parts[0].Literal == "" && parts[2].Literal == "" {
		return contains(longest)
	}
	return allOf(contains(longest), storage.Text{Field: body, Op: storage.TextMatch, Value: pipeline.LineRegexp(b.String())})
}
