package queryapi

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"regexp"
	"runtime/metrics"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/extension/extensiontest"

	"github.com/instantdevlogs/devlogs/internal/testservices"
	"github.com/instantdevlogs/devlogs/queryapi/internal/metadata"
	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/postgres"
)

func quoteRegexp(s string) string { return regexp.QuoteMeta(s) }

// manyValues stores n records whose bodies and attributes never repeat.
func manyValues(api *testAPI, n int) {
	const batch = 5000
	for from := 0; from < n; from += batch {
		entries := make([]entry, batch)
		for i := range entries {
			id := fmt.Sprintf("u%08d", from+i)
			entries[i] = entry{service: "s", body: `{"id":"` + id + `","n":` + fmt.Sprint(i) + `,"pad":"` + strings.Repeat(id, 8) + `"}`, attrs: map[string]any{"user": id}}
		}
		api.write("", logsOf(entries...))
	}
}

// heapDuring tells by how much the heap grew while something ran.
func heapDuring(t *testing.T, run func()) (grown int64) {
	t.Helper()
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	read := func() int64 { metrics.Read(sample); return int64(sample[0].Value.Uint64()) }
	before, most := read(), int64(0)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			most = max(most, read())
			select {
			case <-tick.C:
			case <-stop:
				return
			}
		}
	}()
	run()
	close(stop)
	<-done
	return most - before
}

// TestHostileQueriesMeetALimitInBoundedMemory asks for more series than a query may hold: those of every record.
func TestHostileQueriesMeetALimitInBoundedMemory(t *testing.T) {
	api := newTestAPI(t)
	manyValues(api, 150_000)
	for setting, query := range map[string]string{
		"max_query_groups": `sum by (id) (sum_over_time({service_name=~".+"} | json | unwrap n [2h]))`,
		"max_query_series": `count_over_time({service_name=~".+"} |= "u0000" [2h])`,
	} {
		t.Run(setting, func(t *testing.T) {
			var err apiError
			ask := around("query", query)
			grown := heapDuring(t, func() { err = api.refused(http.StatusUnprocessableEntity, "/api/v1/explain", ask) })
			require.Equal(t, setting, err.Setting)
			require.Contains(t, err.Hint, "limits::"+setting)
			t.Logf("heap grew by %d MiB", grown>>20)
			require.Less(t, grown, int64(300<<20))
		})
	}
	t.Run("histogram", func(t *testing.T) {
		err := api.refused(http.StatusUnprocessableEntity, "/api/v1/histogram", around("query", `{} | json`, "by", "id"))
		require.Equal(t, "max_groups", err.Setting)
	})
}

// Templates make values of any length: of long ones, fewer are held.
func TestLongValuesCountForMore(t *testing.T) {
	api := newTestAPI(t, func(c *Config) { c.Limits.MaxGroups, c.Limits.MaxQueryGroups = 100, 100 })
	entries := make([]entry, 50)
	for i := range entries {
		entries[i] = entry{service: "s", body: "b", attrs: map[string]any{"user": fmt.Sprint(i)}}
	}
	api.write("", logsOf(entries...))
	long := `{} | label_format long="{{.user}}` + strings.Repeat("x", 3000) + `"`
	short := `{} | label_format long="{{.user}}"`
	for _, path := range []string{"/api/v1/histogram", "/api/v1/facets"} {
		ask := func(query string) url.Values {
			return around("query", query, map[string]string{"/api/v1/histogram": "by", "/api/v1/facets": "field"}[path], "long")
		}
		require.Equal(t, http.StatusOK, api.get(path, ask(short)).status, path)
		require.Equal(t, "max_groups", api.refused(http.StatusUnprocessableEntity, path, ask(long)).Setting, path)
	}
	count := func(query string) url.Values {
		return around("query", "sum by (long) (count_over_time("+query+" [2h]))")
	}
	require.Equal(t, http.StatusOK, api.get("/api/v1/explain", count(short)).status)
	require.Equal(t, "max_query_groups", api.refused(http.StatusUnprocessableEntity, "/api/v1/explain", count(long)).Setting)

	for i := range entries {
		entries[i].service = fmt.Sprint(i) + strings.Repeat("x", 3000)
	}
	api.write("", logsOf(entries...))
	volume := func(query string) answer { return api.get("/loki/api/v1/index/volume", around("query", query)) }
	require.Equal(t, http.StatusOK, volume(`{service_name="s"}`).status)
	require.Contains(t, volume(`{}`).body, "max_groups")
}

func TestQueryThatTakesLongerThanWritingMayIsAnswered(t *testing.T) {
	const writeTimeout = 100 * time.Millisecond
	api := newTestAPI(t, func(c *Config) { c.ServerConfig.WriteTimeout = writeTimeout })
	manyValues(api, 10_000)
	slow := "sum(count_over_time({} | json " + strings.Repeat("| regexp `(?P<x>.)(?P<y>.*)$` ", 10) + "[1h]))"
	since := time.Now()
	require.Equal(t, http.StatusOK, api.get("/api/v1/explain", around("query", slow)).status)
	require.Greater(t, time.Since(since), writeTimeout, "else this shows nothing")
	api.refused(http.StatusUnprocessableEntity, "/api/v1/explain", around("query", `sum by (id) (sum_over_time({} | json | unwrap n [2h])) > 0`))
}

// patient takes away every limit that could end a query before its client does.
func patient(c *Config) {
	c.Limits.QueryTimeout, c.Limits.ExportTimeout, c.Limits.MaxWait = time.Hour, time.Hour, time.Hour
}

// ask sends a query and forgets the answer. hangUp makes the client go away.
func ask(t *testing.T, address, path string, query url.Values) (hangUp context.CancelFunc, ended <-chan struct{}) {
	ctx, hangUp := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address+path+"?"+query.Encode(), nil)
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if response, err := http.DefaultClient.Do(request); err == nil {
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
		}
	}()
	return hangUp, done
}

// watchedReader numbers questions and tells when one's first statement is sent and when all its work has ended.
type watchedReader struct {
	storage.Reader
	asked        atomic.Int64
	began, ended chan int64
}

func watched[A, T any](r *watchedReader, ctx context.Context, a A, ask func(context.Context, A) iter.Seq2[T, error]) iter.Seq2[T, error] {
	n := r.asked.Add(1)
	var once sync.Once
	ctx = storage.WithTrace(ctx, func(string, []string) { once.Do(func() { r.began <- n }) })
	return func(yield func(T, error) bool) {
		defer func() { r.ended <- n }()
		ask(ctx, a)(yield)
	}
}

func (r *watchedReader) Search(ctx context.Context, q storage.Query) iter.Seq2[storage.Record, error] {
	return watched(r, ctx, q, r.Reader.Search)
}

func (r *watchedReader) Aggregate(ctx context.Context, a storage.Aggregation) iter.Seq2[storage.Point, error] {
	return watched(r, ctx, a, r.Reader.Aggregate)
}

// TestClientThatHangsUpFreesItsQueryOnDuckDB asks two queries at once, of which the first takes several times as long, and
// takes that one back. It has been freed when it ends before the other.
func TestClientThatHangsUpFreesItsQueryOnDuckDB(t *testing.T) {
	api := newTestAPI(t)
	manyValues(api, 100_000)
	reader := &watchedReader{Reader: api.ext.store, began: make(chan int64, 2), ended: make(chan int64, 2)}
	address := serveReader(t, reader, patient)
	inStore := func(parts int) string { // one statement
		return "sum(count_over_time({} |~ `" + strings.Repeat("(?i)(u|0|1|2)+.*(x|y|z){2}[a-f]+$` or `", parts) + "never` [2h]))"
	}
	inGo := func(parts int) string { // one pass over all records
		return "sum by (x) (count_over_time({} | json " + strings.Repeat("| regexp `(?P<x>.)(?P<y>.*)$` ", parts) + "[2h]))"
	}
	for name, query := range map[string]func(parts int) string{"in the store": inStore, "in Go": inGo} {
		t.Run(name, func(t *testing.T) {
			takeBack, _ := ask(t, address, "/loki/api/v1/query", around("query", query(600), "time", around().Get("end")))
			long := <-reader.began
			hangUp, ended := ask(t, address, "/loki/api/v1/query", around("query", query(200), "time", around().Get("end")))
			short := <-reader.began
			takeBack()
			require.Equal(t, long, <-reader.ended)
			hangUp()
			require.Equal(t, short, <-reader.ended)
			<-ended
		})
	}
}

// running is how many requests have begun and not ended: a request ends when its SQL has.
func running(t *testing.T, api *testAPI) float64 {
	families, err := api.ext.telemetry.registry.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == "devlogs_query_in_flight" {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatal("no devlogs_query_in_flight")
	return 0
}

// TestClientThatHangsUpFreesItsQueryOnPostgres lets queries wait for a lock, which is held until they have let go.
func TestClientThatHangsUpFreesItsQueryOnPostgres(t *testing.T) {
	dsn := testservices.PrivatePostgres(t).Database(t).DSN
	settings := postgres.DefaultConfig(configopaque.String(dsn))
	store, err := postgres.Open(t.Context(), settings)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	t.Setenv("PGAPPNAME", "asker") // tells its queries from the store's maintenance, which waits for the lock too
	settings.ReadOnly, settings.QueryTimeout = true, time.Hour
	config := testConfig("")
	config.Storage = StorageConfig{Postgres: configoptional.Some(settings)}
	api := startTestAPI(t, extensiontest.NewNopSettings(metadata.Type), store, config, patient)
	api.write("", filterLogs())

	admin, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer admin.Close(context.Background())
	locked, err := admin.Begin(t.Context())
	require.NoError(t, err)
	_, err = locked.Exec(t.Context(), "LOCK TABLE logs IN ACCESS EXCLUSIVE MODE") // queries now last as long as we like
	require.NoError(t, err)
	watch, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer watch.Close(context.Background())
	waiting := func() (n int) {
		require.NoError(t, watch.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity
			WHERE application_name = 'asker' AND wait_event_type = 'Lock' AND state = 'active'`).Scan(&n))
		return n
	}
	for _, query := range []string{`{} |= "x"`, `sum by (level) (count_over_time({}[1h]))`, `{} | json`} {
		hangUp, ended := ask(t, api.url, "/api/v1/explain", around("query", query))
		for waiting() == 0 {
		}
		hangUp()
		<-ended
		for running(t, api) > 0 || waiting() > 0 {
		}
	}
	require.NoError(t, locked.Rollback(t.Context()))
	var answer testPage
	require.NoError(t, json.Unmarshal([]byte(api.get("/api/v1/logs", around("query", "{}")).body), &answer))
	require.Len(t, answer.Logs, 5)
}
