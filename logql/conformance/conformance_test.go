package conformance

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/instantdevlogs/devlogs/internal/testservices"
	"github.com/instantdevlogs/devlogs/logql"
	"github.com/instantdevlogs/devlogs/storage/duckdb"
)

var update = flag.Bool("update", false, "write the naive evaluator's answers into testdata")

func TestMain(m *testing.M) {
	code := testservices.Run(m)
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func TestFilesHoldTheNaiveAnswers(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	queries := 0
	var evaluating sync.WaitGroup
	for _, path := range paths {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		cases, err := parseCases(path, string(data))
		require.NoError(t, err)
		queries += len(cases)
		if *update {
			require.NoError(t, os.WriteFile(path, []byte(answered(newNaive(), string(data), cases)), 0o644))
			continue
		}
		evaluating.Go(func() {
			evaluator := newNaive() // it remembers the last query
			for _, c := range cases {
				assert.NotEmpty(t, c.Asks, "%s: write the answers with -update", c.Query)
				for _, ask := range c.Asks {
					assert.Equal(t, ask.Want, evaluator.answer(c.Query, ask), "%s: %s ? %s", path, c.Query, ask)
				}
			}
		})
	}
	evaluating.Wait()
	require.GreaterOrEqual(t, queries, 400)
}

// answered writes a file anew, with its comments.
func answered(evaluator *naive, text string, cases []Case) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "\t") {
			continue
		}
		b.WriteString(line)
		if line == "\n" || strings.HasPrefix(line, "//") {
			continue
		}
		c := cases[0]
		cases = cases[1:]
		for _, ask := range asksOf(c) {
			b.WriteString("\t? " + ask.String() + "\n")
			for answer := range strings.Lines(evaluator.answer(c.Query, ask)) {
				b.WriteString("\t\t" + answer)
			}
		}
	}
	return b.String()
}

// asksOf gives the ways to ask a query: those in the file, or the usual ones.
func asksOf(c Case) []Ask {
	if len(c.Asks) > 0 {
		return c.Asks
	}
	if expr, err := logql.Parse(c.Query); err == nil {
		if _, ok := expr.(logql.SampleExpr); ok {
			return []Ask{
				{Kind: "instant", From: 50 * time.Minute, To: 50 * time.Minute},
				{Kind: "range", To: time.Hour, Step: 20 * time.Minute},
			}
		}
	}
	return []Ask{{Kind: "log", To: time.Hour, Limit: 5000}}
}

func TestDuckDB(t *testing.T) {
	t.Parallel()
	store, err := duckdb.Open(t.Context(), duckdb.DefaultConfig(t.TempDir()))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	Run(t, store, func() {})
}
