package queryapi

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.uber.org/zap"

	"github.com/instantdevlogs/devlogs/queryapi/client"
)

// follow begins a tail and waits until it is open.
func (a *testAPI) follow(ctx context.Context, after string, pairs ...string) (next func() client.Event, position string) {
	a.t.Helper()
	c, err := client.New(ctx, client.Config{Address: a.url})
	require.NoError(a.t, err)
	a.t.Cleanup(c.Close)
	events := make(chan client.Event)
	go func() {
		defer close(events)
		for e, err := range c.Tail(ctx, query(pairs...), after) {
			if err != nil {
				a.t.Errorf("tail: %v", err)
				return
			}
			select {
			case events <- e:
			case <-ctx.Done():
				return
			}
		}
	}()
	next = func() client.Event { return <-events }
	opened := next()
	require.NotNil(a.t, opened.Opened)
	return next, opened.ID
}

func bodyOf(t *testing.T, e client.Event) string {
	t.Helper()
	require.NotNil(t, e.Record, "%+v", e)
	var body string
	require.NoError(t, json.Unmarshal(e.Record.Body, &body))
	return body
}

func TestTailGivesWhatIsCommittedAfterItBegan(t *testing.T) {
	for name, api := range map[string]*testAPI{"duckdb": newTestAPI(t), "postgres": newPostgresAPI(t)} {
		t.Run(name, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			api.write("", logsOf(entry{body: "before"}))
			all, _ := api.follow(ctx, "")
			cart, _ := api.follow(ctx, "", "service", "cart", "level", "warn")
			queried, _ := api.follow(ctx, "", "query", `{service_name="checkout"} | pattern "<what> <rest>" | line_format "{{.what}}!"`)
			api.write("other", logsOf(entry{body: "of another tenant"}))
			api.write("", filterLogs())

			for _, want := range []string{"Order 17 placed", `payment "declined" by bank`, "cache miss", "slow query", "raw line -17"} {
				require.Equal(t, want, bodyOf(t, all()))
			}
			require.Equal(t, "slow query", bodyOf(t, cart()))
			e := queried()
			require.Equal(t, "Order!", *e.Record.Line)
			require.Equal(t, "checkout", e.Record.Labels["service_name"])
			require.Equal(t, e.ID, e.Record.ID)
			require.Equal(t, "payment!", *queried().Record.Line)
		})
	}
}

func TestTailGoesOnBehindTheLastEvent(t *testing.T) {
	api := newTestAPI(t)
	ctx, stop := context.WithCancel(t.Context())
	_, beginning := api.follow(ctx, "")
	api.write("", filterLogs())
	api.write("", logsOf(entry{body: "later"}))
	want := []string{"Order 17 placed", `payment "declined" by bank`, "cache miss", "slow query", "raw line -17", "later"}
	position := beginning
	for i, body := range want {
		next, opened := api.follow(ctx, position)
		require.Equal(t, position, opened)
		e := next()
		require.Equal(t, body, bodyOf(t, e), i)
		position = e.ID
	}
	stop()
}

func TestTailOfAnUnknownPositionSaysSo(t *testing.T) {
	api := newTestAPI(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	next, _ := api.follow(ctx, "99-1")
	require.Equal(t, "unknown_position", next().Gap.Reason)
	api.write("", logsOf(entry{body: "first"}))
	require.Equal(t, "first", bodyOf(t, next()))
}

func TestTailRefusesWhatItCannotFollow(t *testing.T) {
	api := newTestAPI(t, func(c *Config) { c.Limits.MaxTails = 1 })
	for _, bad := range [][]string{{"query", "{"}, {"query", "rate({}[1m])"}, {"query", `{} | line_format "{{x}}"`}, {"after", "x"}, {"since", "1h"}, {"level", "loud"}} {
		api.refused(http.StatusBadRequest, "/api/v1/logs/tail", query(bad...))
	}
	api.refused(http.StatusBadRequest, "/api/v1/logs/tail", nil, "Last-Event-ID", "nonsense")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	api.follow(ctx, "")
	err := api.refused(http.StatusTooManyRequests, "/api/v1/logs/tail", nil)
	require.Equal(t, "max_tails", err.Setting)
}

// stream opens a tail without reading more than is asked for.
func (a *testAPI) stream(ctx context.Context) *bufio.Reader {
	a.t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.url+"/api/v1/logs/tail", nil)
	require.NoError(a.t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(a.t, err)
	require.Equal(a.t, "text/event-stream", response.Header.Get("Content-Type"))
	a.t.Cleanup(func() { response.Body.Close() })
	return bufio.NewReader(response.Body)
}

func TestSlowReaderOfATailIsToldWhatItMisses(t *testing.T) {
	api := newTestAPI(t, func(c *Config) { c.Limits.MaxTailLag = time.Millisecond })
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	in := api.stream(ctx)
	const batches, size = 40, 250
	for range batches { // more than sockets hold
		records := make([]entry, size)
		for i := range records {
			records[i] = entry{body: strings.Repeat("x", 4096)}
		}
		api.write("", logsOf(records...))
	}
	given, leftOut, gaps := 0, 0, 0
	var last string
	for given+leftOut < batches*size {
		line, err := in.ReadString('\n')
		require.NoError(t, err)
		data, ok := strings.CutPrefix(strings.TrimSpace(line), "data: ")
		if !ok {
			continue
		}
		var e struct {
			ID, First, Last, Reason, Start, End string
			LeftOut                             int `json:"left_out"`
		}
		require.NoError(t, json.Unmarshal([]byte(data), &e))
		if e.ID != "" {
			given++
			last = e.ID
		} else if e.LeftOut > 0 {
			gaps++
			leftOut += e.LeftOut
			require.Equal(t, "slow_reader", e.Reason)
			require.NotEqual(t, last, e.First)
			require.NotEmpty(t, e.Start)
		}
	}
	require.Equal(t, batches*size, given+leftOut)
	require.Positive(t, gaps)
	t.Logf("%d given, %d left out in %d gaps", given, leftOut, gaps)
}

func TestTailSaysThatItIsAlive(t *testing.T) {
	books, err := newTelemetry(componenttest.NewNopTelemetrySettings())
	require.NoError(t, err)
	s := newServer(newTestAPI(t).ext.store, testConfig(t.TempDir()), books, zap.NewNop())
	s.heartbeat = time.Millisecond
	server := httptest.NewServer(s.routes())
	t.Cleanup(server.Close)
	response, err := http.Get(server.URL + "/api/v1/logs/tail")
	require.NoError(t, err)
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() && lines.Text() != ": alive" {
	}
	require.Equal(t, ": alive", lines.Text())
}

func TestTailEndsWithTheServerAndSaysWhy(t *testing.T) {
	api := newTestAPI(t)
	in := api.stream(t.Context())
	began := time.Now()
	require.NoError(t, api.ext.Shutdown(t.Context()))
	require.Less(t, time.Since(began), shutdownGrace, "nothing was waited for")
	var all strings.Builder
	_, _ = in.WriteTo(&all) // it is cut
	require.Contains(t, all.String(), "event: failure\ndata: {\"error\":{\"code\":\"unavailable\"")
}
