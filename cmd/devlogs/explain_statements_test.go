package main

import (
	"bufio"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnExplanationShowsTheSameStatementOnceWithItsWindows(t *testing.T) {
	var x explanation
	window := func(from, to, table string) statement {
		return statement{"SELECT * FROM " + table + ".logs WHERE time >= " + from + " AND time < " + to + " AND contains(body, $1) LIMIT 10", []string{"text", from}}
	}
	x.Ran.Statements = []statement{
		{"SELECT 1", nil},
		window("1790000000000000000", "1790000001000000000", "p000001"),
		{"SELECT service FROM log_streams WHERE id = $1", []string{"7"}},
		window("1790000001000000000", "1790000002000000000", "p000001"),
		window("1790000002000000000", "1790000003000000000", "p000001"),
	}
	var text strings.Builder
	out := bufio.NewWriter(&text)
	require.NoError(t, x.print(out))
	require.NoError(t, out.Flush())
	require.Equal(t, `
SELECT 1

SELECT * FROM p000001.logs WHERE time >= {a} AND time < {b} AND contains(body, $1) LIMIT 10
  $1 = text
  asked 3 times:
    {a} = 2026-09-21T14:13:20Z, {b} = 2026-09-21T14:13:21Z, $2 = 2026-09-21T14:13:20Z
    {a} = 2026-09-21T14:13:21Z, {b} = 2026-09-21T14:13:22Z, $2 = 2026-09-21T14:13:21Z
    {a} = 2026-09-21T14:13:22Z, {b} = 2026-09-21T14:13:23Z, $2 = 2026-09-21T14:13:22Z

SELECT service FROM log_streams WHERE id = $1
  $1 = 7

0 entries in 0 ms; read 0 records with 0 bytes, and 0 counts
`, text.String())
}
