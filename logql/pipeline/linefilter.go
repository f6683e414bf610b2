package pipeline

import (
	"net/netip"
	"strings"

	"github.com/instantdevlogs/devlogs/logql"
)

// lineFilter keeps lines on which one of the finders finds something; negated, lines on which none does.
type lineFilter struct {
	negated bool
	finders []finder
}

// finder tells whether something is on a line.
type finder interface {
	find(line string) bool
}

func (f *lineFilter) process(e *Entry) bool {
	for _, finder := range f.finders {
		if finder.find(e.Line) {
			return !f.negated
		}
	}
	return f.negated
}

func newLineFilter(f *logql.LineFilter) *lineFilter {
	compiled := &lineFilter{negated: f.Op.Negated()}
	for _, operand := range f.Operands {
		compiled.finders = append(compiled.finders, newFinder(f.Op, operand))
	}
	return compiled
}

func newFinder(op logql.LineOp, operand logql.LineOperand) finder {
	switch op {
	case logql.LineMatches, logql.LineNotMatches:
		return newLineRegexp(operand.Text)
	case logql.LinePattern, logql.LineNotPattern:
		parts, _ := logql.ParseLinePattern(operand.Text)
		return patternFinder(parts)
	}
	if operand.IP {
		first, last, _ := logql.ParseIP(operand.Text)
		return ipFinder{first, last}
	}
	return substring(operand.Text)
}

type substring string

func (s substring) find(line string) bool { return strings.Contains(line, string(s)) }

// patternFinder matches a whole line against literals with wildcards between them.
type patternFinder []logql.PatternPart

func (p patternFinder) find(line string) bool {
	if len(p) == 0 {
		return line == ""
	}
	rest := line
	for i, part := range p {
		if part.Literal == "" {
			continue
		}
		switch {
		case i == 0:
			if !strings.HasPrefix(rest, part.Literal) {
				return false
			}
			rest = rest[len(part.Literal):]
		case i == len(p)-1:
			return strings.HasSuffix(rest, part.Literal)
		default:
			at := strings.Index(rest, part.Literal)
			if at < 0 {
				return false
			}
			rest = rest[at+len(part.Literal):]
		}
	}
	return p[len(p)-1].Literal == "" || rest == "" && len(p) == 1
}

// ipFinder finds an address between first and last in a text.
type ipFinder struct{ first, last netip.Addr }

func (f ipFinder) find(text string) bool {
	for i := 0; i < len(text); {
		if !isIPByte(text[i]) {
			i++
			continue
		}
		end := i + 1
		for end < len(text) && isIPByte(text[end]) {
			end++
		}
		if f.inRun(text[i:end]) {
			return true
		}
		i = end
	}
	return false
}

// inRun looks at a run of characters that addresses are made of: it may be one, or one with a port or a full stop behind.
func (f ipFinder) inRun(run string) bool {
	if len(run) < 2 {
		return false
	}
	if f.contains(run) || f.contains(strings.TrimRight(run, ".:")) {
		return true
	}
	if strings.Contains(run, ".") && strings.Contains(run, ":") {
		for part := range strings.SplitSeq(run, ":") {
			if f.contains(strings.Trim(part, ".")) {
				return true
			}
		}
	}
	return false
}

func (f ipFinder) contains(s string) bool {
	if len(s) > len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255") {
		return false
	}
	addr, err := netip.ParseAddr(s)
	return err == nil && addr.Is4() == f.first.Is4() && !addr.Less(f.first) && !f.last.Less(addr)
}

func isIPByte(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f' || c == '.' || c == ':'
}
