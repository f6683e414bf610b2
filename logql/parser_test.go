package logql

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write what the code answers into testdata")

// corpus reads the queries of a file: one a line, "//" starts a comment, lines that start with a tab belong to the query
// above.
func corpus(t testing.TB, path string) (queries []string, notes map[string]string) {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	notes = map[string]string{}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		switch note, ok := strings.CutPrefix(line, "\t"); {
		case ok:
			notes[queries[len(queries)-1]] = note
		case line != "" && !strings.HasPrefix(line, "//"):
			queries = append(queries, line)
		}
	}
	return queries, notes
}

func TestPrintedQueryReadsBackAsTheSame(t *testing.T) {
	queries, _ := corpus(t, "testdata/queries.txt")
	require.Greater(t, len(queries), 400)
	for _, query := range queries {
		expr, err := Parse(query)
		if !assert.NoError(t, err, query) {
			continue
		}
		for _, printed := range []string{expr.String(), Format(expr)} {
			again, err := Parse(printed)
			if assert.NoError(t, err, "%s\nprinted as\n%s", query, printed) {
				assert.Equal(t, expr, again, query)
				assert.Equal(t, expr.String(), again.String(), query)
			}
		}
	}
}

func TestRefusedQuerySaysWhereAndWhy(t *testing.T) {
	const path = "testdata/refused.txt"
	queries, notes := corpus(t, path)
	require.Greater(t, len(queries), 150)
	got := map[string]string{}
	for _, query := range queries {
		_, err := Parse(query)
		if assert.Error(t, err, query) {
			var parseErr *Error
			assert.ErrorAs(t, err, &parseErr, query)
			got[query] = err.Error()
		}
	}
	if *update {
		writeNotes(t, path, got)
		return
	}
	assert.Equal(t, notes, got)
}

// writeNotes puts the notes behind the queries of a file, whose comments stay.
func writeNotes(t *testing.T, path string, notes map[string]string) {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	var b strings.Builder
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "\t") {
			continue
		}
		b.WriteString(line)
		if note, ok := notes[strings.TrimSuffix(line, "\n")]; ok {
			b.WriteString("\t" + note + "\n")
		}
	}
	require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o644))
}

func TestQueryPrintsCanonically(t *testing.T) {
	for _, c := range []struct{ query, want string }{
		{`{a="b",c=~"d"}|="x"!="y"`, `{a="b", c=~"d"} |= "x" != "y"`},
		{`{service.name="x"} | http.status >= 5e2`, `{service_name="x"} | http_status >= 500`},
		{`{a="b"} | x=5m, y=1.5KiB z="w"`, `{a="b"} | x == 5m and y == 1536B and z="w"`},
		{`{a="b"} | x="1" or y="2", z="3"`, `{a="b"} | x="1" or y="2" and z="3"`},
		{`{a="b"} | (x="1" or y="2"), z="3"`, `{a="b"} | (x="1" or y="2") and z="3"`},
		{`{a="q\"q"} |~ "\\d"`, "{a=`q\"q`} |~ `\\d`"},
		{`{a="b"} | json x="x", y`, `{a="b"} | json x, y`},
		{`sum(rate({a="b"}[90m])) by (x,y)`, `sum by (x, y) (rate({a="b"}[1h30m]))`},
		{`rate(({a="b"}|json)[7d] offset -1h)`, `rate({a="b"} | json [7d] offset -1h)`},
		{`rate({a="b"}[5m]|json)`, `rate({a="b"} | json [5m])`},
		{`1+2*3-(4-5)^2^3`, `1 + 2 * 3 - (4 - 5) ^ 2 ^ 3`},
		{`((1))`, `1`},
		{`vector(1)==bool on()vector(2)`, `vector(1) == bool on () vector(2)`},
		{`vector(1)*on(a)group_left vector(2)`, `vector(1) * on (a) group_left () vector(2)`},
		{"{a=\"b\"} # comment | json\n  |= \"x#y\" # more", `{a="b"} |= "x#y"`},
		{"count_over_time(\n  {a=\"b\"}\n  # all of it\n  [1m]\n)", `count_over_time({a="b"}[1m])`},
		{`{a="b"} | logfmt --keep-empty --strict x`, `{a="b"} | logfmt --strict --keep-empty x`},
	} {
		expr, err := Parse(c.query)
		if assert.NoError(t, err, c.query) {
			assert.Equal(t, c.want, expr.String())
		}
	}
}

func TestLongQueryIsLaidOutInLines(t *testing.T) {
	for _, c := range []struct{ query, want string }{
		{`{a="b"} | json`, `{a="b"} | json`},
		{
			`{cluster="ops-tools1", container="ingress-nginx"} |= "GET" | json | status >= 500 | line_format "{{.msg}}"`,
			"{cluster=\"ops-tools1\", container=\"ingress-nginx\"}\n  |= \"GET\"\n  | json\n  | status >= 500\n  | line_format \"{{.msg}}\"",
		},
		{
			`sum by (path) (quantile_over_time(0.99, {cluster="ops-tools1"} | json | unwrap response_time | __error__="" [1m]) by (path, pod)) > 5`,
			`  sum by (path) (
    quantile_over_time(
      0.99,
      {cluster="ops-tools1"}
        | json
        | unwrap response_time
        | __error__=""
      [1m]
    ) by (path, pod)
  )
>
  5`,
		},
	} {
		expr, err := Parse(c.query)
		require.NoError(t, err, c.query)
		assert.Equal(t, c.want, Format(expr))
	}
}

func TestQueryBeyondLimitIsRefused(t *testing.T) {
	for _, query := range []string{
		strings.Repeat("(", 200) + "1" + strings.Repeat(")", 200),
		strings.Repeat("(", 100_000),
		`{a="b"} | ` + strings.Repeat("(", 200) + `x="y"` + strings.Repeat(")", 200),
		`rate(` + strings.Repeat("(", 200) + `{a="b"}` + strings.Repeat(")", 200) + `[5m])`,
		"1" + strings.Repeat("+1", 5000),
		"1" + strings.Repeat("^1", 5000),
		`{a="b"}` + strings.Repeat(`|="x"`, 5000),
		`{` + strings.Repeat(`a="b",`, 5000) + `}`,
		`{a="` + strings.Repeat("x", MaxLength) + `"}`,
		strings.Repeat("sum(", 200) + `rate({a="b"}[5m])` + strings.Repeat(")", 200),
	} {
		_, err := Parse(query)
		assert.Error(t, err, query[:40])
	}
}

func TestQueryOfTheWrongKindIsRefused(t *testing.T) {
	_, err := ParseLog(`rate({a="b"}[5m])`)
	require.ErrorContains(t, err, "expected a log query")
	_, err = ParseMetric(`{a="b"}`)
	require.ErrorContains(t, err, "expected a metric query")
	_, err = ParseSelector(`{a="b"} |= "x"`)
	require.ErrorContains(t, err, "only label matchers are supported")
	selector, err := ParseSelector(`{a="b", c!~"d"}`)
	require.NoError(t, err)
	require.Equal(t, Selector{{"a", MatchEqual, "b"}, {"c", MatchNotRegexp, "d"}}, selector)
}

func FuzzParse(f *testing.F) {
	for _, path := range []string{"testdata/queries.txt", "testdata/refused.txt"} {
		queries, _ := corpus(f, path)
		for _, query := range queries {
			f.Add(query)
		}
	}
	f.Fuzz(func(t *testing.T, query string) {
		expr, err := Parse(query)
		if err != nil {
			var parseErr *Error
			require.ErrorAs(t, err, &parseErr)
			return
		}
		for _, printed := range []string{expr.String(), Format(expr)} {
			again, err := Parse(printed)
			if err != nil && len(printed) > MaxLength {
				return
			}
			require.NoError(t, err, printed)
			require.Equal(t, expr, again)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for _, query := range []string{
		`{service_name="api"} |= "error" != "timeout" | json | status >= 500 and level="error" | line_format "{{.msg}}"`,
		`sum by (host) (rate({job="mysql"} |= "error" != "timeout" | json | duration > 10s [1m])) / 2 > 10`,
	} {
		b.Run("", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(query); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
