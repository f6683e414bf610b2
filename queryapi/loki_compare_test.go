package queryapi

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/instantdevlogs/devlogs/logql/conformance"
)

// TestLokiAgrees asks a real Loki and query_api all queries of the conformance suite and compares what they answer. It runs
// when DEVLOGS_TEST_LOKI names a Loki; nothing else needs one. Differences are allowed where knownDifference says why, and
// docs/loki-compatibility.md says the same.
func TestLokiAgrees(t *testing.T) {
	if os.Getenv("DEVLOGS_TEST_LOKI") == "" {
		t.Log("=== NOT COMPARED WITH LOKI: set DEVLOGS_TEST_LOKI to the path of a loki program ===")
		return
	}
	begin := recentBase()
	api := newTestAPI(t, func(c *Config) { c.Limits.MaxRows = 10_000 })
	api.write("", shifted(begin))
	loki := startLoki(t)
	require.NoError(t, pushOTLP(t.Context(), loki, shifted(begin)))

	cases, err := conformance.Cases()
	require.NoError(t, err)
	agreed, differ := 0, map[string][]string{}
	for _, c := range cases {
		for _, ask := range c.Asks {
			path, values := lokiQuestion(c.Query, ask, begin)
			ours := comparable(t, api.loki(http.MethodGet, path, values, categorized...), begin)
			// what Loki refuses to select, everything, is the same as all services here
			values.Set("query", strings.ReplaceAll(c.Query, "{}", `{service_name=~".+"}`))
			theirs := "no answer\n"
			patient, cancel := context.WithTimeout(t.Context(), time.Minute)
			if got, err := askLoki(patient, http.MethodGet, loki+path, values, categorized...); err == nil {
				theirs = comparable(t, got, begin)
			}
			cancel()
			if ours == theirs {
				agreed++
				continue
			}
			why := knownDifference(c.Query, ours, theirs)
			differ[why] = append(differ[why], fmt.Sprintf("%s: %s ? %s\n%s", filepath.Base(c.File), c.Query, ask, firstDifference(ours, theirs)))
		}
	}
	for _, why := range slices.Sorted(maps.Keys(differ)) {
		t.Logf("%d differ: %s", len(differ[why]), why)
		if why == "" {
			for _, d := range differ[why] {
				t.Error(d)
			}
		}
	}
	t.Logf("%d queries agree", agreed)
}

// lokiQuestion is a question of the suite as a request.
func lokiQuestion(query string, ask conformance.Ask, begin time.Time) (path string, values url.Values) {
	at := func(d time.Duration) string { return strconv.FormatInt(begin.Add(d).UnixNano(), 10) }
	values = url.Values{"query": {query}}
	if ask.Kind == "instant" {
		values.Set("time", at(ask.To))
		return "/loki/api/v1/query", values
	}
	values.Set("start", at(ask.From))
	values.Set("end", at(ask.To))
	if ask.Kind == "range" {
		values.Set("step", ask.Step.String())
		return "/loki/api/v1/query_range", values
	}
	values.Set("limit", strconv.Itoa(ask.Limit))
	values.Set("direction", "forward")
	if ask.Newest {
		values.Set("direction", "backward")
	}
	return "/loki/api/v1/query_range", values
}

// comparable writes an answer down in a form that does not depend on order where order means nothing, nor on the last digits
// of sums.
func comparable(t *testing.T, a answer, begin time.Time) string {
	if a.status != 200 {
		return "refused\n"
	}
	var body struct {
		Data struct {
			ResultType string
			Result     json.RawMessage
		}
	}
	require.NoError(t, json.Unmarshal([]byte(a.body), &body), a.body)
	var lines []string
	switch body.Data.ResultType {
	case "scalar":
		var point [2]any
		require.NoError(t, json.Unmarshal(body.Data.Result, &point))
		return "{} " + digits(point[1]) + "\n" // Loki gives the time of a scalar in milliseconds
	case "streams":
		var streams []struct {
			Stream map[string]string
			Values [][]json.RawMessage
		}
		require.NoError(t, json.Unmarshal(body.Data.Result, &streams))
		for _, s := range streams {
			for _, v := range s.Values {
				own := map[string]map[string]string{}
				if len(v) > 2 {
					require.NoError(t, json.Unmarshal(v[2], &own))
				}
				delete(own["parsed"], "__error_details__") // its text is free
				var line string
				require.NoError(t, json.Unmarshal(v[1], &line))
				lines = append(lines, fmt.Sprintf("%s %q %v %v %v", v[0], line, s.Stream, own["structuredMetadata"], own["parsed"]))
			}
		}
	default:
		var series []struct {
			Metric map[string]string
			Value  [2]any
			Values [][2]any
		}
		require.NoError(t, json.Unmarshal(body.Data.Result, &series))
		for _, s := range series {
			if s.Values == nil {
				s.Values = [][2]any{s.Value}
			}
			line := fmt.Sprint(s.Metric)
			for _, point := range s.Values {
				line += fmt.Sprintf(" %s@%g", digits(point[1]), point[0].(float64)-float64(begin.Unix()))
			}
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n") + "\n"
}

func digits(value any) string {
	f, err := strconv.ParseFloat(value.(string), 64)
	if err != nil || f > -1e-9 && f < 1e-9 {
		f = 0
	}
	return strconv.FormatFloat(f, 'g', 7, 64)
}

// firstDifference shows the first line in which two answers differ.
func firstDifference(ours, theirs string) string {
	a, b := strings.Split(ours, "\n"), strings.Split(theirs, "\n")
	for i := range max(len(a), len(b)) {
		left, right := "", ""
		if i < len(a) {
			left = a[i]
		}
		if i < len(b) {
			right = b[i]
		}
		if left != right {
			return fmt.Sprintf("  %d and %d lines; line %d\n  devlogs: %.600s\n  loki:    %.600s", len(a)-1, len(b)-1, i, left, right)
		}
	}
	return ""
}
