package queryapi

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"

	"github.com/instantdevlogs/devlogs/storage"
)

// writeMany stores count records of about 200 bytes, all of the same time when step is 0.
func (a *testAPI) writeMany(count int, step time.Duration) {
	const batch = 20_000
	for at := 0; at < count; at += batch {
		logs := plog.NewLogs()
		rl := logs.ResourceLogs().AppendEmpty()
		rl.Resource().Attributes().PutStr("service.name", "bulk")
		records := rl.ScopeLogs().AppendEmpty().LogRecords()
		for i := at; i < min(at+batch, count); i++ {
			r := records.AppendEmpty()
			r.SetTimestamp(pcommon.NewTimestampFromTime(base.Add(time.Duration(i) * step)))
			r.SetSeverityNumber(plog.SeverityNumberInfo)
			r.Body().SetStr(fmt.Sprintf("request %d finished after a while and this text makes it as long as a log usually is", i))
			r.Attributes().PutInt("n", int64(i))
			r.Attributes().PutStr("http.route", "/api/v1/things/{id}")
		}
		a.write("", logs)
	}
}

// TestExportsHoldTheSameRecords reads an export as CSV and compares each cell with the same export as NDJSON, and both with
// the pages.
func TestExportsHoldTheSameRecords(t *testing.T) {
	api := newTestAPI(t)
	api.write("", everyKind())
	api.write("", filterLogs())
	api.writeMany(500, time.Millisecond)
	q := around("direction", "forward")

	var lines []map[string]json.RawMessage
	ndjson := api.get("/api/v1/logs", q, "Accept", "application/x-ndjson").body
	for line := range strings.Lines(ndjson) {
		var object map[string]json.RawMessage
		require.NoError(t, json.Unmarshal([]byte(line), &object))
		lines = append(lines, object)
	}
	require.Len(t, lines, 509)

	var pages []map[string]json.RawMessage
	for next := q; ; {
		var page struct {
			Logs       []map[string]json.RawMessage
			NextCursor string `json:"next_cursor"`
		}
		next.Set("limit", "200")
		api.ok("/api/v1/logs", next, &page)
		pages = append(pages, page.Logs...)
		if page.NextCursor == "" {
			break
		}
		next.Set("cursor", page.NextCursor)
	}
	require.Equal(t, lines, pages)

	table := api.get("/api/v1/logs", around("direction", "forward"), "Accept", "text/html, text/csv;q=0.9")
	require.Equal(t, `attachment; filename="logs.csv"`, table.header.Get("Content-Disposition"))
	rows, err := csv.NewReader(strings.NewReader(table.body)).ReadAll()
	require.NoError(t, err)
	require.Equal(t, csvHeader, rows[0])
	require.Len(t, rows, 1+len(lines))
	for i, row := range rows[1:] {
		for column, cell := range row {
			require.Equal(t, expectedCell(t, lines[i], csvHeader[column]), cell, "row %d, %s", i, csvHeader[column])
		}
	}
}

// expectedCell is the CSV cell for a key of a record's JSON.
func expectedCell(t *testing.T, record map[string]json.RawMessage, column string) string {
	raw := record[column]
	if key, ok := strings.CutPrefix(column, "scope_"); ok {
		var scope map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(record["scope"], &scope))
		raw = scope[key]
	}
	var text string
	switch {
	case raw == nil, string(raw) == "null":
		return ""
	case json.Unmarshal(raw, &text) != nil:
		return string(raw)
	}
	if text != "" && strings.Contains("=+-@\t\r", text[:1]) {
		return "'" + text
	}
	return text
}

func TestExportObeysLimitAndFilters(t *testing.T) {
	api := newTestAPI(t)
	api.writeMany(500, time.Millisecond)
	body := api.get("/api/v1/logs", around("format", "ndjson", "limit", "7")).body
	require.Equal(t, 7, strings.Count(body, "\n"))
	body = api.get("/api/v1/logs", around("format", "ndjson", "q", "nothing-has-this")).body
	require.Empty(t, body)
	body = api.get("/api/v1/logs", around("format", "csv", "q", "nothing-has-this")).body
	require.Equal(t, 1, strings.Count(body, "\n"), "the header alone")
	api.refused(http.StatusBadRequest, "/api/v1/logs", query("format", "ndjson", "level", "loud"))
}

// TestExportUsesConstantMemory reads an export slowly enough to look at the heap, and compares a long one with a short one.
func TestExportUsesConstantMemory(t *testing.T) {
	api := newTestAPI(t)
	api.writeMany(60_000, time.Microsecond)
	peak := func(limit string) (heap uint64, lines int) {
		response, err := http.Get(api.url + "/api/v1/logs?" + around("format", "ndjson", "limit", limit).Encode())
		require.NoError(t, err)
		defer response.Body.Close()
		scanner := bufio.NewScanner(response.Body)
		var memory runtime.MemStats
		for scanner.Scan() {
			if lines++; lines%3_000 == 0 {
				runtime.GC()
				runtime.ReadMemStats(&memory)
				heap = max(heap, memory.HeapAlloc)
			}
		}
		require.NoError(t, scanner.Err())
		return heap, lines
	}
	short, lines := peak("6000")
	require.Equal(t, 6_000, lines)
	long, lines := peak("0")
	require.Equal(t, 60_000, lines)
	require.Less(t, long, short+8<<20, "bytes of heap while reading 60,000 records, against those for 6,000")
}

// brokenReader fails in the middle of a search, as a store does whose disk fails.
type brokenReader struct {
	storage.Reader
	after  int
	mended atomic.Bool
}

func (b *brokenReader) mend() { b.mended.Store(true) }

func (b *brokenReader) Search(ctx context.Context, q storage.Query) iter.Seq2[storage.Record, error] {
	return func(yield func(storage.Record, error) bool) {
		for i := range b.after {
			stream := &storage.Stream{Resource: "{}"}
			if !yield(storage.Record{ID: storage.ID{Batch: 1, Row: uint32(i)}, Time: 1, Body: "x", Stream: stream}, nil) {
				return
			}
		}
		if !b.mended.Load() {
			yield(storage.Record{}, errors.New("the disk is on fire"))
		}
	}
}

// serveReader serves a reader of the test's own.
func serveReader(t *testing.T, reader storage.Reader, change ...func(*Config)) string {
	config := testConfig(t.TempDir())
	for _, c := range change {
		c(config)
	}
	books, err := newTelemetry(componenttest.NewNopTelemetrySettings())
	require.NoError(t, err)
	server := httptest.NewServer(newServer(reader, config, books, zap.NewNop()).routes())
	t.Cleanup(server.Close)
	return server.URL
}

func TestExportThatFailsMidwayIsSeenByTheClient(t *testing.T) {
	for format, last := range map[string]string{
		"ndjson": `{"error":{"code":"internal","message":"the store could not answer: the disk is on fire","hint":"devlogs has logged it with more detail"}}`,
		"csv":    "# error: the store could not answer: the disk is on fire",
	} {
		t.Run(format, func(t *testing.T) {
			address := serveReader(t, &brokenReader{after: 5000})
			response, err := http.Get(address + "/api/v1/logs?format=" + format)
			require.NoError(t, err)
			defer response.Body.Close()
			require.Equal(t, http.StatusOK, response.StatusCode)
			body, err := io.ReadAll(response.Body)
			require.ErrorIs(t, err, io.ErrUnexpectedEOF, "the transfer must count as failed")
			lines := strings.Split(strings.TrimSpace(string(body)), "\n")
			require.Equal(t, last, lines[len(lines)-1])
			require.Contains(t, lines[len(lines)-2], "1-4999")
		})
		t.Run(format+" before the first record", func(t *testing.T) {
			response, err := http.Get(serveReader(t, &brokenReader{}) + "/api/v1/logs?format=" + format)
			require.NoError(t, err)
			defer response.Body.Close()
			require.Equal(t, http.StatusInternalServerError, response.StatusCode)
			require.Equal(t, "application/json", response.Header.Get("Content-Type"))
		})
	}
}

// TestClientThatGoesAwayEndsItsQuery closes a connection in the middle of an export and waits for the server's books.
func TestClientThatGoesAwayEndsItsQuery(t *testing.T) {
	api := newTestAPI(t, patient, func(c *Config) { c.Limits.MaxConcurrentQueries = 1 })
	api.writeMany(60_000, time.Microsecond)
	ctx, cancel := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, api.url+"/api/v1/logs?"+around("format", "ndjson").Encode(), nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	_, err = bufio.NewReader(response.Body).ReadString('\n')
	require.NoError(t, err)
	cancel()
	require.NoError(t, response.Body.Close())

	// There is one turn: this query gets it when the export has let go of it, and with it of the store's connection.
	require.Len(t, api.logs(around("limit", "1")).Logs, 1)
	require.EqualValues(t, 1, counterValue(t, api, `devlogs_query_requests_total{endpoint="logs",outcome="canceled"}`))
	require.Less(t, counterValue(t, api, `devlogs_query_rows_total{endpoint="logs"}`), 60_000.)
}

// TestClosedConnectionCancelsTheStore asks for what a store takes long to find, and goes.
func TestClosedConnectionCancelsTheStore(t *testing.T) {
	started, ended := make(chan struct{}), make(chan struct{}, 1)
	address := serveReader(t, waitingReader{started: started, ended: ended}, patient)
	for _, path := range []string{"/api/v1/logs", "/api/v1/logs?format=csv", "/api/v1/histogram"} {
		ctx, cancel := context.WithCancel(t.Context())
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, address+path, nil)
		require.NoError(t, err)
		done := make(chan error, 1)
		go func() {
			_, err := http.DefaultClient.Do(request)
			done <- err
		}()
		<-started
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
		<-ended
	}
}

// waitingReader finds nothing until the query is canceled.
type waitingReader struct {
	storage.Reader
	started chan struct{}
	ended   chan struct{}
}

func (r waitingReader) wait(ctx context.Context) error {
	r.started <- struct{}{}
	<-ctx.Done()
	r.ended <- struct{}{}
	return ctx.Err()
}

func (r waitingReader) Search(ctx context.Context, _ storage.Query) iter.Seq2[storage.Record, error] {
	return func(yield func(storage.Record, error) bool) { yield(storage.Record{}, r.wait(ctx)) }
}

func (r waitingReader) Aggregate(ctx context.Context, _ storage.Aggregation) iter.Seq2[storage.Point, error] {
	return func(yield func(storage.Point, error) bool) { yield(storage.Point{}, r.wait(ctx)) }
}

// counterValue reads one number from /metrics.
func counterValue(t *testing.T, api *testAPI, series string) float64 {
	t.Helper()
	text := api.get("/metrics", nil).body
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, series+" "); ok {
			var f float64
			_, err := fmt.Sscan(value, &f)
			require.NoError(t, err)
			return f
		}
	}
	t.Fatalf("no %s in\n%s", series, text)
	return 0
}

// TestPagesAndExportsWith100kEqualTimes walks through records that only their ids tell apart.
func TestPagesAndExportsWith100kEqualTimes(t *testing.T) {
	api := newTestAPI(t)
	const records = 100_000
	api.writeMany(records, 0)
	for _, direction := range []string{"forward", "backward"} {
		seen := make([]bool, records)
		for next, got := around("direction", direction, "limit", "5000"), 0; got < records; {
			var page struct {
				Logs []struct {
					Attributes struct{ N int }
				}
				NextCursor string `json:"next_cursor"`
			}
			fetch(t, api.url, next, &page)
			require.NotEmpty(t, page.Logs)
			for _, r := range page.Logs {
				require.False(t, seen[r.Attributes.N], "record %d twice", r.Attributes.N)
				seen[r.Attributes.N] = true
			}
			got += len(page.Logs)
			require.Equal(t, got == records, page.NextCursor == "")
			next.Set("cursor", page.NextCursor)
		}
	}
}

// fetch asks for a page without checking it against openapi.yaml, which takes longer than the page.
func fetch(t testing.TB, address string, q url.Values, out any) {
	response, err := http.Get(address + "/api/v1/logs?" + q.Encode())
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.NoError(t, json.NewDecoder(response.Body).Decode(out))
}

// BenchmarkExport streams a million records as NDJSON and CSV; heap-MB is the most that the Go heap held meanwhile.
func BenchmarkExport(b *testing.B) {
	const records = 1_000_000
	api := newTestAPI(b)
	api.writeMany(records, time.Microsecond)
	for _, format := range []string{"ndjson", "csv"} {
		b.Run(format, func(b *testing.B) {
			var heap atomic.Uint64
			for b.Loop() {
				response, err := http.Get(api.url + "/api/v1/logs?" + around("format", format).Encode())
				require.NoError(b, err)
				watch := &heapWatch{peak: &heap}
				n, err := io.Copy(watch, response.Body)
				require.NoError(b, err)
				require.NoError(b, response.Body.Close())
				b.SetBytes(n)
				require.GreaterOrEqual(b, watch.lines, records)
			}
			b.ReportMetric(float64(records)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
			b.ReportMetric(float64(heap.Load())/(1<<20), "heap-MB")
		})
	}
}

// heapWatch counts lines and looks at the heap now and then.
type heapWatch struct {
	peak  *atomic.Uint64
	lines int
	looks int
}

func (w *heapWatch) Write(b []byte) (int, error) {
	w.lines += bytes.Count(b, []byte{'\n'})
	if w.looks++; w.looks%500 == 0 {
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		w.peak.Store(max(w.peak.Load(), memory.HeapAlloc))
	}
	return len(b), nil
}
