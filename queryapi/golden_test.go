package queryapi

import (
	"bytes"
	"encoding/json"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// everyKind has every kind of value a record can hold, in a body, an attribute, a resource and a scope.
func everyKind() plog.Logs {
	logs := plog.NewLogs()
	rl := logs.ResourceLogs().AppendEmpty()
	resource := rl.Resource().Attributes()
	resource.PutStr("service.name", "check<out>")
	resource.PutInt("process.pid", 4711)
	resource.PutEmptyMap("k8s").PutStr("pod.name", "p-1")
	sl := rl.ScopeLogs().AppendEmpty()
	sl.Scope().SetName("app/logger")
	sl.Scope().SetVersion("1.2.3")
	sl.Scope().Attributes().PutBool("sampled", true)

	full := sl.LogRecords().AppendEmpty()
	full.SetTimestamp(pcommon.NewTimestampFromTime(base))
	full.SetObservedTimestamp(pcommon.NewTimestampFromTime(base) + 1)
	full.SetSeverityNumber(plog.SeverityNumberWarn2)
	full.SetSeverityText("WARN\xff")
	full.Body().SetStr("line one\nline \"two\" </script>\u2028")
	full.SetTraceID(pcommon.TraceID{1, 2, 3})
	full.SetSpanID(pcommon.SpanID{4, 5, 6})
	full.SetFlags(1)
	full.SetEventName("order.placed")
	full.SetDroppedAttributesCount(2)
	a := full.Attributes()
	a.PutStr("http.method", "GET")
	a.PutInt("big", math.MaxInt64)
	a.PutDouble("ratio", 2)
	a.PutDouble("nan", math.NaN())
	a.PutDouble("inf", math.Inf(-1))
	a.PutBool("ok", false)
	a.PutEmpty("null")
	a.PutEmptyBytes("bytes").FromRaw([]byte{0, 1, 255})
	a.PutStr("not utf-8", "a\xffb")
	a.PutStr("$dollar", "key with a dollar")
	a.PutEmptySlice("list").AppendEmpty().SetInt(1)
	a.PutEmptyMap("http").PutInt("status_code", 200)

	structured := sl.LogRecords().AppendEmpty()
	structured.SetTimestamp(pcommon.NewTimestampFromTime(base) + 1)
	structured.Body().SetEmptyMap().PutEmptySlice("items").AppendEmpty().SetEmptyBytes().FromRaw([]byte("x"))

	empty := sl.LogRecords().AppendEmpty()
	empty.SetObservedTimestamp(pcommon.NewTimestampFromTime(base) + 2)

	formula := sl.LogRecords().AppendEmpty() // no time at all: its arrival counts
	formula.Body().SetStr(`=cmd|'/c calc'!A1`)
	return logs
}

// TestGoldenAnswers keeps what every endpoint answers, to the byte but for what no two runs share. Every store answers the
// same.
func TestGoldenAnswers(t *testing.T) {
	t.Run("duckdb", func(t *testing.T) { goldenAnswers(t, newTestAPI(t)) })
	t.Run("postgres", func(t *testing.T) { goldenAnswers(t, newPostgresAPI(t)) })
}

func goldenAnswers(t *testing.T, api *testAPI) {
	api.write("", everyKind())
	api.write("", filterLogs())
	for name, ask := range map[string]struct {
		path  string
		query url.Values
	}{
		"logs.json":         {"/api/v1/logs", around("limit", "20")},
		"logs.ndjson":       {"/api/v1/logs", around("format", "ndjson", "direction", "forward")},
		"logs.csv":          {"/api/v1/logs", around("format", "csv", "direction", "forward")},
		"record.json":       {"/api/v1/logs/1-0", nil},
		"context.json":      {"/api/v1/logs/2-1/context", query("before", "1", "after", "1", "scope", "all")},
		"histogram.json":    {"/api/v1/histogram", around("by", "level", "step", "15m")},
		"facets.json":       {"/api/v1/facets", around()},
		"fields.json":       {"/api/v1/fields", around()},
		"field_values.json": {"/api/v1/fields/http_status_code/values", around()},
		"services.json":     {"/api/v1/services", around()},
		"stats.json":        {"/api/v1/stats", nil},
		"index.json":        {"/", nil},
		"logql.json":        {"/api/v1/logs", around("query", `{http_method="GET"} | line_format "{{.service_name}}: {{.ok}}"`)},
		"logql.ndjson":      {"/api/v1/logs", around("query", `{} | http_status_code >= 500 | keep service_name`, "format", "ndjson")},
		"logql.csv":         {"/api/v1/logs", around("query", `{} |= "query"`, "format", "csv", "direction", "forward")},
		"logql_counts.json": {"/api/v1/histogram", around("query", `{service_name=~".+"} | pattern "<what> <rest>"`, "by", "what", "step", "15m")},
		"bad_logql.json":    {"/api/v1/logs", query("query", `{service_name="a"} |> `)},
		"metric_logql.json": {"/api/v1/logs", query("query", `rate({}[1m])`)},
		"not_found.json":    {"/api/v1/log", nil},
		"bad_text.json":     {"/api/v1/logs", query("q", `one "two`)},
	} {
		t.Run(name, func(t *testing.T) {
			got := api.get(ask.path, ask.query)
			body := got.body
			if got.header.Get("Content-Type") == "application/json" {
				var indented bytes.Buffer
				require.NoError(t, json.Indent(&indented, []byte(body), "", "  "))
				body = indented.String()
			}
			body = regexp.MustCompile(`("bytes": )\d+`).ReplaceAllString(body, `${1}0`) // on disk
			if name == "services.json" {                                                // stores may bound a stream's times more widely, see storage.StreamSlack
				body = regexp.MustCompile(`("(?:first|last)": )"[^"]+"`).ReplaceAllString(body, `${1}"…"`)
			}
			golden(t, name, body)
		})
	}
}

func TestAnswersCarrySecurityHeaders(t *testing.T) {
	api := newTestAPI(t)
	for _, path := range []string{"/", "/nowhere", "/api/v1/logs", "/healthz", "/metrics"} {
		header := api.get(path, nil).header
		require.Equal(t, "nosniff", header.Get("X-Content-Type-Options"), path)
		require.Contains(t, header.Get("Content-Security-Policy"), "default-src 'none'", path)
		require.Equal(t, "no-store", header.Get("Cache-Control"), path)
	}
}

func TestOnlyReadingMethodsAreAllowed(t *testing.T) {
	api := newTestAPI(t)
	for _, path := range []string{"/", "/api/v1/logs", "/api/v1/stats", "/healthz"} {
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch} {
			request, err := http.NewRequestWithContext(t.Context(), method, api.url+path, nil)
			require.NoError(t, err)
			response, err := http.DefaultClient.Do(request)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			require.Equal(t, http.StatusMethodNotAllowed, response.StatusCode, "%s %s", method, path)
			require.Equal(t, "GET, HEAD", response.Header.Get("Allow"))
		}
	}
}
