package postgres

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestPatternsMeanTheSameInPostgres holds what is pushed down against Go's own answer.
func TestPatternsMeanTheSameInPostgres(t *testing.T) {
	s := openTest(t, LayoutPlain)
	conn, err := s.readers.Acquire(t.Context())
	require.NoError(t, err)
	defer conn.Release()
	rapid.Check(t, func(t *rapid.T) {
		expression := expressions(3).Draw(t, "expression")
		re, err := regexp.Compile(expression)
		if err != nil {
			t.Skip("not an expression")
		}
		p, err := parsePattern(expression)
		require.NoError(t, err)
		for range 5 {
			text := strings.ReplaceAll(texts.Draw(t, "text"), "\x00", "")
			var like, are bool
			operator := map[bool]string{false: "LIKE $2::text", true: `ILIKE $2::text COLLATE "C"`}[p.fold]
			require.NoError(t, conn.QueryRow(t.Context(), "SELECT $1::text "+operator, text, p.like).Scan(&like))
			matches := re.MatchString(text)
			if p.like != "" && matches {
				require.True(t, like, "%q has %q but is not like %q", text, expression, p.like)
			}
			if p.whole {
				require.Equal(t, matches, like || p.like == "", "%q in %q", expression, text)
			}
			if p.are != "" {
				require.NoError(t, conn.QueryRow(t.Context(), "SELECT $1::text ~ $2::text", text, p.are).Scan(&are), "%q", p.are)
				require.Equal(t, matches, are, "%q in %q as %q", expression, text, p.are)
			}
		}
	})
}

var (
	pieces = rapid.SampledFrom([]string{
		"a", "b", "error", "é", "ß", "K", "s", `\.`, ".", `\d`, `\D`, `\w`, `\W`, `\s`, `[a-c]`, `[^a-c]`, `[^\n]`, `\pL`, `[[:alpha:]]`, `[[:^digit:]]`,
		`\b`, `\B`, "^", "$", `\A`, `\z`, "(?i)k", "(?i:straße)", "(?i:a)", "(?i:b_1%)", "(?i:ACé)", "(?s:.)", "(?m:^b)", "(?m:b$)", `\n`, "%", "_", `\\`, "日", `\x{1F600}`, "[^\x01]", "(?U)a+",
	})
	texts = rapid.OneOf(
		rapid.StringOfN(rapid.SampledFrom([]rune("abcABkKsS\u212aſßẞéÉ1_%\\ \n.日😀")), 0, 12, -1),
		rapid.SampledFrom([]string{"", "error", "an error\nb", "STRASSE straße", "a\nb", "aab", "b"}),
		rapid.String(),
	)
)

func expressions(depth int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		if depth == 0 {
			return pieces.Draw(t, "piece")
		}
		inner := expressions(depth - 1)
		switch rapid.IntRange(0, 4).Draw(t, "kind") {
		case 0:
			return inner.Draw(t, "left") + inner.Draw(t, "right")
		case 1:
			return "(" + inner.Draw(t, "left") + "|" + inner.Draw(t, "right") + ")"
		case 2:
			return "(?:" + inner.Draw(t, "repeated") + ")" + rapid.SampledFrom([]string{"*", "+", "?", "{2}", "{1,3}", "{2,}", "*?"}).Draw(t, "times")
		case 3:
			return "(?i)" + inner.Draw(t, "folded")
		default:
			return inner.Draw(t, "same")
		}
	})
}
