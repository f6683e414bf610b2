package queryapi

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"iter"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/queryapi/lokiapi"
	"github.com/instantdevlogs/devlogs/storage"
)

// loki asks Loki's API.
func (a *testAPI) loki(method, path string, values url.Values, header ...string) answer {
	a.t.Helper()
	got, err := askLoki(a.t.Context(), method, a.url+path, values, header...)
	require.NoError(a.t, err)
	return got
}

func askLoki(ctx context.Context, method, target string, values url.Values, header ...string) (answer, error) {
	body := io.Reader(nil)
	if method == http.MethodPost {
		body = strings.NewReader(values.Encode())
	} else {
		target += "?" + values.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return answer{}, err
	}
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, string(text)}, err
}

// lokiAsk is one question of the golden answers.
type lokiAsk struct {
	path   string
	query  url.Values
	header []string
}

var categorized = []string{"X-Loki-Response-Encoding-Flags", "categorize-labels"}

func lokiAsks() map[string]lokiAsk {
	const every = `{service_name=~".+"}`
	return map[string]lokiAsk{
		"streams":             {"/loki/api/v1/query_range", around("query", every), nil},
		"streams_categorized": {"/loki/api/v1/query_range", around("query", every+` | logfmt`, "direction", "forward"), categorized},
		"streams_everything":  {"/loki/api/v1/query_range", around("query", `{}`, "limit", "50"), categorized},
		"streams_interval":    {"/loki/api/v1/query_range", around("query", `{}`, "interval", "10m", "direction", "forward"), nil},
		"streams_none":        {"/loki/api/v1/query_range", around("query", `{service_name="nobody"}`), nil},
		"matrix":              {"/loki/api/v1/query_range", around("query", `sum by (service_name, detected_level) (count_over_time(`+every+`[30m]))`, "step", "1800"), nil},
		"matrix_scalar":       {"/loki/api/v1/query_range", around("query", `1 / 3`, "step", "1h"), nil},
		"vector":              {"/loki/api/v1/query", query("query", `sum by (service_name) (bytes_over_time(`+every+`[2h]))`, "time", "1767369845.5"), nil},
		"vector_health":       {"/loki/api/v1/query", query("query", `vector(1)+vector(1)`, "time", "4000000000"), nil},
		"scalar":              {"/loki/api/v1/query", query("query", `-0.5e-10`, "time", "1767369845123456789"), nil},
		"labels":              {"/loki/api/v1/labels", around(), nil},
		"labels_of":           {"/loki/api/v1/labels", around("query", `{service_name="cart"}`), nil},
		"label_values":        {"/loki/api/v1/label/service_name/values", around(), nil},
		"label_values_of":     {"/loki/api/v1/label/service_name/values", around("query", `{detected_level="warn"}`), nil},
		"label_values_none":   {"/loki/api/v1/label/nothing/values", around(), nil},
		"series":              {"/loki/api/v1/series", around("match[]", `{service_name="cart"}`), nil},
		"series_all":          {"/loki/api/v1/series", around(), nil},
		"index_stats":         {"/loki/api/v1/index/stats", around("query", every), nil},
		"volume":              {"/loki/api/v1/index/volume", around("query", every), nil},
		"volume_labels":       {"/loki/api/v1/index/volume", around("query", every, "aggregateBy", "labels"), nil},
		"volume_target":       {"/loki/api/v1/index/volume", around("query", every, "targetLabels", "host_name", "limit", "1"), nil},
		"volume_range":        {"/loki/api/v1/index/volume_range", around("query", every, "step", "1h"), nil},
		"detected_labels":     {"/loki/api/v1/detected_labels", around(), nil},
		"detected_fields":     {"/loki/api/v1/detected_fields", around("query", `{}`), nil},
		"detected_values":     {"/loki/api/v1/detected_field/http_status_code/values", around("query", `{}`), nil},
		"patterns":            {"/loki/api/v1/patterns", around("query", `{}`, "step", "1h"), nil},
		"format_query":        {"/loki/api/v1/format_query", query("query", `sum by(a)(rate({b="c"}|="d"[5m]))`), nil},
		"drilldown_limits":    {"/loki/api/v1/drilldown-limits", nil, nil},
		"rules":               {"/loki/api/v1/rules", nil, nil},
		"prometheus_rules":    {"/prometheus/api/v1/rules", nil, nil},
		"prometheus_alerts":   {"/prometheus/api/v1/alerts", nil, nil},
		"ready":               {"/ready", nil, nil},
		"error_parse":         {"/loki/api/v1/query_range", query("query", `{service_name="a"`), nil},
		"error_template":      {"/loki/api/v1/query_range", query("query", `{} | line_format "{{nope}}"`), nil},
		"error_instant_logs":  {"/loki/api/v1/query", query("query", `{service_name="a"}`), nil},
		"error_pipeline":      {"/loki/api/v1/query", query("query", `sum by (service_name) (count_over_time({service_name="cart"} | json [2h]))`, "time", "1767369845"), nil},
		"error_limit":         {"/loki/api/v1/query_range", query("query", `{}`, "limit", "5001"), nil},
		"error_steps":         {"/loki/api/v1/query_range", around("query", `rate({}[1m])`, "step", "100ms"), nil},
		"error_matchers":      {"/loki/api/v1/series", query("match[]", `{} |= "x"`), nil},
		"error_nowhere":       {"/loki/api/v1/nope", nil, nil},
	}
}

// TestLokiGoldenAnswers keeps what every endpoint of Loki's API answers, on every store.
func TestLokiGoldenAnswers(t *testing.T) {
	t.Run("duckdb", func(t *testing.T) { lokiGoldenAnswers(t, newTestAPI(t)) })
	t.Run("postgres", func(t *testing.T) { lokiGoldenAnswers(t, newPostgresAPI(t)) })
}

func lokiGoldenAnswers(t *testing.T, api *testAPI) {
	api.write("", everyKind())
	api.write("", filterLogs())
	api.write("someone else", filterLogs())
	stats := regexp.MustCompile(`(?s),\s*"stats": \{.*?\}\s*\}`) // times and speeds; TestLokiStatsCountWhatIsRead has the numbers
	for name, ask := range lokiAsks() {
		t.Run(name, func(t *testing.T) {
			api := &testAPI{t, api.ext, api.store, api.url}
			got := api.get(ask.path, ask.query, ask.header...)
			body := got.body
			if got.header.Get("Content-Type") == "application/json" {
				var indented bytes.Buffer
				require.NoError(t, json.Indent(&indented, []byte(body), "", "  "))
				body = stats.ReplaceAllString(indented.String(), "")
			}
			golden(t, "loki/"+name, strconv.Itoa(got.status)+" "+got.header.Get("Content-Type")+"\n"+body)
			if ask.path != "/ready" && !strings.Contains(ask.path, "rules") {
				posted := api.loki(http.MethodPost, ask.path, ask.query, ask.header...)
				require.Equal(t, got.status, posted.status, posted.body)
			}
		})
	}
}

func TestLokiTakesTimesAndStepsInEveryForm(t *testing.T) {
	api := newTestAPI(t)
	api.write("", filterLogs())
	start, end := base.Add(-time.Hour), base.Add(time.Hour)
	forms := map[string]func(time.Time) string{
		"RFC 3339":           func(t time.Time) string { return t.Format(time.RFC3339Nano) },
		"nanoseconds":        func(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) },
		"milliseconds":       func(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) },
		"seconds":            func(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) },
		"seconds with parts": func(t time.Time) string { return strconv.FormatFloat(float64(t.UnixMilli())/1e3, 'f', -1, 64) },
		"offset":             func(t time.Time) string { return t.In(time.FixedZone("", 5*3600)).Format(time.RFC3339) },
	}
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			got := api.loki(http.MethodGet, "/loki/api/v1/query_range", query("query", `{}`, "start", form(start), "end", form(end)))
			require.Equal(t, http.StatusOK, got.status, got.body)
			require.Equal(t, 5, strings.Count(got.body, `["17673`), got.body)
		})
	}
	for _, step := range []string{"3600", "3600.0", "1h", "60m", "3600000ms", "1h0m"} {
		got := api.loki(http.MethodGet, "/loki/api/v1/query_range", around("query", `vector(1)`, "step", step))
		require.Equal(t, http.StatusOK, got.status, got.body)
		require.Equal(t, 3, strings.Count(got.body, `,"1"]`), "%s: %s", step, got.body)
	}
	since := url.Values{"query": {`{}`}, "end": {forms["seconds"](end)}, "since": {"2h"}}
	require.Equal(t, 5, strings.Count(api.loki(http.MethodGet, "/loki/api/v1/query_range", since).body, `["17673`))
}

func TestLokiRefusesWhatItCannotRead(t *testing.T) {
	api := newTestAPI(t)
	for _, test := range []struct{ name, value, says string }{
		{"start", "yesterday", `cannot parse "yesterday" to a valid timestamp`},
		{"start", "1e400", "valid timestamp"}, {"end", "NaN", "valid timestamp"},
		{"end", "1", "end timestamp must not be before or equal to start time"},
		{"since", "soon", "valid duration"}, {"step", "0", "zero or negative"}, {"step", "-1s", "zero or negative"},
		{"step", "fast", "valid duration"}, {"step", "1e300", "overflows"}, {"interval", "-1", "interval must be >= 0"},
		{"limit", "0", "limit must be a positive value"}, {"limit", "-1", "limit must be a positive value"}, {"limit", "many", "whole number"},
		{"direction", "sideways", "invalid direction"}, {"query", "", "parse error"}, {"query", "\xff", "not UTF-8"},
	} {
		values := url.Values{"query": {`{}`}, "start": {"1767366245"}}
		values.Set(test.name, test.value)
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			got := api.loki(method, "/loki/api/v1/query_range", values)
			require.Equal(t, http.StatusBadRequest, got.status, "%s=%q: %s", test.name, test.value, got.body)
			require.Contains(t, got.body, test.says, "%s=%q", test.name, test.value)
			require.Equal(t, "text/plain; charset=utf-8", got.header.Get("Content-Type"))
		}
	}
	for path, values := range map[string]url.Values{
		"/loki/api/v1/index/volume":       query("query", "{}", "aggregateBy", "chance"),
		"/loki/api/v1/index/volume_range": query("query", "{}", "step", "1ms"),
		"/loki/api/v1/index/stats":        query("query", "rate({}[1m])"),
		"/loki/api/v1/patterns":           query("query", "{}", "since", "30d", "step", "1s"),
		"/loki/api/v1/tail":               query("query", "{}", "delay_for", "6"),
		"/loki/api/v1/labels":             query("query", `{} | json`),
		"/loki/api/v1/detected_fields":    query("query", `{}`, "line_limit", "x"),
	} {
		got := api.loki(http.MethodGet, path, values)
		require.Equal(t, http.StatusBadRequest, got.status, "%s: %s", path, got.body)
	}
}

func TestLokiSeesOneTenant(t *testing.T) {
	api := newTestAPI(t)
	api.write("acme", filterLogs())
	for tenant, want := range map[string]string{"acme": `"cart"`, "": `"data":[]`, "other": `"data":[]`} {
		got := api.loki(http.MethodGet, "/loki/api/v1/label/service_name/values", around(), tenantHeader, tenant)
		require.Contains(t, got.body, want)
		got = api.loki(http.MethodGet, "/loki/api/v1/query_range", around("query", "{}"), tenantHeader, tenant)
		require.Equal(t, tenant == "acme", strings.Contains(got.body, "cart"), got.body)
	}
}

func TestLokiTakesAPrefixThatStandsTwice(t *testing.T) {
	api := newTestAPI(t)
	for _, path := range []string{"/loki/api/v1/loki/api/v1/labels", "/loki/loki/api/v1/labels", "/loki/api/v1/loki/api/v1/loki/api/v1/labels"} {
		require.Equal(t, http.StatusOK, api.loki(http.MethodGet, path, nil).status, path)
	}
}

func TestLokiIsOnlyRead(t *testing.T) {
	api := newTestAPI(t)
	for _, endpoint := range lokiapi.Endpoints() {
		for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPatch} {
			got := api.loki(method, strings.ReplaceAll(endpoint.Path, "{name}", "x"), nil)
			require.Equal(t, http.StatusMethodNotAllowed, got.status, "%s %s", method, endpoint.Path)
		}
	}
}

func TestLokiStatsCountWhatIsRead(t *testing.T) {
	api := newTestAPI(t)
	api.write("", filterLogs())
	var got struct {
		Data struct {
			Stats struct{ Summary map[string]float64 }
		}
	}
	body := api.loki(http.MethodGet, "/loki/api/v1/query_range", around("query", `{} |= "a"`)).body
	require.NoError(t, json.Unmarshal([]byte(body), &got))
	summary := got.Data.Stats.Summary
	require.Equal(t, 4.0, summary["totalEntriesReturned"], body)
	require.Equal(t, 4.0, summary["totalLinesProcessed"])
	require.Greater(t, summary["totalBytesProcessed"], 40.0)
	require.Greater(t, summary["execTime"], 0.0)
}

func TestLokiKeepsTheServersLimits(t *testing.T) {
	api := newTestAPI(t, func(c *Config) { c.Limits.MaxRange, c.Limits.MaxGroups = time.Hour, 100 })
	api.write("", filterLogs())
	got := api.loki(http.MethodGet, "/loki/api/v1/query_range", around("query", "{}"))
	require.Equal(t, http.StatusBadRequest, got.status)
	require.Contains(t, got.body, "limits::max_range")

	reader := waitingReader{started: make(chan struct{}, 1), ended: make(chan struct{}, 1)}
	address := serveReader(t, streamless{reader}, func(c *Config) { c.Limits.QueryTimeout = 20 * time.Millisecond })
	response, err := http.Get(address + "/loki/api/v1/query_range?query=" + url.QueryEscape("{}"))
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusGatewayTimeout, response.StatusCode)
	require.Contains(t, string(text), "limits::query_timeout")
}

// streamless is a waitingReader with an empty catalogue.
type streamless struct{ waitingReader }

func (streamless) Streams(context.Context, string, pcommon.Timestamp, pcommon.Timestamp) iter.Seq2[storage.Stream, error] {
	return func(func(storage.Stream, error) bool) {}
}

func (streamless) Fields(context.Context, string, string) ([]storage.Field, error) { return nil, nil }

func TestLokiAnswersAreBoundedInBytes(t *testing.T) {
	const most = 1 << 20
	api := newTestAPI(t, func(c *Config) { c.Limits.MaxAnswerBytes = most })
	manyValues(api, 5000)
	ask := func(query, path string) answer {
		return api.loki(http.MethodGet, path, around("query", query, "limit", "5000"))
	}
	const path = "/loki/api/v1/query_range"
	require.Equal(t, http.StatusOK, ask(`{service_name="s"} | line_format "short" | keep service_name`, path).status)
	for name, query := range map[string]string{
		"lines":  `{service_name="s"} | line_format "{{repeat 1000 \"0123456789\"}}"`,
		"labels": `{service_name="s"} | label_format long="{{repeat 1000 \"0123456789\"}}{{__line__}}" | line_format ""`,
	} {
		got := ask(query, path)
		require.Equal(t, http.StatusBadRequest, got.status, name)
		require.Contains(t, got.body, "limits::max_answer_bytes", name)
		got = ask(query, "/loki/api/v1/tail")
		require.Equal(t, http.StatusBadRequest, got.status, name)
		require.Contains(t, got.body, "limits::max_answer_bytes", name)
	}
}
