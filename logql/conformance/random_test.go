package conformance

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/instantdevlogs/devlogs/queryapi/logplan"
	"github.com/instantdevlogs/devlogs/storage/duckdb"
)

// TestRandomQueriesGetTheNaiveAnswer puts queries together from parts that fit the data set: what goes to the store and
// what stays here changes with every part.
func TestRandomQueriesGetTheNaiveAnswer(t *testing.T) {
	t.Parallel()
	store, err := duckdb.Open(t.Context(), duckdb.DefaultConfig(t.TempDir()))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	require.NoError(t, Load(t.Context(), store, "random"))
	evaluator := newNaive()
	rapid.Check(t, func(rt *rapid.T) {
		query, ask := drawQuery(rt)
		got, err := Answer(t.Context(), logplan.ForTenant(store, "random"), query, ask)
		require.NoError(rt, err, query)
		require.Equal(rt, evaluator.answer(query, ask), got, "%s ? %s", query, ask)
	})
}

var (
	someMatchers = []string{
		`service_name="api"`, `service_name=~"api|web"`, `service_name!="db"`, `env="prod"`, `env!~"d.*"`, `region=""`, `region=~"eu|"`, `k8s_pod_name=~"api-[01]"`,
		`http_status_code="500"`, `http_status_code!="200"`, `detected_level=~"warn|error"`, `detected_level!="info"`, `table=""`, `trace_id!=""`, `latency=~"1.*"`, `none=""`,
		`scope_name="conformance"`, `severity_number="9"`, `cached="true"`, `page!="cart"`, `event_name=""`,
	}
	someStages = []string{
		`|= "GET"`, `!= "health"`, `|~ "(?i)ERROR|done"`, `!~ "user.*bob"`, `|> "<_>took<_>"`, `!> "ts=<_>"`, `|= "a" or "表"`, `|= ip("10.0.0.0/8")`,
		`| json`, `| json status, m="request.method"`, `| logfmt`, `| logfmt --keep-empty`, `| logfmt level, status`, `| unpack`, `| decolorize`,
		"| pattern `<a> <b>=<c> <d>`", "| regexp `(?P<num>\\d+)`", `| status >= 400`, `| latency > 200`, `| http_status_code = 500`, `| http_status_code >= 200 and env="prod"`,
		`| severity_number >= 13`, `| level="error" or detected_level="warn"`, `| duration > 1s`, `| size < 2KB`, `| bytes_sent < 2000`, `| wait > 1ms`, `| region="eu" or table="users"`,
		`| __error__=""`, `| drop env`, `| drop http_status_code, trace_id`, `| drop region="eu"`, `| keep service_name, env, status, level, latency`, `| drop __error__, __error_details__`,
		"| label_format env=`{{.env}}-x`, lv=detected_level", "| line_format `{{.service_name}} {{.status}} {{__line__}}`", `| request_id=~"req-00.*"`, `| ratio > 0.5 or reading < 50`,
	}
	someLabels  = []string{"service_name", "env", "region", "detected_level", "status", "level", "http_status_code", "cached", "table", "severity_text", "page", "none", "latency", "flags"}
	someUnwraps = []string{"latency", "bytes_sent", "http_status_code", "status", "ratio", "reading", "took_ms", "duration(duration)", "bytes(size)", "gauge", "num", "severity_number"}
	someOps     = []string{"+", "-", "*", "/", "and", "or", "unless"} // no comparison: sums of the same numbers may differ in their last digit
)

func drawQuery(t *rapid.T) (string, Ask) {
	if rapid.IntRange(0, 2).Draw(t, "log") == 0 {
		from := time.Duration(rapid.IntRange(0, 50).Draw(t, "from")) * time.Minute
		return drawLog(t), Ask{
			Kind: "log", From: from, To: from + time.Duration(rapid.IntRange(1, 30).Draw(t, "span"))*time.Minute,
			Limit: rapid.SampledFrom([]int{1, 3, 5000}).Draw(t, "limit"), Newest: rapid.Bool().Draw(t, "newest"),
		}
	}
	query := drawVector(t)
	if rapid.IntRange(0, 3).Draw(t, "binary") == 0 {
		query = fmt.Sprintf("%s %s %s", query, rapid.SampledFrom(someOps).Draw(t, "op"), rapid.SampledFrom([]string{drawVector(t), "vector(2)", query}).Draw(t, "right"))
	}
	if rapid.Bool().Draw(t, "instant") {
		at := time.Duration(rapid.IntRange(0, 70).Draw(t, "at")) * time.Minute
		return query, Ask{Kind: "instant", From: at, To: at}
	}
	from := time.Duration(rapid.IntRange(0, 50).Draw(t, "from")) * time.Minute
	return query, Ask{
		Kind: "range", From: from, To: from + time.Duration(rapid.IntRange(0, 20).Draw(t, "span"))*time.Minute,
		Step: rapid.SampledFrom([]time.Duration{30 * time.Second, time.Minute, 7 * time.Minute, 13 * time.Second}).Draw(t, "step"),
	}
}

func drawLog(t *rapid.T) string {
	matchers := rapid.SliceOfN(rapid.SampledFrom(someMatchers), 0, 2).Draw(t, "matchers")
	stages := rapid.SliceOfN(rapid.SampledFrom(someStages), 0, 4).Draw(t, "stages")
	return strings.TrimSpace("{" + strings.Join(matchers, ", ") + "} " + strings.Join(stages, " "))
}

func drawGrouping(t *rapid.T) string {
	labels := rapid.SliceOfNDistinct(rapid.SampledFrom(someLabels), 0, 3, rapid.ID).Draw(t, "labels")
	return "by (" + strings.Join(labels, ", ") + ")"
}

// drawVector draws an aggregation by a few labels: one that keeps all labels has a series for nearly every entry.
func drawVector(t *rapid.T) string {
	window := rapid.SampledFrom([]string{"[1m]", "[5m]", "[90s]", "[20m]", "[5m] offset 2m", "[3m] offset -1m"}).Draw(t, "window")
	log := drawLog(t)
	if rapid.Bool().Draw(t, "unwrap") {
		log += " | unwrap " + rapid.SampledFrom(someUnwraps).Draw(t, "label") + rapid.SampledFrom([]string{"", ` | __error__=""`, ` | env="prod"`}).Draw(t, "behind")
		switch op := rapid.SampledFrom([]string{"sum", "avg", "min", "max", "first", "last", "stddev", "quantile", "max max", "sum rate", "absent"}).Draw(t, "unwrapped"); op {
		case "sum":
			return fmt.Sprintf("sum %s (sum_over_time(%s %s))", drawGrouping(t), log, window)
		case "sum rate":
			return fmt.Sprintf("sum %s (rate(%s %s))", drawGrouping(t), log, window)
		case "max max":
			return fmt.Sprintf("max %s (max_over_time(%s %s))", drawGrouping(t), log, window)
		case "quantile":
			return fmt.Sprintf("quantile_over_time(0.9, %s %s) %s", log, window, drawGrouping(t))
		case "absent":
			return fmt.Sprintf("absent_over_time(%s %s)", log, window)
		default:
			return fmt.Sprintf("%s_over_time(%s %s) %s", op, log, window, drawGrouping(t))
		}
	}
	f := rapid.SampledFrom([]string{"count_over_time", "rate", "bytes_over_time", "bytes_rate"}).Draw(t, "function")
	inner := fmt.Sprintf("sum %s (%s(%s %s))", drawGrouping(t), f, log, window)
	switch rapid.IntRange(0, 5).Draw(t, "outer") {
	case 0:
		return fmt.Sprintf("avg %s (%s)", drawGrouping(t), inner)
	case 1:
		return "count(" + inner + ")"
	case 2:
		return "max(" + inner + ")"
	}
	return inner
}
