package queryapi

import (
	"net/http"
	"net/url"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// hostile are texts that mean something to SQL, to a template, to JSON or to a regular expression when they are not bound as
// what they are.
var hostile = []string{
	`'; DROP TABLE logs; --`, `" OR "1"="1`, `') OR 1=1 --`, `$1`, `$$; SELECT 1; $$`, `\`, `\'`, `%`, `_`, `/* */`, `'||pg_sleep(30)||'`,
	`{{.}}`, `{{ printf "%s" . }}`, `"}`, `["a"]`, `$.a`, `/a~1b~0c`, `a.b`, `?`, `COPY logs TO 'x'`, "line\nbreak", "é\u202e\u00a0",
}

// TestHostileTextsAreOnlyTexts asks with each text in every place of a query that a client fills, on each store. Each finds
// the one record that has it, and changes nothing.
func TestHostileTextsAreOnlyTexts(t *testing.T) {
	t.Run("duckdb", func(t *testing.T) { hostileTexts(t, newTestAPI(t)) })
	t.Run("postgres", func(t *testing.T) { hostileTexts(t, newPostgresAPI(t)) })
}

func hostileTexts(t *testing.T, api *testAPI) {
	var all []entry
	for i, text := range hostile {
		all = append(all, entry{service: "s" + strconv.Itoa(i) + text, body: "<" + text + ">", attrs: map[string]any{"attr": text, "k" + text: "v" + strconv.Itoa(i)}})
	}
	api.write("", logsOf(all...))
	for i, text := range hostile {
		quoted, pattern := strconv.Quote(text), strconv.Quote(quoteRegexp(text))
		body := []string{"<" + text + ">"}
		for _, query := range []string{
			`{attr=` + quoted + `}`,
			`{attr=~` + pattern + `}`,
			`{} | attr = ` + quoted,
			`{} |= ` + strconv.Quote(body[0]),
			`{} |~ ` + strconv.Quote("^"+quoteRegexp(body[0])+"$"),
			`{service_name=` + strconv.Quote("s"+strconv.Itoa(i)+text) + `}`,
			`{} | label_format x=` + strconv.Quote("{{.attr}}") + ` | x = ` + quoted,
			`{} | line_format "{{.attr}}" |= ` + quoted + ` | attr = ` + quoted,
		} {
			require.Equal(t, body, api.logs(around("query", query, "limit", "100")).bodies(), query)
		}
		require.Equal(t, body, api.logs(around("service", "s"+strconv.Itoa(i)+text)).bodies(), text)
		for _, ask := range []struct {
			path  string
			query url.Values
		}{
			{"/api/v1/histogram", around("by", text)},
			{"/api/v1/histogram", around("by", "k"+text)},
			{"/api/v1/facets", around("field", "k"+text)},
			{"/api/v1/fields/" + url.PathEscape("k"+text) + "/values", around()},
			{"/api/v1/logs", around("query", text)},
			{"/api/v1/logs", around("query", `{} | json x=`+quoted)},
			{"/api/v1/logs", around("query", `{} | regexp `+quoted)},
			{"/api/v1/logs", around("query", `{} | pattern `+quoted)},
			{"/api/v1/logs", around("query", `{} | line_format `+quoted)},
			{"/api/v1/logs", around("query", `{} |~ `+quoted)},
			{"/api/v1/logs", around("query", `{attr=~`+quoted+`}`)},
			{"/api/v1/logs", around("q", strconv.Quote(text))},
			{"/api/v1/explain", around("query", `sum by (attr) (count_over_time({attr!~`+pattern+`}[1h]))`)},
			{"/api/v1/logs", around("cursor", text)},
			{"/api/v1/logs/tail", query("after", text)},
		} {
			got := api.get(ask.path, ask.query)
			require.Contains(t, []int{http.StatusOK, http.StatusBadRequest}, got.status, "%s?%s: %s", ask.path, ask.query.Encode(), got.body)
		}
	}
	require.Len(t, api.logs(around("limit", "100")).Logs, len(hostile), "nothing was changed")
}
