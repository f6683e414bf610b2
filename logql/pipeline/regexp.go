package pipeline

import (
	"regexp"
	"regexp/syntax"
	"strings"

	"github.com/instantdevlogs/devlogs/logql"
)

// LineRegexp is the RE2 expression that a line filter runs for what the query says: in lines "." matches a new line too.
func LineRegexp(expression string) string { return "(?s)" + expression }

// LabelRegexp is the RE2 expression that a matcher runs for what the query says: it has to match the whole value.
func LabelRegexp(expression string) string { return "^(?:" + expression + ")$" }

// lineRegexp looks for a match of an expression.
type lineRegexp struct {
	re *regexp.Regexp
	// must is a text that every match contains: searching it first is many times faster than matching.
	must string
}

func (r lineRegexp) find(line string) bool {
	return (r.must == "" || strings.Contains(line, r.must)) && r.re.MatchString(line)
}

// anyOf finds one of several texts.
type anyOf []string

func (a anyOf) find(line string) bool {
	for _, s := range a {
		if strings.Contains(line, s) {
			return true
		}
	}
	return false
}

// folded finds a text whatever its case. It is for ASCII text without k and s: those letters have relatives outside ASCII.
type folded string

func (f folded) find(line string) bool {
	n := len(f)
	if n == 0 {
		return true
	}
	lower, upper := f[0], f[0]
	if 'a' <= lower && lower <= 'z' {
		upper = lower - 'a' + 'A'
	}
	for i := 0; i+n <= len(line); i++ {
		if c := line[i]; (c == lower || c == upper) && strings.EqualFold(line[i:i+n], string(f)) {
			return true
		}
	}
	return false
}

func newLineRegexp(expression string) finder {
	expression = LineRegexp(expression)
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return lineRegexp{re: regexp.MustCompile(expression)}
	}
	parsed = parsed.Simplify()
	if texts, ok := literals(parsed); ok {
		return anyOf(texts)
	}
	if text, ok := foldedLiteral(parsed); ok {
		return folded(text)
	}
	return lineRegexp{re: regexp.MustCompile(expression), must: mustHave(parsed)}
}

// literals tells whether the expression is a choice of a few plain texts.
func literals(re *syntax.Regexp) ([]string, bool) {
	switch re.Op {
	case syntax.OpCapture:
		return literals(re.Sub[0])
	case syntax.OpLiteral:
		return []string{string(re.Rune)}, re.Flags&syntax.FoldCase == 0
	case syntax.OpAlternate:
		var all []string
		for _, sub := range re.Sub {
			texts, ok := literals(sub)
			if !ok || len(all) > 8 {
				return nil, false
			}
			all = append(all, texts...)
		}
		return all, true
	}
	return nil, false
}

func foldedLiteral(re *syntax.Regexp) (string, bool) {
	if re.Op != syntax.OpLiteral || re.Flags&syntax.FoldCase == 0 {
		return "", false
	}
	text := strings.ToLower(string(re.Rune))
	for i := range len(text) {
		if text[i] >= 0x80 || text[i] == 'k' || text[i] == 's' {
			return "", false
		}
	}
	return text, true
}

// mustHave finds the longest text that is part of every match.
func mustHave(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase == 0 {
			return string(re.Rune)
		}
	case syntax.OpCapture, syntax.OpPlus:
		return mustHave(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return mustHave(re.Sub[0])
		}
	case syntax.OpConcat:
		longest := ""
		for _, sub := range re.Sub {
			if text := mustHave(sub); len(text) > len(longest) {
				longest = text
			}
		}
		return longest
	}
	return ""
}

// regexpParser extracts the named groups of an expression.
type regexpParser struct {
	re     *regexp.Regexp
	groups []labelName // by group; the zero name for groups without
}

func newRegexp(r *logql.Regexp) *regexpParser {
	re := regexp.MustCompile(r.Expression)
	p := &regexpParser{re: re, groups: make([]labelName, re.NumSubexp()+1)}
	for i, name := range re.SubexpNames() {
		if name != "" {
			p.groups[i] = newLabelName(sanitize(name))
		}
	}
	return p
}

func (p *regexpParser) process(e *Entry) bool {
	match := p.re.FindStringSubmatchIndex(e.Line)
	if match == nil {
		return true
	}
	for i, name := range p.groups {
		if start := match[2*i]; start >= 0 && name.plain != "" {
			e.Labels.extract(name, e.Line[start:match[2*i+1]])
		}
	}
	return true
}
