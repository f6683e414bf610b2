package duckdb

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode"
)

// portable turns a Go regular expression into one that DuckDB's RE2 understands the same way: names of classes and case
// folding are written out, as the two know different versions of Unicode, and groups lose their names.
func portable(pattern string) (string, error) {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return "", fmt.Errorf("regular expression %q: %w", pattern, err)
	}
	return plain(parsed).String(), nil
}

// plain rewrites an expression without captures and without folding.
func plain(re *syntax.Regexp) *syntax.Regexp {
	for i, sub := range re.Sub {
		re.Sub[i] = plain(sub)
	}
	switch {
	case re.Op == syntax.OpCapture:
		return re.Sub[0]
	case re.Op == syntax.OpLiteral && re.Flags&syntax.FoldCase != 0:
		sequence := &syntax.Regexp{Op: syntax.OpConcat, Flags: re.Flags &^ syntax.FoldCase}
		for _, r := range re.Rune {
			sequence.Sub = append(sequence.Sub, orbit(r))
		}
		return sequence
	}
	re.Flags &^= syntax.FoldCase
	return re
}

// orbit matches every rune that is the same as r but for its case.
func orbit(r rune) *syntax.Regexp {
	class := &syntax.Regexp{Op: syntax.OpCharClass, Rune: []rune{r, r}}
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		class.Rune = append(class.Rune, f, f)
	}
	if len(class.Rune) == 2 {
		return &syntax.Regexp{Op: syntax.OpLiteral, Rune: []rune{r}}
	}
	return class
}

// folded matches text whatever its case.
func folded(text string) string {
	var b strings.Builder
	for _, r := range text {
		re := orbit(r)
		if re.Op == syntax.OpLiteral {
			b.WriteString(regexp.QuoteMeta(string(r)))
		} else {
			b.WriteString(re.String())
		}
	}
	return b.String()
}

// caseless is the longest part of a text that is the same in any case.
func caseless(text string) string {
	longest := ""
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return unicode.SimpleFold(r) != r }) {
		if len(part) > len(longest) {
			longest = part
		}
	}
	return longest
}
