package queryapi

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/internal/testservices"
	"github.com/instantdevlogs/devlogs/queryapi/internal/metadata"
	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/duckdb"
	"github.com/instantdevlogs/devlogs/storage/postgres"
)

var update = flag.Bool("update", false, "rewrite golden files")

// testAPI is a running query_api over a store of its own.
type testAPI struct {
	t     testing.TB
	ext   *queryAPI
	store storage.Writer
	url   string
}

func newTestAPI(t testing.TB, change ...func(*Config)) *testAPI {
	t.Helper()
	return newTestAPIWith(t, extensiontest.NewNopSettings(metadata.Type), change...)
}

func newTestAPIWith(t testing.TB, set extension.Settings, change ...func(*Config)) *testAPI {
	t.Helper()
	settings := duckdb.DefaultConfig(t.TempDir())
	store, err := duckdb.Open(t.Context(), settings)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return startTestAPI(t, set, store, testConfig(settings.Path), change...)
}

// newPostgresAPI is newTestAPI over PostgreSQL.
func newPostgresAPI(t testing.TB, change ...func(*postgres.Config)) *testAPI {
	t.Helper()
	settings := postgres.DefaultConfig(configopaque.String(testservices.PrivatePostgres(t).Database(t).DSN))
	for _, c := range change {
		c(&settings)
	}
	store, err := postgres.Open(t.Context(), settings)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	config := testConfig("")
	config.Storage = StorageConfig{Postgres: configoptional.Some(settings)}
	return startTestAPI(t, extensiontest.NewNopSettings(metadata.Type), store, config)
}

func startTestAPI(t testing.TB, set extension.Settings, store storage.Writer, config *Config, change ...func(*Config)) *testAPI {
	t.Helper()
	for _, c := range change {
		c(config)
	}
	require.NoError(t, config.Validate())
	ext, err := newQueryAPI(set, config)
	require.NoError(t, err)
	require.NoError(t, ext.Start(t.Context(), componenttest.NewNopHost()))
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		require.NoError(t, ext.Shutdown(context.Background()))
	})
	require.NoError(t, ext.Ready())
	return &testAPI{t: t, ext: ext, store: store, url: "http://" + ext.listener.Addr().String()}
}

func testConfig(path string) *Config {
	config := createDefaultConfig().(*Config)
	config.ServerConfig.NetAddr.Endpoint = "localhost:0"
	config.Storage.DuckDB = configoptional.Some(duckdb.DefaultConfig(path))
	return config
}

// write stores logs as one batch.
func (a *testAPI) write(tenant string, logs plog.Logs) {
	a.t.Helper()
	var rows storage.Rows
	storage.Encode(&rows, logs, tenant, pcommon.NewTimestampFromTime(base))
	_, err := a.store.Write(a.t.Context(), storage.Batch{ID: uuid.New(), Rows: &rows})
	require.NoError(a.t, err)
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// get asks and checks the exchange against openapi.yaml.
func (a *testAPI) get(path string, query url.Values, header ...string) answer {
	a.t.Helper()
	request, err := http.NewRequestWithContext(a.t.Context(), http.MethodGet, a.url+path+"?"+query.Encode(), nil)
	require.NoError(a.t, err)
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(a.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(a.t, err)
	conform(a.t, request, response, body)
	return answer{response.StatusCode, response.Header, string(body)}
}

// head asks whether there is something, and for the status only.
func (a *testAPI) head(path string) int {
	a.t.Helper()
	request, err := http.NewRequestWithContext(a.t.Context(), http.MethodHead, a.url+path, nil)
	require.NoError(a.t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(a.t, err)
	require.NoError(a.t, response.Body.Close())
	return response.StatusCode
}

// ok asks for JSON that must come.
func (a *testAPI) ok(path string, query url.Values, out any, header ...string) {
	a.t.Helper()
	got := a.get(path, query, header...)
	require.Equal(a.t, http.StatusOK, got.status, got.body)
	require.NoError(a.t, json.Unmarshal([]byte(got.body), out), got.body)
}

// refused asks for what must fail and gives the error.
func (a *testAPI) refused(status int, path string, query url.Values, header ...string) apiError {
	a.t.Helper()
	got := a.get(path, query, header...)
	require.Equal(a.t, status, got.status, got.body)
	var e struct{ Error apiError }
	require.NoError(a.t, json.Unmarshal([]byte(got.body), &e), got.body)
	require.NotEmpty(a.t, e.Error.Message)
	return e.Error
}

// logs asks for one page.
func (a *testAPI) logs(query url.Values, header ...string) testPage {
	a.t.Helper()
	var p testPage
	a.ok("/api/v1/logs", query, &p, header...)
	return p
}

type testPage struct {
	Logs       []testRecord
	NextCursor string `json:"next_cursor"`
}

type testRecord struct {
	ID           string
	Time         string
	TimeUnixNano string `json:"time_unix_nano"`
	Level        string
	Service      string
	Body         any
	Attributes   map[string]any
	TraceID      string `json:"trace_id"`
}

func (p testPage) bodies() []string {
	bodies := make([]string, len(p.Logs))
	for i, r := range p.Logs {
		bodies[i] = fmt.Sprint(r.Body)
	}
	return bodies
}

// params makes a query of names and values.
func query(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

// base is the time of the tests' logs; around holds all of them.
var base = time.Date(2026, 1, 2, 15, 4, 5, 123456789, time.UTC)

func around(pairs ...string) url.Values {
	v := query(pairs...)
	v.Set("start", base.Add(-time.Hour).Format(time.RFC3339))
	v.Set("end", base.Add(time.Hour).Format(time.RFC3339))
	return v
}

// entry is a log record for tests; at is seconds after base.
type entry struct {
	service  string
	at       float64
	severity plog.SeverityNumber
	text     string
	body     string
	attrs    map[string]any
}

func logsOf(entries ...entry) plog.Logs {
	logs := plog.NewLogs()
	scopes := map[string]plog.ScopeLogs{}
	for _, e := range entries {
		scope, ok := scopes[e.service]
		if !ok {
			rl := logs.ResourceLogs().AppendEmpty()
			if e.service != "" {
				rl.Resource().Attributes().PutStr("service.name", e.service)
				rl.Resource().Attributes().PutStr("host.name", e.service+"-1")
			}
			scope = rl.ScopeLogs().AppendEmpty()
			scopes[e.service] = scope
		}
		r := scope.LogRecords().AppendEmpty()
		r.SetTimestamp(pcommon.NewTimestampFromTime(base.Add(time.Duration(e.at * float64(time.Second)))))
		r.SetSeverityNumber(e.severity)
		r.SetSeverityText(e.text)
		r.Body().SetStr(e.body)
		if err := r.Attributes().FromRaw(e.attrs); err != nil {
			panic(err)
		}
	}
	return logs
}

// golden compares with a file, or rewrites it with -update.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "go test -update makes it")
	require.Equal(t, string(want), got)
}
