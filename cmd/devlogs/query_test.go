package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/queryapi"
	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/duckdb"
)

// startQueryAPI runs a query_api over a store of its own and gives its address and the store.
func startQueryAPI(t *testing.T) (string, *duckdb.Store) {
	t.Helper()
	settings := duckdb.DefaultConfig(t.TempDir())
	store, err := duckdb.Open(t.Context(), settings)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })

	free, err := net.Listen("tcp", "localhost:0")
	require.NoError(t, err)
	address := free.Addr().String()
	require.NoError(t, free.Close())
	factory := queryapi.NewFactory()
	config := factory.CreateDefaultConfig().(*queryapi.Config)
	config.ServerConfig.NetAddr.Endpoint = address
	config.Storage.DuckDB = configoptional.Some(settings)
	ext, err := factory.Create(t.Context(), extensiontest.NewNopSettings(factory.Type()), config)
	require.NoError(t, err)
	require.NoError(t, ext.Start(t.Context(), componenttest.NewNopHost()))
	t.Cleanup(func() { require.NoError(t, ext.Shutdown(context.Background())) })
	return address, store
}

func storeLogs(t *testing.T, store storage.Writer, tenant string, logs plog.Logs) {
	t.Helper()
	var rows storage.Rows
	storage.Encode(&rows, logs, tenant, pcommon.NewTimestampFromTime(time.Now()))
	_, err := store.Write(t.Context(), storage.Batch{ID: uuid.New(), Rows: &rows})
	require.NoError(t, err)
}

// demoLogs are count records of the last second, one a millisecond.
func demoLogs(count int) plog.Logs {
	logs := plog.NewLogs()
	rl := logs.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "demo")
	records := rl.ScopeLogs().AppendEmpty().LogRecords()
	start := time.Now().Add(-time.Duration(count) * time.Millisecond)
	for i := range count {
		r := records.AppendEmpty()
		r.SetTimestamp(pcommon.NewTimestampFromTime(start.Add(time.Duration(i) * time.Millisecond)))
		r.SetSeverityNumber(plog.SeverityNumberInfo)
		r.Body().SetStr(fmt.Sprintf("message %d", i))
	}
	return logs
}

// runQuery runs the command as main does and gives what it wrote.
func runQuery(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	cmd := newQueryCommand()
	var out, errOut bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&errOut)
	cmd.SetArgs(args)
	err = cmd.ExecuteContext(t.Context())
	return out.String(), errOut.String(), err
}

func TestQueryTextIsLaidOutForReadingAndHarmless(t *testing.T) {
	address, store := startQueryAPI(t)
	logs := demoLogs(2)
	records := logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords()
	for i := range 2 {
		records.At(i).SetTimestamp(pcommon.NewTimestampFromTime(time.Date(2026, 1, 2, 15, 4, 5+i, 6_000_000, time.UTC)))
	}
	records.At(0).Body().SetStr("hello\tworld")
	records.At(0).Attributes().PutStr("path", "/x y")
	records.At(0).Attributes().PutInt("n", 5)
	records.At(0).Attributes().PutEmptyMap("user").PutStr("id", "u1")
	records.At(1).Body().SetStr("boom\x1b[31m\u202e\nTraceback:\n  at main\a\n")
	records.At(1).SetSeverityNumber(plog.SeverityNumberError)
	records.At(1).SetTraceID(pcommon.TraceID{0xab})
	storeLogs(t, store, "", logs)

	out, _, err := runQuery(t, "--address", address, "--start", "2026-01-01", "--end", "2026-01-03", "--utc")
	require.NoError(t, err)
	require.Equal(t, strings.Join([]string{
		`2026-01-02 15:04:05.006 INFO  demo hello	world path="/x y" n=5 user={"id":"u1"}`,
		`2026-01-02 15:04:06.006 ERROR demo boom\x1b[31m\u202e trace_id=ab000000000000000000000000000000`,
		`    Traceback:`,
		`      at main\x07`,
		``,
	}, "\n"), out)

	out, _, err = runQuery(t, "--address", address, "--start", "2026-01-01", "--end", "2026-01-03", "--color", "always", "boom")
	require.NoError(t, err)
	require.Contains(t, out, "\x1b[31mERROR\x1b[0m")
	require.NotContains(t, out, "boom\x1b[31m")
}

func TestQueryFollowsCursorsToTheLimit(t *testing.T) {
	address, store := startQueryAPI(t)
	storeLogs(t, store, "", demoLogs(3500))
	bodies := func(args ...string) []string {
		out, _, err := runQuery(t, append([]string{"--address", address, "-o", "json"}, args...)...)
		require.NoError(t, err)
		var bodies []string
		for line := range strings.Lines(out) {
			var record struct{ Body string }
			require.NoError(t, json.Unmarshal([]byte(line), &record))
			bodies = append(bodies, record.Body)
		}
		return bodies
	}
	for _, test := range []struct {
		args        []string
		count       int
		first, last string
	}{
		{nil, 100, "message 3400", "message 3499"},
		{[]string{"--forward"}, 100, "message 0", "message 99"},
		{[]string{"--reverse"}, 100, "message 3499", "message 3400"},
		{[]string{"-n", "2500"}, 2500, "message 1000", "message 3499"},
		{[]string{"-n", "0"}, 3500, "message 0", "message 3499"},
		{[]string{"-n", "0", "--reverse"}, 3500, "message 3499", "message 0"},
		{[]string{"-n", "1000", "--forward"}, 1000, "message 0", "message 999"},
		{[]string{"message", "12", "--service", "demo", "--level", "info", "--since", "1h", "-n", "1", "--forward"}, 1, "message 12", "message 12"},
	} {
		got := bodies(test.args...)
		require.Len(t, got, test.count, test.args)
		require.Equal(t, test.first, got[0], test.args)
		require.Equal(t, test.last, got[len(got)-1], test.args)
	}
}

func TestQueryCSVHoldsWhatItWasAskedFor(t *testing.T) {
	address, store := startQueryAPI(t)
	storeLogs(t, store, "", demoLogs(30))
	out, _, err := runQuery(t, "--address", address, "-o", "csv", "-n", "7")
	require.NoError(t, err)
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 8)
}

func TestQuerySendsTenantHeadersAndToken(t *testing.T) {
	seen := make(chan http.Header, 1)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header
		fmt.Fprint(w, `{"logs":[{"id":"1-0","time":"2026-01-02T15:04:05Z","level":"info","body":"x"}]}`)
	}))
	defer server.Close()
	token := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(token, []byte("s3cret\n"), 0o600))
	args := []string{"--address", server.URL, "--tenant", "team-a", "--header", "X-Extra: 1", "--bearer-token-file", token}

	_, _, err := runQuery(t, args...)
	require.ErrorContains(t, err, "--tls-ca")
	require.NotContains(t, err.Error(), "s3cret")
	_, _, err = runQuery(t, append(args, "--tls-insecure-skip-verify")...)
	require.NoError(t, err)
	header := <-seen
	require.Equal(t, "team-a", header.Get("X-Scope-OrgID"))
	require.Equal(t, "1", header.Get("X-Extra"))
	require.Equal(t, "Bearer s3cret", header.Get("Authorization"))
}

func TestQueryTenantsAreApart(t *testing.T) {
	address, store := startQueryAPI(t)
	storeLogs(t, store, "team-a", demoLogs(2))
	out, errOut, err := runQuery(t, "--address", address)
	require.NoError(t, err)
	require.Empty(t, out)
	require.Equal(t, "Nothing matched: this time range has no records.\n", errOut, "what other tenants have is not counted")
	out, _, err = runQuery(t, "--address", address, "--tenant", "team-a")
	require.NoError(t, err)
	require.Equal(t, 2, strings.Count(out, "\n"))
}

func TestQueryErrorsSayWhatToDo(t *testing.T) {
	address, _ := startQueryAPI(t)
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	locked := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	defer locked.Close()
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"--address", "localhost:1"}, "nothing listens on localhost:1: start it with `devlogs`"},
		{[]string{"--address", "https://" + address}, "does not speak TLS: use --address http://" + address},
		{[]string{"--address", "ftp://x"}, "neither http:// nor https://"},
		{[]string{"--address", other.URL}, "is it a query_api of devlogs?"},
		{[]string{"--address", locked.URL}, "--bearer-token-file"},
		{[]string{"--address", address, "--level", "loud"}, "a level is trace, debug"},
		{[]string{"--address", address, "--since", "soon"}, `a duration looks like "15m"`},
		{[]string{"--address", address, "--start", "soon"}, `--start is "soon": a time is '2026-01-02 15:04:05' (local`},
		{[]string{"--address", address, "--start", "2h", "--since", "1h"}, "--since counts back from the end"},
		{[]string{"--address", address, "--limit", "-1"}, "use 0 to show all"},
		{[]string{"--address", address, "--limit", "100001"}, "needs --forward or --reverse"},
		{[]string{"--address", address, "-o", "xml"}, "use text, json, csv or raw"},
		{[]string{"--address", address, "--header", "nonsense"}, "'Name: value'"},
		{[]string{"--address", address, "--forward", "--reverse"}, "exclude each other"},
		{[]string{"--address", address, `"open`}, "is not closed"},
	} {
		_, _, err := runQuery(t, test.args...)
		require.ErrorContains(t, err, test.want, test.args)
	}
	_, errOut, err := runQuery(t, "--address", address)
	require.NoError(t, err)
	require.Equal(t, "No logs are stored yet.\n", errOut)
}

func TestQueryAddressOfAListenerMeansThisMachine(t *testing.T) {
	address, store := startQueryAPI(t)
	storeLogs(t, store, "", demoLogs(1))
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	for _, listener := range []string{":" + port, "0.0.0.0:" + port, "http://localhost:" + port + "/"} {
		t.Setenv("DEVLOGS_QUERY_ENDPOINT", listener)
		out, _, err := runQuery(t)
		require.NoError(t, err, listener)
		require.Contains(t, out, "message 0")
	}
}

// closedPipe is a reader that has gone, as head does.
type closedPipe struct{}

func (closedPipe) Write([]byte) (int, error) {
	return 0, &os.PathError{Op: "write", Err: syscall.EPIPE}
}

func TestQueryIsQuietWhenItsReaderHasSeenEnough(t *testing.T) {
	address, store := startQueryAPI(t)
	storeLogs(t, store, "", demoLogs(3000))
	for _, output := range []string{"text", "json", "csv"} {
		cmd := newQueryCommand()
		cmd.SetOut(closedPipe{})
		cmd.SetArgs([]string{"--address", address, "-n", "0", "-o", output})
		require.NoError(t, cmd.ExecuteContext(t.Context()), output)
	}
}
