package postgres

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// pattern is what PostgreSQL can answer of a regular expression of Go's dialect (RE2).
type pattern struct {
	// like is a LIKE pattern that every matching text fits; "" when there is none that would narrow anything.
	like string
	// fold: like is to be compared without regard to the case of ASCII letters (ILIKE in the "C" collation, which takes a
	// third of the time of a regular expression).
	fold bool
	// whole: every text that fits like matches.
	whole bool
	// are is the same expression in PostgreSQL's dialect; "" when it can't be said there.
	are string
}

// maxARE bounds what PostgreSQL is asked to compile.
const maxARE = 4000

// parsePattern reads a regular expression. The two dialects differ in names of classes, in case folding, in what "." and "^"
// mean, and in what a word is; so the parsed expression is written anew from what means the same in both: characters and
// explicit classes of them, sequences, alternatives, repetitions, and assertions spelled out. Which of several matches is
// found does not matter here, only whether there is one, so greediness and captures are dropped. A property test holds the
// two against each other.
func parsePattern(expression string) (pattern, error) {
	re, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return pattern{}, fmt.Errorf("regular expression %q: %w", expression, err)
	}
	re = re.Simplify()
	var p pattern
	p.like, p.fold, p.whole = likeOf(re)
	if p.whole {
		return p, nil
	}
	var b strings.Builder
	if writeARE(&b, re) && b.Len() <= maxARE {
		p.are = b.String()
	}
	return p, nil
}

// foldedPattern is the pattern of texts that contain value, or are it, whatever their case.
func foldedPattern(value string, equal bool) (pattern, error) {
	expression := "(?i:" + quote(value) + ")"
	if equal {
		expression = `\A` + expression + `\z`
	}
	return parsePattern(expression)
}

func quote(value string) string {
	var b strings.Builder
	for _, r := range value {
		if r < utf8.RuneSelf && !isAlphanumeric(r) {
			fmt.Fprintf(&b, `\x{%x}`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// likeOf joins the literal pieces that a match must have, in their order.
func likeOf(re *syntax.Regexp) (like string, fold, whole bool) {
	parts := []*syntax.Regexp{re}
	if re.Op == syntax.OpConcat {
		parts = slices.Clone(re.Sub)
	}
	for i, part := range parts {
		if part.Op == syntax.OpCapture {
			parts[i] = part.Sub[0]
		}
		fold = fold || foldedLiteral(parts[i])
	}
	var b strings.Builder
	whole, found, open := true, false, false // open: b ends with a piece that more may be added to
	for _, part := range parts {
		switch {
		case part.Op == syntax.OpEmptyMatch:
		case !sayableLiteral(part):
			whole, open = false, false
		default:
			if !open {
				b.WriteByte('%')
			}
			piece, exact := escapeLike(string(part.Rune)), true
			if fold {
				piece, exact = foldedLike(part)
			}
			b.WriteString(piece)
			whole = whole && exact
			found, open = true, true
		}
	}
	if !found {
		return "", false, whole // an expression of nothing matches everything
	}
	return b.String() + "%", fold, whole
}

// foldedLike writes a literal for ILIKE in the "C" collation, which folds ASCII and nothing else. Letters with relatives
// beyond it, as k with the Kelvin sign and s with the long s, become "any one character"; exact when the literal has none,
// and none whose case matters.
func foldedLike(re *syntax.Regexp) (like string, exact bool) {
	exact = true
	var b strings.Builder
	for _, r := range re.Rune {
		next := unicode.SimpleFold(r)
		switch {
		case next == r: // no letter with cases
			b.WriteString(escapeLike(string(r)))
		case re.Flags&syntax.FoldCase == 0: // of one case: ILIKE lets others pass
			exact = false
			b.WriteRune(r)
		case r < utf8.RuneSelf && next < utf8.RuneSelf && unicode.SimpleFold(next) == r:
			b.WriteRune(r)
		default:
			exact = false
			b.WriteByte('_')
		}
	}
	return b.String(), exact
}

func foldedLiteral(re *syntax.Regexp) bool {
	return re.Op == syntax.OpLiteral && re.Flags&syntax.FoldCase != 0
}

// sayableLiteral tells whether a literal can be part of a text of PostgreSQL.
func sayableLiteral(re *syntax.Regexp) bool {
	return re.Op == syntax.OpLiteral && !slices.ContainsFunc(re.Rune, func(r rune) bool { return r == 0 || !utf8.ValidRune(r) })
}

var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

func escapeLike(s string) string { return likeEscaper.Replace(s) }

// Assertions in the other dialect, without its notion of lines and words.
const (
	areLineStart  = `(?:\A|(?<=\n))`
	areLineEnd    = `(?:\Z|(?=\n))`
	areWord       = `[0-9A-Za-z_]`
	areBoundary   = `(?:(?<=` + areWord + `)(?!` + areWord + `)|(?<!` + areWord + `)(?=` + areWord + `))`
	areNoBoundary = `(?:(?<=` + areWord + `)(?=` + areWord + `)|(?<!` + areWord + `)(?!` + areWord + `))`
)

// writeARE writes re as an "advanced regular expression"; false when it can't.
func writeARE(b *strings.Builder, re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpEmptyMatch:
		b.WriteString("(?:)")
	case syntax.OpLiteral:
		return writeLiteral(b, re)
	case syntax.OpCharClass:
		return writeClass(b, re.Rune)
	case syntax.OpAnyCharNotNL:
		b.WriteString(`[^\n]`)
	case syntax.OpAnyChar:
		b.WriteByte('.')
	case syntax.OpBeginText:
		b.WriteString(`\A`)
	case syntax.OpEndText:
		b.WriteString(`\Z`)
	case syntax.OpBeginLine:
		b.WriteString(areLineStart)
	case syntax.OpEndLine:
		b.WriteString(areLineEnd)
	case syntax.OpWordBoundary:
		b.WriteString(areBoundary)
	case syntax.OpNoWordBoundary:
		b.WriteString(areNoBoundary)
	case syntax.OpCapture:
		return writeGroup(b, re.Sub, "")
	case syntax.OpConcat:
		return writeGroup(b, re.Sub, "")
	case syntax.OpAlternate:
		return writeGroup(b, re.Sub, "|")
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest:
		return writeRepeated(b, re)
	default: // OpNoMatch; OpRepeat was simplified away
		return false
	}
	return true
}

func writeGroup(b *strings.Builder, subs []*syntax.Regexp, between string) bool {
	b.WriteString("(?:")
	for i, sub := range subs {
		if i > 0 {
			b.WriteString(between)
		}
		if !writeARE(b, sub) {
			return false
		}
	}
	b.WriteByte(')')
	return true
}

func writeRepeated(b *strings.Builder, re *syntax.Regexp) bool {
	if asserts(re.Sub[0]) || !writeGroup(b, re.Sub, "") { // PostgreSQL does not repeat assertions
		return false
	}
	b.WriteByte(map[syntax.Op]byte{syntax.OpStar: '*', syntax.OpPlus: '+', syntax.OpQuest: '?'}[re.Op])
	return true
}

func asserts(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpBeginText, syntax.OpEndText, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return true
	}
	for _, sub := range re.Sub {
		if asserts(sub) {
			return true
		}
	}
	return false
}

func writeLiteral(b *strings.Builder, re *syntax.Regexp) bool {
	for _, r := range re.Rune {
		orbit := []rune{r, r}
		if re.Flags&syntax.FoldCase != 0 {
			for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
				orbit = append(orbit, f, f)
			}
		}
		if len(orbit) > 2 {
			if !writeClass(b, orbit) {
				return false
			}
		} else if !writeRune(b, r) {
			return false
		}
	}
	return true
}

// writeClass writes ranges of runes, or what they leave out when that is shorter.
func writeClass(b *strings.Builder, ranges []rune) bool {
	if len(ranges) == 0 {
		return false
	}
	if ranges[0] == 0 && ranges[len(ranges)-1] == unicode.MaxRune {
		ranges = ranges[1 : len(ranges)-1]
		if len(ranges) == 0 {
			b.WriteByte('.')
			return true
		}
		b.WriteString("[^")
		for i := 0; i < len(ranges); i += 2 {
			if !writeRange(b, ranges[i]+1, ranges[i+1]-1) {
				return false
			}
		}
	} else {
		b.WriteByte('[')
		for i := 0; i < len(ranges); i += 2 {
			if !writeRange(b, ranges[i], ranges[i+1]) {
				return false
			}
		}
	}
	b.WriteByte(']')
	return true
}

func writeRange(b *strings.Builder, low, high rune) bool {
	low = max(low, 1) // no text has a NUL
	if low > high {
		return false
	}
	fmt.Fprintf(b, `\U%08X`, low)
	if high > low {
		fmt.Fprintf(b, `-\U%08X`, high)
	}
	return true
}

func writeRune(b *strings.Builder, r rune) bool {
	switch {
	case r == 0 || !utf8.ValidRune(r):
		return false
	case isAlphanumeric(r):
		b.WriteRune(r)
	default:
		fmt.Fprintf(b, `\U%08X`, r)
	}
	return true
}

func isAlphanumeric(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}
