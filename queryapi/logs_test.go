package queryapi

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

func filterLogs() plog.Logs {
	logs := logsOf(
		entry{"checkout", 0, plog.SeverityNumberInfo, "INFO", "Order 17 placed", map[string]any{"http.status_code": 200}},
		entry{"checkout", 1, plog.SeverityNumberError, "ERROR", `payment "declined" by bank`, map[string]any{"http.status_code": 502}},
		entry{"cart", 2, plog.SeverityNumberDebug, "", "cache miss", nil},
		entry{"cart", 3, 0, "Warning", "slow query", nil},
		entry{"", 4, 0, "", "raw line -17", nil},
	)
	logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(1).SetTraceID(pcommon.TraceID{0: 0xab, 15: 1})
	return logs
}

func TestLogsFilters(t *testing.T) {
	api := newTestAPI(t)
	api.write("", filterLogs())

	for _, test := range []struct {
		name  string
		query []string
		want  []string
	}{
		{"all, newest first", nil, []string{"raw line -17", "slow query", "cache miss", `payment "declined" by bank`, "Order 17 placed"}},
		{"oldest first", []string{"direction", "forward", "limit", "2"}, []string{"Order 17 placed", `payment "declined" by bank`}},
		{"one service", []string{"service", "cart"}, []string{"slow query", "cache miss"}},
		{"two services", []string{"service", "cart", "service", "checkout", "limit", "3"}, []string{"slow query", "cache miss", `payment "declined" by bank`}},
		{"logs without a service", []string{"service", ""}, []string{"raw line -17"}},
		{"a service nobody has", []string{"service", "none"}, []string{}},
		{"level counts numbers and texts", []string{"level", "warn"}, []string{"slow query", `payment "declined" by bank`}},
		{"level error", []string{"level", "ERROR"}, []string{`payment "declined" by bank`}},
		{"level by number", []string{"level", "5"}, []string{"slow query", "cache miss", `payment "declined" by bank`, "Order 17 placed"}},
		{"text ignores case", []string{"q", "oRDER"}, []string{"Order 17 placed"}},
		{"all words, any order", []string{"q", "bank payment"}, []string{`payment "declined" by bank`}},
		{"a phrase", []string{"q", `"slow query"`}, []string{"slow query"}},
		{"a phrase in another order", []string{"q", `"query slow"`}, []string{}},
		{"a quote in a phrase", []string{"q", `"\"declined\""`}, []string{`payment "declined" by bank`}},
		{"without a word", []string{"q", "17 -order"}, []string{"raw line -17"}},
		{"a quoted minus", []string{"q", `"-17"`}, []string{"raw line -17"}},
		{"like wildcards mean themselves", []string{"q", "%"}, []string{}},
		{"trace id in upper case", []string{"trace_id", "AB000000000000000000000000000001"}, []string{`payment "declined" by bank`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			require.Equal(t, test.want, api.logs(around(test.query...)).bodies())
		})
	}
}

func TestLogsTraceIDLooksAtAllTime(t *testing.T) {
	api := newTestAPI(t)
	api.write("", filterLogs())
	require.Len(t, api.logs(query("trace_id", "ab000000-0000-0000-0000-000000000001")).Logs, 1)
	require.Empty(t, api.logs(query("trace_id", "ab000000000000000000000000000001", "since", "1h")).Logs)
}

func TestLogsTimeRangeIncludesStartAndExcludesEnd(t *testing.T) {
	api := newTestAPI(t)
	api.write("", filterLogs())
	at := func(seconds int) string {
		return fmt.Sprint(base.Add(time.Duration(seconds) * time.Second).UnixNano())
	}
	require.Equal(t, []string{"cache miss", `payment "declined" by bank`}, api.logs(query("start", at(1), "end", at(3))).bodies())
}

func TestLogsTenantsAreApart(t *testing.T) {
	api := newTestAPI(t)
	api.write("", logsOf(entry{body: "ours"}))
	api.write("other", logsOf(entry{body: "theirs"}))
	require.Equal(t, []string{"ours"}, api.logs(around()).bodies())
	theirs := api.logs(around(), "X-Scope-OrgID", "other")
	require.Equal(t, []string{"theirs"}, theirs.bodies())
	api.refused(http.StatusNotFound, "/api/v1/logs/"+theirs.Logs[0].ID, nil)
}

func TestLogsPagesGiveEachRecordOnceWhateverArrives(t *testing.T) {
	api := newTestAPI(t)
	const records = 1000
	entries := make([]entry, records)
	for i := range entries {
		entries[i] = entry{service: "s", at: float64(i % 10), body: fmt.Sprint(i)}
	}
	api.write("", logsOf(entries...))
	for _, direction := range []string{"forward", "backward"} {
		seen := map[string]int{}
		q := query("since", "9000d", "direction", direction, "limit", "99")
		for pages := 0; ; pages++ {
			page := api.logs(q)
			for _, id := range page.bodies() {
				seen[id]++
			}
			if page.NextCursor == "" {
				break
			}
			if pages == 3 {
				// They are later than the range that the cursor keeps.
				late := logsOf(entry{service: "s", body: "late"})
				late.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).SetTimestamp(pcommon.NewTimestampFromTime(time.Now()))
				api.write("", late)
			}
			q.Set("cursor", page.NextCursor)
		}
		delete(seen, "late") // the forward pass leaves one for the backward pass to see
		require.Len(t, seen, records)
		for id, n := range seen {
			require.Equal(t, 1, n, "record %s", id)
		}
	}
}

func TestLogsCursorBelongsToItsQuery(t *testing.T) {
	api := newTestAPI(t)
	api.write("", logsOf(entry{body: "a"}, entry{body: "b"}))
	cursor := api.logs(around("limit", "1")).NextCursor
	require.NotEmpty(t, cursor)
	err := api.refused(http.StatusBadRequest, "/api/v1/logs", around("limit", "1", "cursor", cursor, "level", "error"))
	require.Contains(t, err.Message, "other filters")
	err = api.refused(http.StatusBadRequest, "/api/v1/logs", around("cursor", "nonsense"))
	require.Contains(t, err.Message, "next_cursor")
}

func TestLogsPageOfHugeRecordsEndsEarly(t *testing.T) {
	api := newTestAPI(t)
	huge := make([]byte, 3<<20)
	for i := range huge {
		huge[i] = 'x'
	}
	for range 5 {
		api.write("", logsOf(entry{body: string(huge)}))
	}
	page := api.logs(around())
	require.Len(t, page.Logs, 3)
	require.Len(t, api.logs(around("cursor", page.NextCursor)).Logs, 2)
}

func TestLogsRefusesBadParameters(t *testing.T) {
	api := newTestAPI(t, func(c *Config) { c.Limits.MaxRange = 30 * 24 * time.Hour })
	for _, test := range []struct {
		query   []string
		status  int
		message string
	}{
		{[]string{"services", "x"}, 400, `has no parameter "services"`},
		{[]string{"level", "loud"}, 400, "a level is trace"},
		{[]string{"trace_id", "xyz"}, 400, "32 hex digits"},
		{[]string{"start", "yesterday"}, 400, "RFC 3339"},
		{[]string{"since", "-5m"}, 400, "greater than zero"},
		{[]string{"since", "1h", "start", "2h"}, 400, "not both"},
		{[]string{"start", "1h", "end", "2h"}, 400, "is not before the end"},
		{[]string{"limit", "many"}, 400, "a whole number"},
		{[]string{"limit", "-1"}, 400, "a whole number"},
		{[]string{"limit", "5001"}, 422, "at most 5000"},
		{[]string{"since", "31d"}, 422, "longer than 720h"},
		{[]string{"q", `"open`}, 400, "not closed"},
		{[]string{"q", `""`}, 400, "hold nothing"},
		{[]string{"direction", "up"}, 400, "backward, forward"},
		{[]string{"format", "xml"}, 400, "json, ndjson, csv"},
		{[]string{"level", "info", "level", "warn"}, 400, "more than once"},
	} {
		err := api.refused(test.status, "/api/v1/logs", query(test.query...))
		require.Contains(t, err.Message, test.message, test.query)
		require.Equal(t, test.status == 422, err.Setting != "", test.query)
	}
	require.Contains(t, api.refused(400, "/api/v1/logs", nil, "X-Scope-OrgID", string(make([]byte, 0, 1))+"a\u0085").Message, "tenant")
}
