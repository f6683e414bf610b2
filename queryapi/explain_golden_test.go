package queryapi

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/instantdevlogs/devlogs/storage/postgres"
)

// explained are queries of each kind there is: which part the store answers, and with what SQL, is kept in files.
var explained = map[string]url.Values{
	"filter":                    around("query", `{service_name="checkout"} |= "order" != "cache" |~ "(?i)placed$" | http_status_code >= 200`, "limit", "10"),
	"filter_partly_in_go":       around("query", `{service_name="cart"} |= "query" | pattern "<a> <b>" | b = "query" | line_format "{{.a}}"`, "limit", "10"),
	"metric_pushed_down":        around("query", `sum by (service_name) (count_over_time({} |= "a" [5m]))`, "step", "10m"),
	"metric_instant":            around("query", `sum(bytes_over_time({service_name=~"c.*"}[2h]))`),
	"metric_unwrap_pushed_down": around("query", `sum(sum_over_time({} | unwrap http_status_code [2h]))`),
	"metric_partly_in_go":       around("query", `sum by (a) (count_over_time({service_name="cart"} |= "s" | pattern "<a> <b>" [2h]))`),
	"metric_needs_each_entry":   around("query", `quantile_over_time(0.9, {} | unwrap http_status_code [2h])`),
	"binary":                    around("query", `sum(count_over_time({} |= "order" [2h])) / sum(count_over_time({service_name="cart"}[2h])) > 0.1`),
	"detected_level":            around("query", `{detected_level=~"warn|error"}`, "limit", "10"),
	"by_detected_level":         around("query", `sum by (detected_level) (count_over_time({}[2h]))`),
	"trace_id":                  around("query", `{trace_id="ab000000000000000000000000000001"}`, "limit", "10"),
	"attribute":                 around("query", `{http_status_code="502"}`, "limit", "10"),
	"nothing_selected":          around("query", `{service_name="none"}`, "limit", "10"),
}

func TestExplanationsAreAsWrittenDown(t *testing.T) {
	plain := func(c *postgres.Config) { c.Layout = postgres.LayoutPlain } // there is one wherever the tests run
	for store, api := range map[string]*testAPI{"duckdb": newTestAPI(t), "postgres": newPostgresAPI(t, plain)} {
		api.write("", filterLogs())
		for _, name := range slices.Sorted(maps.Keys(explained)) {
			t.Run(store+"/"+name, func(t *testing.T) {
				var a explainAnswer
				api.ok("/api/v1/explain", explained[name], &a)
				a.Ran.Seconds = 0
				slices.SortStableFunc(a.Ran.Statements, func(x, y statement) int { // both sides of an operator may ask first
					return strings.Compare(x.SQL, y.SQL)
				})
				var text strings.Builder
				out := json.NewEncoder(&text)
				out.SetEscapeHTML(false)
				out.SetIndent("", "  ")
				require.NoError(t, out.Encode(&a))
				golden(t, "explain_"+store+"_"+name+".json", text.String())
			})
		}
	}
}
