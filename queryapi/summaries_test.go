package queryapi

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

func TestHistogramAgreesWithCounting(t *testing.T) {
	api := newTestAPI(t)
	var entries []entry
	want := map[string]map[int]uint64{} // by level and minute
	for i := range 600 {
		severity := []plog.SeverityNumber{plog.SeverityNumberInfo, plog.SeverityNumberInfo3, plog.SeverityNumberError, 0}[i%4]
		text := []string{"", "", "", "warning"}[i%4]
		level := []string{"info", "info", "error", "warn"}[i%4]
		entries = append(entries, entry{fmt.Sprintf("s%d", i%7), float64(i), severity, text, "x", map[string]any{"n": i % 5}})
		minute := (base.Second() + i) / 60
		if want[level] == nil {
			want[level] = map[int]uint64{}
		}
		want[level][minute]++
	}
	api.write("", logsOf(entries...))
	start := base.Truncate(time.Minute)
	q := func(pairs ...string) url.Values {
		v := query(pairs...)
		v.Set("start", start.Format(time.RFC3339))
		v.Set("end", start.Add(15*time.Minute).Format(time.RFC3339))
		return v
	}

	var h histogramAnswer
	api.ok("/api/v1/histogram", q("by", "level", "step", "1m"), &h)
	require.Len(t, h.Times, 15)
	require.EqualValues(t, 600, h.Total.Count)
	require.Nil(t, h.Other)
	require.Equal(t, []string{"info", "error", "warn"}, []string{h.Series[0].Value, h.Series[1].Value, h.Series[2].Value})
	for _, series := range h.Series {
		for minute, count := range series.Counts {
			require.Equal(t, want[series.Value][minute], count, "%s in minute %d", series.Value, minute)
		}
	}

	t.Run("top and other make the total", func(t *testing.T) {
		for _, by := range []string{"service", "host_name", "n", "level"} {
			var h histogramAnswer
			api.ok("/api/v1/histogram", q("by", by, "top", "2", "step", "1m"), &h)
			require.Len(t, h.Series, 2, by)
			require.NotNil(t, h.Other, by)
			for i := range h.Times {
				require.Equal(t, h.Total.Counts[i], h.Series[0].Counts[i]+h.Series[1].Counts[i]+h.Other.Counts[i], "%s in minute %d", by, i)
			}
			require.Equal(t, h.Total.Count, h.Series[0].Count+h.Series[1].Count+h.Other.Count)
		}
	})
	t.Run("filters apply", func(t *testing.T) {
		var h histogramAnswer
		api.ok("/api/v1/histogram", q("service", "s1", "level", "error"), &h)
		require.EqualValues(t, len(api.logs(q("service", "s1", "level", "error", "limit", "600")).Logs), h.Total.Count)
		require.Equal(t, "15s", h.Step)
	})
	t.Run("a range without beginning starts at the first log", func(t *testing.T) {
		var h histogramAnswer
		api.ok("/api/v1/histogram", query("start", "0", "end", start.Add(15*time.Minute).Format(time.RFC3339)), &h)
		require.EqualValues(t, 600, h.Total.Count)
		require.Less(t, len(h.Times), 70)
	})
	t.Run("too fine a step names the limit", func(t *testing.T) {
		require.Equal(t, "max_points", api.refused(http.StatusUnprocessableEntity, "/api/v1/histogram", q("step", "1ms")).Setting)
	})
	t.Run("a field nobody has", func(t *testing.T) {
		var h histogramAnswer
		api.ok("/api/v1/histogram", q("by", "nobody_has_this"), &h)
		require.Len(t, h.Series, 1)
		require.Empty(t, h.Series[0].Value)
		require.EqualValues(t, 600, h.Series[0].Count)
	})
}

// TestNamesFindAttributesWhereverTheyAre has one label in three forms and two places.
func TestNamesFindAttributesWhereverTheyAre(t *testing.T) {
	api := newTestAPI(t)
	logs := logsOf(
		entry{service: "a", body: "dotted", attrs: map[string]any{"http.status_code": 200}},
		entry{service: "a", body: "nested", attrs: map[string]any{"http": map[string]any{"status_code": 404}}},
		entry{service: "a", body: "plain", attrs: map[string]any{"http_status_code": "500"}},
		entry{service: "b", body: "in the resource"},
	)
	logs.ResourceLogs().At(1).Resource().Attributes().PutInt("http.status-code", 302)
	api.write("", logs)

	values := func(name string) map[string]uint64 {
		var answer fieldValuesAnswer
		api.ok("/api/v1/fields/"+url.PathEscape(name)+"/values", around(), &answer)
		counts := map[string]uint64{}
		for _, v := range answer.Values {
			counts[v.Value] = v.Count
		}
		return counts
	}
	require.Equal(t, map[string]uint64{"200": 1, "404": 1, "500": 1, "302": 1}, values("http_status_code"))
	require.Equal(t, map[string]uint64{"200": 1, "404": 1}, values("http.status_code"))
	require.Equal(t, map[string]uint64{"302": 1}, values("http.status-code"))
	require.Equal(t, map[string]uint64{"a": 3, "b": 1}, values("service_name"))
	require.Equal(t, map[string]uint64{"a": 3, "b": 1}, values("service"))
	require.Equal(t, map[string]uint64{"unknown": 4}, values("level"))
	require.Equal(t, map[string]uint64{"dotted": 1, "nested": 1, "plain": 1, "in the resource": 1}, values("body"))
	require.Empty(t, values("nobody/has this"))
}

func TestFieldValuesLimits(t *testing.T) {
	api := newTestAPI(t, func(c *Config) { c.Limits.MaxGroups = 100 })
	var entries []entry
	for i := range 300 {
		entries = append(entries, entry{service: "s", body: "x", attrs: map[string]any{"id": i, "o": map[string]any{"ne": i}, "o.ne": i}})
	}
	entries = append(entries, entry{service: "s", body: "x", attrs: map[string]any{"id": 7}})
	api.write("", logsOf(entries...))

	var answer fieldValuesAnswer
	api.ok("/api/v1/fields/id/values", around("limit", "2"), &answer)
	require.Equal(t, []valueCount{{"7", 2}, {"0", 1}}, answer.Values)
	err := api.refused(http.StatusUnprocessableEntity, "/api/v1/fields/o_ne/values", around())
	require.Equal(t, "max_groups", err.Setting)
}

func TestFacetsPickFieldsThatRepeat(t *testing.T) {
	api := newTestAPI(t)
	var entries []entry
	for i := range 100 {
		entries = append(entries, entry{"s", float64(i), plog.SeverityNumberInfo, "", "x",
			map[string]any{"route": fmt.Sprint("/", i%3), "request.id": fmt.Sprint("r", i)}})
	}
	api.write("", logsOf(entries...))
	var answer facetsAnswer
	api.ok("/api/v1/facets", around(), &answer)
	require.Equal(t, []facet{
		{"service", []valueCount{{"s", 100}}},
		{"level", []valueCount{{"info", 100}}},
		{"route", []valueCount{{"/0", 34}, {"/1", 33}, {"/2", 33}}},
	}, answer.Facets)

	api.ok("/api/v1/facets", around("field", "request_id", "top", "1"), &answer)
	require.Equal(t, []facet{{"request_id", []valueCount{{"r0", 1}}}}, answer.Facets)
}

func TestContextGivesNeighboursInOrder(t *testing.T) {
	api := newTestAPI(t)
	var entries []entry
	for i := range 40 {
		entries = append(entries, entry{service: []string{"a", "b"}[i%2], at: float64(i / 8), body: fmt.Sprint(i)})
	}
	logs := logsOf(entries...)
	other := logs.ResourceLogs().At(0).ScopeLogs().AppendEmpty() // service a, another stream
	other.Scope().SetName("other")
	r := other.LogRecords().AppendEmpty()
	r.SetTimestamp(pcommon.NewTimestampFromTime(base.Add(2 * time.Second)))
	r.Body().SetStr("other stream")
	api.write("", logs)

	all := api.logs(around("direction", "forward", "limit", "1000")).Logs
	bodies := func(records []testRecord) []string { return testPage{Logs: records}.bodies() }
	for _, scope := range []string{"stream", "service", "all"} {
		var mine []testRecord
		for _, r := range all {
			if scope == "all" || r.Service == "a" && (scope == "service" || r.Body != "other stream") {
				mine = append(mine, r)
			}
		}
		for at, r := range mine {
			if r.Service != "a" || r.Body == "other stream" {
				continue
			}
			var c struct {
				Before, After []testRecord
				Record        testRecord
			}
			api.ok("/api/v1/logs/"+r.ID+"/context", query("before", "3", "after", "4", "scope", scope), &c)
			require.Equal(t, r.Body, c.Record.Body)
			require.Equal(t, bodies(mine[max(0, at-3):at]), bodies(c.Before), "%s of %v", scope, r.Body)
			require.Equal(t, bodies(mine[at+1:min(at+5, len(mine))]), bodies(c.After), "%s of %v", scope, r.Body)
		}
	}
	api.refused(http.StatusNotFound, "/api/v1/logs/999-0/context", nil)
	require.Contains(t, api.refused(http.StatusBadRequest, "/api/v1/logs/zero", nil).Message, "42-7")
}
