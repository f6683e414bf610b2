package queryapi

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestExplainTellsWhatRanWhere(t *testing.T) {
	for name, api := range map[string]*testAPI{"duckdb": newTestAPI(t), "postgres": newPostgresAPI(t)} {
		t.Run(name, func(t *testing.T) {
			api.write("", filterLogs())
			var a explainAnswer
			api.ok("/api/v1/explain", around("query", `{service_name="checkout"} |= "17" | pattern "<a> <b> <c>" | c = "placed"`), &a)
			require.Equal(t, "log", a.Type)
			require.Equal(t, []string{`{service_name="checkout"}`, `|= "17"`}, a.Parts[0].Pushed)
			require.Equal(t, []string{`| pattern "<a> <b> <c>"`, `| c="placed"`}, a.Parts[0].Rest)
			require.Equal(t, 1, a.Ran.Entries)
			require.EqualValues(t, 1, a.Ran.Records)
			require.NotEmpty(t, a.Ran.Statements)

			a = explainAnswer{}
			api.ok("/api/v1/explain", around("query", `sum by (level) (count_over_time({}[1h]))`, "level", "warn"), &a)
			require.Equal(t, "metric", a.Type)
			require.Equal(t, "aggregate", a.Parts[0].Store)
			require.Zero(t, a.Ran.Records)
			require.Positive(t, a.Ran.Points)

			a = explainAnswer{}
			api.ok("/api/v1/explain", around("query", `quantile_over_time(0.9, {} | unwrap http_status_code [1h]) by (x)`, "run", "false"), &a)
			require.Equal(t, "search", a.Parts[0].Store)
			require.Contains(t, a.Parts[0].Why, "needs each entry")
			require.Nil(t, a.Ran)
		})
	}
}

func TestExplainRefusesWhatCannotBePlanned(t *testing.T) {
	api := newTestAPI(t)
	for _, bad := range []string{"", "{", `rate({} | line_format "{{x}}" [1m])`} {
		api.refused(http.StatusBadRequest, "/api/v1/explain", query("query", bad))
	}
	err := api.refused(http.StatusUnprocessableEntity, "/api/v1/explain", around("query", "rate({}[1m])", "step", "1ms"))
	require.Equal(t, "max_query_steps", err.Setting)
}
