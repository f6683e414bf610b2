package queryapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/google/uuid"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/internal/testservices"
	"github.com/instantdevlogs/devlogs/queryapi/client"
	"github.com/instantdevlogs/devlogs/queryapi/internal/metadata"
	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/postgres"
)

// The load: records of a batch, and how often each writer stores one. With four writers that is 10,000 records a second, for as
// many seconds as DEVLOGS_TAIL_LOAD says. To measure: DEVLOGS_TAIL_LOAD=30 go test -run TailsUnderLoad -v ./queryapi
const (
	loadWriters = 4
	loadBatch   = 250
	loadEvery   = 100 * time.Millisecond
)

// loadBatches is how many batches each writer stores.
var loadBatches = func() int {
	seconds, err := strconv.Atoi(os.Getenv("DEVLOGS_TAIL_LOAD"))
	if err != nil {
		seconds = 4
	}
	return seconds * int(time.Second/loadEvery)
}()

// loadFilters are what the twenty tails ask for.
func loadFilters() (all []url.Values) {
	for i := range 4 {
		all = append(all, query("query", fmt.Sprintf(`{service_name="service-%d"}`, i)))
		all = append(all, query("query", fmt.Sprintf(`{} |= "n=%d;"`, i)))
		all = append(all, query("query", fmt.Sprintf(`{service_name=~"service-[%d5]"} | http_status_code = %d`, i, 200+100*i)))
	}
	return append(all,
		query("query", `{} |~ "n=[0-9]*7;" | logfmt | line_format "{{.n}}"`),
		query("query", `{service_name!="service-1"} |= "w=2" != "n=1"`),
		query("query", `{} | pattern "w=<w> <_> n=<n>; <_>" | n > 240`),
		query("query", `{detected_level="error"} | keep service_name`),
		query("level", "error", "service", "service-2"),
		query("q", `"n=12;"`),
		query("query", `{service_name="nobody"}`),
		query("query", `{} | http_status_code >= 500 |= "w=1" | json | __error__=""`),
	)
}

// commits remembers when batches were committed.
type commits struct {
	at [loadWriters][]atomic.Int64
}

func newCommits() *commits {
	c := &commits{}
	for w := range c.at {
		c.at[w] = make([]atomic.Int64, loadBatches)
	}
	return c
}

// write stores the batches of one writer.
func (c *commits) write(t *testing.T, store storage.Writer, w int) {
	tick := time.NewTicker(loadEvery)
	defer tick.Stop()
	for b := range loadBatches {
		<-tick.C
		logs := plog.NewLogs()
		var records [8]plog.LogRecordSlice
		for s := range records {
			rl := logs.ResourceLogs().AppendEmpty()
			rl.Resource().Attributes().PutStr("service.name", fmt.Sprintf("service-%d", s))
			records[s] = rl.ScopeLogs().AppendEmpty().LogRecords()
		}
		for n := range loadBatch {
			r := records[n%len(records)].AppendEmpty()
			r.SetTimestamp(pcommon.NewTimestampFromTime(base.Add(time.Duration(b) * time.Millisecond)))
			r.SetSeverityNumber(plog.SeverityNumber(9 + 8*(n%20/19)))
			r.Body().SetStr(fmt.Sprintf("w=%d b=%d n=%d; a message of ordinary length about nothing in particular", w, b, n))
			r.Attributes().PutInt("http.status_code", int64(200+100*(n%5)))
		}
		var rows storage.Rows
		storage.Encode(&rows, logs, "", pcommon.NewTimestampFromTime(base))
		_, err := store.Write(t.Context(), storage.Batch{ID: uuid.New(), Rows: &rows})
		assert.NoError(t, err)
		c.at[w][b].Store(time.Now().UnixNano())
	}
}

// late is how long after its commit a record came.
func (c *commits) late(r *client.Record) time.Duration {
	var body string
	var w, b int
	if json.Unmarshal(r.Body, &body) != nil {
		return 0
	}
	if _, err := fmt.Sscanf(body, "w=%d b=%d", &w, &b); err != nil {
		return 0
	}
	if at := c.at[w][b].Load(); at > 0 {
		return time.Duration(time.Now().UnixNano() - at)
	}
	return 0 // before Write has returned
}

// heard is what one tail has told.
type heard struct {
	mu   sync.Mutex
	ids  []string
	late []time.Duration
	lost int
	more chan struct{} // has a token when ids have changed
}

func (h *heard) listen(ctx context.Context, t *testing.T, address string, filter url.Values, c *commits, opened *sync.WaitGroup) {
	api, err := client.New(ctx, client.Config{Address: address})
	if !assert.NoError(t, err) {
		opened.Done()
		return
	}
	defer api.Close()
	first := true
	for e, err := range api.Tail(ctx, filter, "") {
		if !assert.NoError(t, err) {
			return
		}
		switch {
		case e.Opened != nil && first:
			first = false
			opened.Done()
		case e.Lost != nil:
			h.lost++
		case e.Gap != nil:
			assert.Fail(t, "a gap", "%+v", e.Gap)
		case e.Record != nil:
			h.mu.Lock()
			h.ids, h.late = append(h.ids, e.Record.ID), append(h.late, c.late(e.Record))
			h.mu.Unlock()
			select {
			case h.more <- struct{}{}:
			default:
			}
		}
	}
}

// until waits for n records.
func (h *heard) until(t *testing.T, n int) []string {
	t.Helper()
	for {
		h.mu.Lock()
		ids := slices.Clone(h.ids)
		h.mu.Unlock()
		if len(ids) >= n {
			return ids
		}
		select {
		case <-h.more:
		case <-time.After(30 * time.Second):
			t.Fatalf("%d of %d records came", len(ids), n)
		}
	}
}

// TestTailsUnderLoadGiveExactlyWhatSearchFinds: twenty tails with different filters follow 10,000 records a second; the
// connections of half of them are cut again and again. Each gets what search finds, once.
func TestTailsUnderLoadGiveExactlyWhatSearchFinds(t *testing.T) {
	t.Run("duckdb", func(t *testing.T) {
		api := newTestAPI(t)
		tailsUnderLoad(t, api, slices.Repeat([]storage.Writer{api.store}, loadWriters))
	})
	t.Run("postgres with writers that commit in any order", func(t *testing.T) {
		dsn := testservices.PrivatePostgres(t).Database(t).DSN
		writers := make([]storage.Writer, loadWriters)
		settings := postgres.DefaultConfig(configopaque.String(dsn))
		for i := range writers {
			store, err := postgres.Open(t.Context(), settings)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, store.Close()) })
			writers[i] = store
		}
		config := testConfig("")
		config.Storage = StorageConfig{Postgres: configoptional.Some(settings)}
		tailsUnderLoad(t, startTestAPI(t, extensiontest.NewNopSettings(metadata.Type), writers[0], config), writers)
	})
}

func tailsUnderLoad(t *testing.T, api *testAPI, writers []storage.Writer) {
	proxy := testservices.NewFaultProxy(t, "tcp", strings.TrimPrefix(api.url, "http://"))
	ctx, stop := context.WithCancel(t.Context())
	filters := loadFilters()
	require.Len(t, filters, 20)
	tails := make([]*heard, len(filters))
	c := newCommits()
	var opened, listening, writing sync.WaitGroup
	for i, filter := range filters {
		tails[i] = &heard{more: make(chan struct{}, 1)}
		address := api.url
		if i%2 == 1 {
			address = proxy.Address()
		}
		opened.Add(1)
		listening.Go(func() { tails[i].listen(ctx, t, address, filter, c, &opened) })
	}
	opened.Wait()
	began := time.Now()
	for w, store := range writers {
		writing.Go(func() { c.write(t, store, w) })
	}
	cutting := make(chan struct{})
	go func() {
		defer close(cutting)
		for range 3 {
			<-time.After(time.Duration(loadBatches) * loadEvery / 4)
			proxy.Cut()
		}
	}()
	writing.Wait()
	took := time.Since(began)
	<-cutting

	var late []time.Duration
	for i, filter := range filters {
		filter.Set("start", "0")
		filter.Set("format", "ndjson")
		var want []string
		for line := range strings.Lines(api.get("/api/v1/logs", filter).body) {
			var r struct{ ID string }
			require.NoError(t, json.Unmarshal([]byte(line), &r))
			want = append(want, r.ID)
		}
		got := tails[i].until(t, len(want))
		slices.Sort(want)
		slices.Sort(got)
		require.Equal(t, want, got, filter)
		if i%2 == 1 {
			require.Positive(t, tails[i].lost, "its connection was cut")
		} else {
			late = append(late, tails[i].late...)
		}
	}
	stop()
	listening.Wait()
	slices.Sort(late)
	t.Logf("%.0f records/s, 20 tails, %d deliveries over unbroken connections: commit to delivery p50 %s, p99 %s, most %s (budget: p99 500 ms)",
		float64(loadWriters*loadBatch*loadBatches)/took.Seconds(), len(late), late[len(late)/2], late[len(late)*99/100], late[len(late)-1])
}
