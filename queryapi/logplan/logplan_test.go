package logplan_test

import (
	"context"
	"iter"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/goleak"

	"github.com/instantdevlogs/devlogs/logql"
	"github.com/instantdevlogs/devlogs/logql/engine"
	"github.com/instantdevlogs/devlogs/logql/pipeline"
	"github.com/instantdevlogs/devlogs/queryapi/logplan"
	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/duckdb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const tenant = "acme"

// base is the time of the first record; record i comes i seconds later.
var base = time.Date(2024, 5, 6, 7, 0, 0, 0, time.UTC)

// openStore gives a store with the logs of two services: 60 records of "api" and 30 of "web", one each second.
func openStore(t testing.TB) *duckdb.Store {
	t.Helper()
	store, err := duckdb.Open(t.Context(), duckdb.DefaultConfig(t.TempDir()))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	write(t, store, testLogs(0))
	return store
}

func write(t testing.TB, store *duckdb.Store, logs plog.Logs) {
	t.Helper()
	rows := &storage.Rows{}
	storage.Encode(rows, logs, tenant, pcommon.NewTimestampFromTime(base))
	_, err := store.Write(t.Context(), storage.Batch{ID: uuid.New(), Rows: rows})
	require.NoError(t, err)
}

func testLogs(from int) plog.Logs {
	logs := plog.NewLogs()
	for _, service := range []struct {
		name string
		n    int
	}{{"api", 60}, {"web", 30}} {
		rl := logs.ResourceLogs().AppendEmpty()
		rl.Resource().Attributes().PutStr("service.name", service.name)
		rl.Resource().Attributes().PutStr("env", "prod")
		records := rl.ScopeLogs().AppendEmpty().LogRecords()
		for i := from; i < from+service.n; i++ {
			r := records.AppendEmpty()
			r.SetTimestamp(pcommon.NewTimestampFromTime(base.Add(time.Duration(i) * time.Second)))
			r.SetSeverityNumber(plog.SeverityNumber(9 + 4*(i%3)))
			r.Body().SetStr(`{"n":` + strconv.Itoa(i) + `,"msg":"request ` + strconv.Itoa(i) + `"}`)
			r.Attributes().PutInt("http.status_code", int64(200+100*(i%4)))
			r.Attributes().PutDouble("took", float64(i)/2)
			r.Attributes().PutStr("mixed", strconv.Itoa(i))
			if i == 7 {
				r.Attributes().PutStr("mixed", "7ms")
			}
			r.SetTraceID([16]byte{1: byte(i + 1)})
		}
	}
	return logs
}

func planner(store storage.Reader) *logplan.Planner {
	return logplan.New(logplan.ForTenant(store, tenant), logplan.Options{Limits: engine.DefaultLimits, Now: base})
}

func planLog(t testing.TB, p *logplan.Planner, query string, direction storage.Direction, limit int) *logplan.LogPlan {
	t.Helper()
	q, err := logql.ParseLog(query)
	require.NoError(t, err, query)
	plan, err := p.Log(t.Context(), logplan.LogRequest{
		Query: q, Start: pcommon.NewTimestampFromTime(base), End: pcommon.NewTimestampFromTime(base.Add(time.Hour)), Direction: direction, Limit: limit,
	})
	require.NoError(t, err, query)
	return plan
}

func planMetric(t testing.TB, p *logplan.Planner, query string, grid engine.Grid) *logplan.MetricPlan {
	t.Helper()
	expr, err := logql.ParseMetric(query)
	require.NoError(t, err, query)
	plan, err := p.Metric(t.Context(), expr, grid)
	require.NoError(t, err, query)
	return plan
}

// grid is every 10 s of the first minute.
func grid() engine.Grid {
	return engine.Grid{Start: base.UnixNano(), End: base.Add(time.Minute).UnixNano(), Step: 10 * time.Second}
}

func TestLogQueryLeavesToGoWhatTheStoreCannotTell(t *testing.T) {
	store := openStore(t)
	for _, c := range []struct {
		query string
		where string
		rest  []string
	}{
		{`{}`, ``, []string{}},
		{`{env="prod"}`, ``, []string{}},
		{`{service_name="api"}`, `stream is`, []string{}},
		{`{service_name="none"}`, `false`, []string{}},
		{`{service_name=~"api|web"}`, ``, []string{}},
		{`{http_status_code="500"}`, `attributes/http.status_code is "500"`, []string{}},
		{`{detected_level="error"}`, `(severity >= 17 and severity < 21) or (severity <= 0 and `, []string{}},
		{`{} |= "a" != "b"`, `body contains "a" and not (body contains "b")`, []string{}},
		{`{} |~ "a|b"`, `body contains "a" or body contains "b"`, []string{}},
		{`{} |~ "(?i)timeout"`, `body contains (any case) "timeout"`, []string{}},
		{`{} |~ "a.b"`, `body matches "(?s)a.b"`, []string{}},
		{`{} |> "<_>a<_>"`, `body contains "a"`, []string{}},
		{`{} |= ip("10.0.0.1")`, ``, []string{`|= ip("10.0.0.1")`}},
		{`{} | json |= "a" | n > 5`, `body contains "a"`, []string{`| json`, `| n > 5`}},
		{`{} | line_format "x" |= "a"`, ``, []string{`| line_format "x"`, `|= "a"`}},
		{`{} | http_status_code >= 500`, `has attributes/http.status_code and attributes/http.status_code >= 500`, []string{}},
		{`{} | mixed > 5`, ``, []string{`| mixed > 5`}},
		{`{} | took = "2"`, ``, []string{`| took="2"`}},
		{`{} | took > 2`, `has attributes/took and (attributes/took > 2 or attributes/took is "{\"$double\":\"+Inf\"}")`, []string{}},
		{`{} | http_status_code=~"5.." and mixed > 5`, `attributes/http.status_code matches "^(?:5..)$"`, []string{`| http_status_code=~"5.." and mixed > 5`}},
		{`{} | json | http_status_code="500"`, ``, []string{`| json`, `| http_status_code="500"`}},
		{`{} | trace_id="00020000000000000000000000000000"`, `trace_id is`, []string{}},
		{`{} | severity_number < 17`, `has severity and severity < 17`, []string{}},
		{`{} | drop http_status_code | mixed="1"`, `attributes/mixed is "1"`, []string{`| drop http_status_code`}},
		{`{} | drop mixed | mixed="1"`, ``, []string{`| drop mixed`, `| mixed="1"`}},
	} {
		part := planLog(t, planner(store), c.query, storage.NewestFirst, 10).Explain().Parts[0]
		if c.where == "" {
			assert.Empty(t, part.Where, c.query)
		}
		assert.Contains(t, part.Where, c.where, c.query)
		assert.Equal(t, c.rest, part.Rest, c.query)
	}
}

func TestMetricQueryIsCountedByTheStoreWhereThatIsExact(t *testing.T) {
	store := openStore(t)
	for _, c := range []struct{ query, store, why string }{
		{`sum(count_over_time({}[10s]))`, "aggregate", ""},
		{`sum by (service_name) (rate({} |= "request" [1m]))`, "aggregate", ""},
		{`sum by (detected_level, http_status_code) (bytes_over_time({} | drop __error__ [1m]))`, "aggregate", ""},
		{`absent_over_time({service_name="x"}[1m])`, "aggregate", ""},
		{`sum by (took) (count_over_time({}[1m]))`, "aggregate", ""},
		{`avg_over_time({} | unwrap http_status_code | __error__="" [1m]) by (service_name)`, "aggregate", ""},
		{`max by (service_name) (max_over_time({} | unwrap took | severity_number > 9 [1m]))`, "aggregate", ""},
		{`count_over_time({}[1m])`, "search", "keep all labels"},
		{`sum without (service_name) (count_over_time({}[1m]))`, "search", "keep all labels"},
		{`sum by (n) (count_over_time({} | json [1m]))`, "search", "stages are left"},
		{`quantile_over_time(0.9, {} | unwrap took [1m]) by (service_name)`, "search", "needs each entry"},
		{`sum(sum_over_time({} | unwrap duration(mixed) [1m]))`, "search", "can't convert"},
		{`sum(sum_over_time({} | unwrap service_name [1m]))`, "search", "not one attribute"},
	} {
		part := planMetric(t, planner(store), c.query, grid()).Explain().Parts[0]
		assert.Equal(t, c.store, part.Store, c.query)
		assert.Contains(t, part.Why, c.why, c.query)
	}
}

func TestUnwrappedTextFallsBackToEntriesWhereItIsNoNumber(t *testing.T) {
	store := openStore(t)
	plan := planMetric(t, planner(store), `sum by (service_name) (sum_over_time({} | unwrap mixed | __error__="" [10s]))`, grid())
	require.Equal(t, "aggregate", plan.Explain().Parts[0].Store)
	got, err := plan.Evaluate(t.Context())
	require.NoError(t, err)
	require.Len(t, got.Matrix, 2)
	// Second 0; 1 to 10 without 7, which is "7ms"; 11 to 20; …
	require.Equal(t, []float64{0, 48, 155, 255, 355, 455, 495}, values(got.Matrix[0])[:7])
}

func values(s engine.Series) []float64 {
	var all []float64
	for _, p := range s.Points {
		all = append(all, p.Value)
	}
	return all
}

func TestLimitedSearchReadsNoMoreThanItTakes(t *testing.T) {
	store := openStore(t)
	for _, direction := range []storage.Direction{storage.NewestFirst, storage.OldestFirst} {
		p := planner(store)
		var got []string
		for e, err := range planLog(t, p, `{service_name="api"} | json | n >= 10`, direction, 3).Entries(t.Context()) {
			require.NoError(t, err)
			for _, l := range e.Labels {
				if l.Name == "n" {
					got = append(got, l.Value)
				}
			}
		}
		want := []string{"59", "58", "57"}
		if direction == storage.OldestFirst {
			want = []string{"10", "11", "12"}
		}
		require.Equal(t, want, got)
		require.Less(t, p.Stats().Records, uint64(30))
	}
}

func TestEntryHasItsLabelsInThreeKinds(t *testing.T) {
	store := openStore(t)
	for e, err := range planLog(t, planner(store), `{service_name="web"} | json`, storage.OldestFirst, 1).Entries(t.Context()) {
		require.NoError(t, err)
		kinds := map[pipeline.Kind]map[string]string{pipeline.Stream: {}, pipeline.Metadata: {}, pipeline.Parsed: {}}
		for _, l := range e.Labels {
			kinds[l.Kind][l.Name] = l.Value
		}
		require.Equal(t, map[pipeline.Kind]map[string]string{
			pipeline.Stream: {"service_name": "web", "env": "prod"},
			pipeline.Metadata: {
				"detected_level": "info", "severity_number": "9", "http_status_code": "200", "took": "0", "mixed": "0",
				"trace_id": "00010000000000000000000000000000",
			},
			pipeline.Parsed: {"n": "0", "msg": "request 0"},
		}, kinds)
	}
}

func TestReadingTooMuchNamesTheLimit(t *testing.T) {
	store := openStore(t)
	p := logplan.New(logplan.ForTenant(store, tenant), logplan.Options{MaxBytes: 1000})
	var err error
	for _, err = range planLog(t, p, `{} | json`, storage.NewestFirst, 0).Entries(t.Context()) {
	}
	var limit *engine.LimitError
	require.ErrorAs(t, err, &limit)
	require.Equal(t, "max_query_bytes", limit.Limit)
}

func TestTailFindsWhatSearchFinds(t *testing.T) {
	store := openStore(t)
	for _, query := range []string{
		`{service_name="api"} |= "request"`, `{service_name="api"} | json | n > 50`, `{env="prod"} | http_status_code="500"`,
		`{} | json | line_format "{{.n}}" |= "5"`, `{service_name=~"w.*"} !~ "request .*1"`,
	} {
		q, err := logql.ParseLog(query)
		require.NoError(t, err)
		var want, got []string
		for e, err := range planLog(t, planner(store), query, storage.OldestFirst, 0).Entries(t.Context()) {
			require.NoError(t, err)
			want = append(want, e.Record.ID.String()+e.Line)
		}
		ctx, cancel := context.WithCancel(t.Context())
		for e, err := range planner(store).Tail(ctx, q, 0, 0) {
			if err != nil {
				require.ErrorIs(t, err, context.Canceled)
				break
			}
			if got = append(got, e.Record.ID.String()+e.Line); len(got) == len(want) {
				cancel()
			}
		}
		cancel()
		require.ElementsMatch(t, want, got, query)
	}
}

// single refuses a question while another one is open.
type single struct {
	logplan.Store
	t    *testing.T
	open bool
	n    int
}

func alone[A, T any](s *single, ctx context.Context, a A, ask func(context.Context, A) iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		require.False(s.t, s.open, "a question is asked while another one is open")
		s.open = true
		s.n++
		defer func() { s.open = false }()
		ask(ctx, a)(yield)
	}
}

func (s *single) Search(ctx context.Context, q storage.Query) iter.Seq2[storage.Record, error] {
	return alone(s, ctx, q, s.Store.Search)
}

func (s *single) Aggregate(ctx context.Context, a storage.Aggregation) iter.Seq2[storage.Point, error] {
	return alone(s, ctx, a, s.Store.Aggregate)
}

// TestPartsOfAQueryDoNotWaitForEachOther asks a store that has one connection.
func TestPartsOfAQueryDoNotWaitForEachOther(t *testing.T) {
	store := openStore(t)
	many := plog.NewLogs() // records and points: more than are taken at a time
	for i := range 400 {
		testLogs(100 * (i + 1)).ResourceLogs().MoveAndAppendTo(many.ResourceLogs())
	}
	write(t, store, many)
	day := engine.Grid{Start: base.UnixNano(), End: base.Add(12 * time.Hour).UnixNano(), Step: time.Second}
	same := `sum by (took, service_name, mixed) (count_over_time({}[1s])) - sum by (took, service_name, mixed) (count_over_time({} | json [1s]))`
	for query, parts := range map[string]int{
		`sum(count_over_time({} | json [1s])) + sum(count_over_time({service_name="api"} | json | n > 5 [3s]))`: 2,
		same: 3,
		`sum by (service_name) (sum_over_time({} | unwrap mixed | __error__="" [1s]))`:  1,
		`sum(rate({}[7s])) or sum(rate({} | json [7s])) or sum(rate({}[5s] offset 3s))`: 3,
	} {
		one := &single{Store: logplan.ForTenant(store, tenant), t: t}
		options := logplan.Options{Limits: engine.Limits{}, Now: base}
		expr, err := logql.ParseMetric(query)
		require.NoError(t, err)
		plan, err := logplan.New(one, options).Metric(t.Context(), expr, day)
		require.NoError(t, err)
		got, err := plan.Evaluate(t.Context())
		require.NoError(t, err)
		require.NotEmpty(t, got.Matrix)
		require.Greater(t, one.n, parts, query)
		for _, series := range got.Matrix {
			if query == same {
				require.Equal(t, make([]float64, len(series.Points)), values(series))
			}
		}
	}
}
