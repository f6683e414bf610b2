package queryapi

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLogQLSelectsBesideTheSimpleFilters(t *testing.T) {
	api := newTestAPI(t)
	api.write("", filterLogs())
	for _, test := range []struct {
		name  string
		query []string
		want  []string
	}{
		{"everything", []string{"query", "{}"}, []string{"raw line -17", "slow query", "cache miss", `payment "declined" by bank`, "Order 17 placed"}},
		{"a stream label", []string{"query", `{service_name="cart"}`}, []string{"slow query", "cache miss"}},
		{"with a simple filter", []string{"query", `{service_name=~"cart|checkout"}`, "level", "warn"}, []string{"slow query", `payment "declined" by bank`}},
		{"with a service", []string{"query", `{} |= "17"`, "service", "checkout"}, []string{"Order 17 placed"}},
		{"stages that run here", []string{"query", `{} | pattern "<a> <b> <c>" | c = "placed"`}, []string{"Order 17 placed"}},
		{"oldest first", []string{"query", `{} | line_format "x"`, "direction", "forward", "limit", "1"}, []string{"Order 17 placed"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			require.Equal(t, test.want, api.logs(around(test.query...)).bodies())
			got := api.get("/api/v1/logs", around(append(test.query, "format", "ndjson")...))
			require.Equal(t, len(test.want), strings.Count(got.body, "\n"))
		})
	}
}

func TestLogQLPagesMissAndRepeatNothing(t *testing.T) {
	api := newTestAPI(t)
	var entries []entry
	for i := range 25 {
		entries = append(entries, entry{service: "s", at: float64(i / 4), body: strings.Repeat("x", i)})
	}
	api.write("", logsOf(entries...))
	for _, query := range []string{`{service_name="s"}`, `{} | regexp "^(?P<x>x*)$" | __error__=""`} {
		ask := around("query", query, "limit", "7")
		seen := map[string]bool{}
		for {
			page := api.logs(ask)
			for _, r := range page.Logs {
				require.False(t, seen[r.ID])
				seen[r.ID] = true
			}
			if page.NextCursor == "" {
				break
			}
			ask.Set("cursor", page.NextCursor)
		}
		require.Len(t, seen, 25)
		ask.Set("query", `{service_name="other"}`)
		err := api.refused(http.StatusBadRequest, "/api/v1/logs", ask)
		require.Contains(t, err.Message, "other filters")
	}
}

func TestLogQLErrorsSayWhere(t *testing.T) {
	api := newTestAPI(t)
	err := api.refused(http.StatusBadRequest, "/api/v1/logs", query("query", `{a="é"} |= 5`))
	require.Contains(t, err.Message, "query: parse error at line 1, col 12")
	require.Equal(t, len(`{a="é"} |= `), *err.Position)
	err = api.refused(http.StatusBadRequest, "/api/v1/histogram", query("query", `sum(rate({}[5m]))`))
	require.Contains(t, err.Hint, "/loki/api/v1/query_range")
	err = api.refused(http.StatusBadRequest, "/api/v1/logs", query("query", `{} | line_format "{{ nope }}"`))
	require.Contains(t, err.Message, "nope")
}

func TestLogQLHistogramCountsTheSameHereAndInTheStore(t *testing.T) {
	api := newTestAPI(t)
	api.write("", filterLogs())
	for _, by := range []string{"", "level", "service", "http_status_code"} {
		var here, there histogramAnswer
		api.ok("/api/v1/histogram", around("query", `{} |~ "e"`, "by", by, "step", "1m"), &there)
		api.ok("/api/v1/histogram", around("query", `{} |~ "e" | label_format x="1"`, "by", by, "step", "1m"), &here)
		require.NotZero(t, here.Total.Count)
		require.Equal(t, there, here, by)
	}
}

func TestLogQLLimitNamesItsSetting(t *testing.T) {
	api := newTestAPI(t, func(c *Config) { c.Limits.MaxQueryBytes = 10 })
	api.write("", filterLogs())
	err := api.refused(http.StatusUnprocessableEntity, "/api/v1/logs", around("query", `{} | json`))
	require.Equal(t, "max_query_bytes", err.Setting)
	require.Contains(t, err.Hint, "limits::max_query_bytes")
}

// TestLogQLNarrowsCountsOfValues counts what the store counts by itself, and what it can't.
func TestLogQLNarrowsCountsOfValues(t *testing.T) {
	api := newTestAPI(t)
	api.write("", filterLogs())
	for _, stage := range []string{``, ` | line_format "{{__line__}}" |= ""`} {
		var facets facetsAnswer
		api.ok("/api/v1/facets", around("query", `{service_name=~"c.*"}`+stage, "field", "level", "field", "service", "field", "http.status_code"), &facets)
		require.Equal(t, []facet{
			{"level", []valueCount{{"debug", 1}, {"error", 1}, {"info", 1}, {"warn", 1}}},
			{"service", []valueCount{{"cart", 2}, {"checkout", 2}}},
			{"http.status_code", []valueCount{{"200", 1}, {"502", 1}}},
		}, facets.Facets, stage)
		facets = facetsAnswer{}
		api.ok("/api/v1/facets", around("query", `{service_name="checkout"}`+stage, "level", "error"), &facets)
		require.Equal(t, []facet{
			{"service", []valueCount{{"checkout", 1}}}, {"level", []valueCount{{"error", 1}}}, {"http_status_code", []valueCount{{"502", 1}}},
		}, facets.Facets, stage)
		var values fieldValuesAnswer
		api.ok("/api/v1/fields/service.name/values", around("query", `{detected_level!="unknown"}`+stage, "limit", "1"), &values)
		require.Equal(t, []valueCount{{"cart", 2}}, values.Values, stage)
	}
	var values fieldValuesAnswer
	api.ok("/api/v1/fields/number/values", around("query", `{} | regexp "(?P<number>\\d+)"`), &values)
	require.Equal(t, []valueCount{{"17", 2}}, values.Values)
}

func TestFilterByAMistakenNameIsToldTheRightOne(t *testing.T) {
	api := newTestAPI(t)
	api.write("", filterLogs())
	const level = "no record has the label level: did you mean detected_level? It is trace, debug, info, warn, error, fatal or unknown."
	for query, want := range map[string][]string{
		`{} | level="error"`:                            {level},
		`{level="error"} | json`:                        {level},
		`{service="cart"}`:                              {"no record has the label service: did you mean service_name?"},
		`{} | detected_level="error"`:                   nil,
		`{} | logfmt | level="error"`:                   nil, // may come from the line
		`sum(rate({} | level=~"warn|error" [5m]))`:      {level},
		`sum by (level, detected_level) (rate({}[5m]))`: nil, // as Grafana asks
	} {
		var explained explainAnswer
		api.ok("/api/v1/explain", around("query", query), &explained)
		require.Equal(t, want, explained.Warnings, query)
		var answer struct{ Warnings []string }
		require.NoError(t, json.Unmarshal([]byte(api.loki(http.MethodGet, "/loki/api/v1/query_range", around("query", query, "step", "1h")).body), &answer))
		require.Equal(t, want, answer.Warnings, query)
		if query[0] == '{' {
			answer.Warnings = nil
			api.ok("/api/v1/logs", around("query", query), &answer)
			require.Equal(t, want, answer.Warnings, query)
		}
	}
	api.write("", logsOf(entry{body: "x", attrs: map[string]any{"level": "error"}}))
	var answer testPage
	api.ok("/api/v1/logs", around("query", `{level="error"}`), &answer)
	require.Len(t, answer.Logs, 1)
}
