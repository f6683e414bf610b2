package queryapi

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/extension/extensiontest"

	"github.com/instantdevlogs/devlogs/internal/testservices"
	"github.com/instantdevlogs/devlogs/queryapi/internal/metadata"
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

func TestQueryThatTakesLongerThanWritingMayIsAnswered(t *testing.T) {
	api := newTestAPI(t, func(c *Config) { c.ServerConfig.WriteTimeout = 20 * time.Millisecond })
	manyValues(api, 50_000)
	slow := `sum(count_over_time({} | json | regexp "(?P<x>.)$" [1h]))`
	since := time.Now()
	require.Equal(t, http.StatusOK, api.get("/api/v1/explain", around("query", slow)).status)
	require.Greater(t, time.Since(since), 20*time.Millisecond, "else this shows nothing")
	api.refused(http.StatusUnprocessableEntity, "/api/v1/explain", around("query", `sum by (id) (sum_over_time({} | json | unwrap n [2h])) > 0`))
}

// cancelMidway asks, hangs up as soon as begun says that the query runs, and waits until nothing runs. It tells how long that
// took.
func cancelMidway(t *testing.T, api *testAPI, path string, query url.Values, begun func()) time.Duration {
	t.Helper()
	ctx, hangUp := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, api.url+path+"?"+query.Encode(), nil)
		if err != nil {
			return
		}
		if response, err := http.DefaultClient.Do(request); err == nil {
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
		}
	}()
	begun()
	since := time.Now()
	hangUp()
	<-ended
	for counterValue(t, api, "devlogs_query_in_flight") > 0 { // a request ends when its SQL has
		require.Less(t, time.Since(since), time.Minute)
	}
	return time.Since(since)
}

// freeWithin would be a second, were the machine idle.
const freeWithin = 10 * time.Second

func TestClientThatHangsUpFreesItsQueryOnDuckDB(t *testing.T) {
	api := newTestAPI(t)
	manyValues(api, 100_000)
	leaf := `sum by (x) (count_over_time({} | json | regexp "(?P<x>.)$" [1h]))`
	for _, query := range []string{
		strings.Repeat(`sum(count_over_time({} |~ "(?i)(u|0|1|2)+.*(x|y|z){2}[a-f]+$" [1h])) or `, 20) + "vector(1)",
		leaf,
	} {
		ask := around("query", query)
		since := time.Now()
		require.Equal(t, http.StatusOK, api.get("/api/v1/explain", ask).status)
		whole := time.Since(since)
		took := cancelMidway(t, api, "/api/v1/explain", ask, func() {
			for counterValue(t, api, "devlogs_query_in_flight") == 0 { // it has begun
			}
		})
		t.Logf("%s…: %s to its end, free after %s", query[:60], whole, took)
		require.Less(t, took, freeWithin)
		require.Less(t, took, whole/2)
	}
}

func TestClientThatHangsUpFreesItsQueryOnPostgres(t *testing.T) {
	dsn := testservices.PrivatePostgres(t).Database(t).DSN
	settings := postgres.DefaultConfig(configopaque.String(dsn))
	store, err := postgres.Open(t.Context(), settings)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	config := testConfig("")
	config.Storage = StorageConfig{Postgres: configoptional.Some(settings)}
	api := startTestAPI(t, extensiontest.NewNopSettings(metadata.Type), store, config)
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
		require.NoError(t, watch.QueryRow(t.Context(),
			"SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND state = 'active'").Scan(&n))
		return n
	}
	for _, query := range []string{`{} |= "x"`, `sum by (level) (count_over_time({}[1h]))`, `{} | json`} {
		took := cancelMidway(t, api, "/api/v1/explain", around("query", query), func() {
			for waiting() == 0 { // it has begun
			}
		})
		for since := time.Now(); waiting() > 0; {
			require.Less(t, time.Since(since), freeWithin)
		}
		t.Logf("%s: free after %s", query, took)
		require.Less(t, took, freeWithin)
	}
	require.NoError(t, locked.Rollback(t.Context()))
	var answer testPage
	require.NoError(t, json.Unmarshal([]byte(api.get("/api/v1/logs", around("query", "{}")).body), &answer))
	require.Len(t, answer.Logs, 5)
}
