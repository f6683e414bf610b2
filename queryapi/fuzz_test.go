package queryapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.uber.org/zap"
	"pgregory.net/rapid"

	"github.com/instantdevlogs/devlogs/logql"
	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/duckdb"
)

// FuzzRequest sends any path and parameters to the real handlers over a real store. Whatever it is, the answer is a good one
// or says what is wrong with the request: never a failure of the server. Logs that a query of LogQL finds are those that the
// same query finds when nothing of it is left to the database.
func FuzzRequest(f *testing.F) {
	for _, seed := range [][2]string{
		{"/api/v1/logs", "start=2026-01-02T15:04:05Z&end=now&level=warn&q=%22a+b%22+-c&limit=10&direction=forward"},
		{"/api/v1/logs", "since=7d&service=a&service=b&trace_id=4bf92f3577b34da6a3ce929d0e0e4736&format=csv"},
		{"/api/v1/logs", "cursor=AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
		{"/api/v1/logs", "start=0&end=18446744073709551615"},
		{"/api/v1/logs", "q=%27%3B+drop+table+logs%3B--&start=1767366245.5"},
		{"/api/v1/logs/1-0", ""},
		{"/api/v1/logs/1-0/context", "before=1&after=2&scope=all"},
		{"/api/v1/histogram", "by=http_status_code&step=1h&top=3&start=2026-01-01&end=2026-01-03"},
		{"/api/v1/facets", "field=level&field=%22%3B--&top=2"},
		{"/api/v1/fields/a.b/values", "limit=3"},
		{"/api/v1/services", "since=1y"},
		{"/metrics", ""},
		{"/api/v1/logs/tail", "after=1-0&level=warn"},
		{"/api/v1/logs/tail", "query=" + url.QueryEscape(`{service_name="api"} | json | line_format "{{.x}}"`)},
		{"/api/v1/explain", around("query", `sum by (service_name) (rate({} |= "a" | http_status_code >= 400 [5m] offset 1m)) / 2 > bool 1`, "step", "10m").Encode()},
		{"/api/v1/explain", around("query", `quantile_over_time(0.9, {} | unwrap http_status_code [1h]) by (detected_level)`).Encode()},
		{"/api/v1/explain", around("query", `{} | json | label_format a="{{ .b | ToUpper }}"`, "limit", "3").Encode()},
		{"/api/v1/histogram", around("query", `{} | logfmt | level="error"`, "by", "level").Encode()},
	} {
		f.Add(seed[0], seed[1])
	}
	for _, query := range []string{
		`{service_name=~"api|web", detected_level!="info"} |= "a" or "b" !~ "(?i)X"`, `{} | http_status_code >= 400 and service_name="api"`,
		`{trace_id!=""} | drop trace_id | json a="b.c"`, `{} |> "<_>a<_>" | severity_number > 9 or detected_level="error"`, `{} | line_format "{{.service_name}}" |= "api"`,
		`{flags=~"0|"} | event_name="" | observed_timestamp!=""`, `{a_b=""} | keep level | level=~".*"`, `{} | label_format x=service_name, y="'; --" | x=~".+" != "\u0000"`,
	} {
		f.Add("/api/v1/logs", around("query", query, "limit", "100").Encode())
	}
	store, err := duckdb.Open(f.Context(), duckdb.DefaultConfig(f.TempDir()))
	require.NoError(f, err)
	f.Cleanup(func() { require.NoError(f, store.Close()) })
	(&testAPI{t: f, store: store}).write("", filterLogs())
	books, err := newTelemetry(componenttest.NewNopTelemetrySettings())
	require.NoError(f, err)
	server := newServer(store, testConfig(f.TempDir()), books, zap.NewNop())
	server.endTails(errShutdown) // else they last
	handler := server.routes()
	send := func(path, query string) *httptest.ResponseRecorder {
		request := httptest.NewRequest(http.MethodGet, "/", nil)
		request.URL.Path, request.URL.RawQuery = path, query
		answer := httptest.NewRecorder()
		defer func() {
			cut := recover()
			if err, _ := cut.(error); cut != nil && !errors.Is(err, http.ErrAbortHandler) { // how a tail ends
				panic(cut)
			}
		}()
		handler.ServeHTTP(answer, request)
		return answer
	}

	f.Fuzz(func(t *testing.T, path, query string) {
		path = "/" + strings.TrimPrefix(path, "/")
		answer := send(path, query)
		if answer == nil {
			return
		}
		if path == "/api/v1/logs" && answer.Code == http.StatusOK {
			if values := unpushed(t, query); values != nil {
				require.Equal(t, linesOf(t, answer), linesOf(t, send(path, values.Encode())), "%s", values)
			}
		}
		if answer.Code < 500 && answer.Code != http.StatusOK && answer.Code < 400 {
			return // the mux cleans the path by redirecting
		}
		require.Contains(t, []int{200, 400, 404, 422}, answer.Code, answer.Body)
		if answer.Header().Get("Content-Type") == "application/json" {
			require.True(t, json.Valid(answer.Body.Bytes()), answer.Body)
		}
		if answer.Code != http.StatusOK {
			var body struct{ Error apiError }
			require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &body))
			require.NotEmpty(t, body.Error.Message)
			require.Equal(t, answer.Code, statuses[body.Error.Code])
		}
	})
}

// unpushed makes of a request for logs one that finds the same, of which the database can't answer anything but the time
// range: all stages come behind one that changes labels and lines, if only into what they were. nil where that can't be done.
func unpushed(t *testing.T, raw string) url.Values {
	values, err := url.ParseQuery(raw)
	require.NoError(t, err)
	query, err := logql.ParseLog(values.Get("query"))
	if err != nil || values.Get("cursor") != "" || values.Get("start") == "" || values.Get("end") == "" {
		return nil
	}
	stages := []logql.Stage{
		&logql.LineFormat{Template: "{{__line__}}"},
		&logql.LabelFormat{Labels: []logql.LabelAssignment{{Name: "zz_none"}}},
	}
	for _, m := range query.Selector {
		stages = append(stages, &logql.LabelFilter{Predicate: &logql.MatchPredicate{Matcher: m}})
	}
	text := (&logql.LogQuery{Stages: append(stages, query.Stages...)}).String()
	if len(text) > maxParameter {
		return nil
	}
	values.Set("query", text)
	return values
}

// linesOf are the ids and lines of a page of logs, or the text of another answer.
func linesOf(t *testing.T, answer *httptest.ResponseRecorder) (lines []string) {
	require.Equal(t, http.StatusOK, answer.Code, answer.Body)
	if answer.Header().Get("Content-Type") != "application/json" {
		return nil
	}
	var page struct{ Logs []struct{ ID, Line string } }
	require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &page))
	for _, l := range page.Logs {
		lines = append(lines, l.ID+" "+l.Line)
	}
	return lines
}

// FuzzCursor reads any text as a cursor: it is refused, or it is one that writes the same text again.
func FuzzCursor(f *testing.F) {
	f.Add(cursor{timeRange: timeRange{1, 9}, position: storage.Position{Time: 5, ID: storage.ID{Batch: 1, Row: 2}}}.String(), uint32(0))
	f.Add("", uint32(1))
	f.Fuzz(func(t *testing.T, text string, filters uint32) {
		c, err := parseCursor(text, filters)
		if err != nil {
			return
		}
		again, err := parseCursor(c.String(), filters)
		require.NoError(t, err)
		require.Equal(t, c, again)
		require.GreaterOrEqual(t, c.position.Time, c.Start)
		require.Less(t, c.position.Time, c.End)
	})
}

// FuzzPlainJSON holds that what is plain is JSON and holds no form of the store's own.
func FuzzPlainJSON(f *testing.F) {
	f.Add("text", []byte{0xff}, 1.5)
	f.Add("$bytes", []byte(`{"$map":1}`), 0.0)
	f.Fuzz(func(t *testing.T, text string, raw []byte, number float64) {
		v := pcommon.NewValueMap()
		v.Map().PutStr(text, text)
		v.Map().PutEmptyBytes("bytes").FromRaw(raw)
		v.Map().PutDouble("number", number)
		plain, err := appendPlain(nil, string(storage.AppendValue(nil, v)))
		require.NoError(t, err)
		var read map[string]any
		require.NoError(t, json.Unmarshal(plain, &read), string(plain))
		if text != "bytes" && text != "number" {
			require.NotContains(t, read, "$map")
			require.IsType(t, "", read["bytes"])
		}
	})
}

func TestTimesReadBackWhatTheyWrite(t *testing.T) {
	now := time.Now()
	rapid.Check(t, func(t *rapid.T) {
		ns := pcommon.Timestamp(rapid.Uint64Range(1e17, 18_446_744_073_709_551_615-1e9).Draw(t, "ns"))
		read, err := parseTime(formatTime(ns), now)
		require.NoError(t, err)
		require.Equal(t, ns, read)
		for _, unit := range []pcommon.Timestamp{1, 1e3, 1e6, 1e9} {
			number := ns / unit
			if unit > 1 && (number < 1e8 || ns > 4e18) {
				continue
			}
			read, err := parseUnix(strconv.FormatUint(uint64(number), 10))
			require.True(t, err)
			require.Equal(t, number*unit, read, "unit %d", unit)
		}
	})
}

func TestDurationsReadBackWhatTheyWrite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(1, 1<<60).Draw(t, "d"))
		read, err := parseDuration(formatDuration(d))
		require.NoError(t, err)
		require.Equal(t, d, read)
	})
	require.Equal(t, "1h", formatDuration(time.Hour))
	require.Equal(t, "10m", formatDuration(10*time.Minute))
	require.Equal(t, "1h10m", formatDuration(70*time.Minute))
}
