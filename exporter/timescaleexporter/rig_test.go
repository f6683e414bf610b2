package timescaleexporter

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/exporter/timescaleexporter/internal/metadatatest"
	"github.com/instantdevlogs/devlogs/exporter/timescaleexporter/queue"
	"github.com/instantdevlogs/devlogs/internal/testservices"
	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/postgres"
)

// rig is a Redis and a database for one test, and an account of what was acknowledged.
type rig struct {
	t        *testing.T
	redis    *testservices.RedisServer
	redisURL string // as exporters see it: a proxy may stand between
	dsn      string // as exporters see it
	own      string // the database, past any proxy
	layout   postgres.Layout
	queue    func(*queue.Config) // another queue than the server's; nil: that
	ballast  int                 // bytes that do not compress, in each record of what send makes

	mu   sync.Mutex
	sent map[string]int // records by batch, acknowledged
}

func newRig(t *testing.T) *rig {
	t.Helper()
	server := testservices.Redis(t, "--appendonly", "yes", "--appendfsync", "always")
	return rigOn(t, server, testservices.Postgres(t).DSN)
}

func rigOn(t *testing.T, server *testservices.RedisServer, dsn string) *rig {
	return &rig{t: t, redis: server, redisURL: server.URL, dsn: dsn, own: dsn, layout: postgres.LayoutPlain, sent: map[string]int{}}
}

// running is one exporter, as one process would have it.
type running struct {
	exporter.Logs
	config    *Config
	telemetry *componenttest.Telemetry
	host      *statusHost
	stop      func()
}

// start runs an exporter; the test's end stops it, unless stop did.
func (r *rig) start(role Role, change func(*Config)) *running {
	r.t.Helper()
	e := &running{config: createDefaultConfig().(*Config), telemetry: componenttest.NewTelemetry(), host: newStatusHost()}
	e.config.Role = role
	e.config.Redis.Queue.URL = configopaque.String(r.redisURL)
	database := postgres.DefaultConfig(configopaque.String(r.dsn))
	database.Layout = r.layout
	e.config.Postgres = configoptional.Some(database)
	if change != nil {
		change(e.config)
	}
	require.NoError(r.t, confmap.Validate(e.config))
	var err error
	e.Logs, err = NewFactory().CreateLogs(context.Background(), metadatatest.NewSettings(e.telemetry), e.config)
	require.NoError(r.t, err)
	require.NoError(r.t, e.Start(context.Background(), e.host))
	e.stop = sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		assert.NoError(r.t, e.Shutdown(ctx))
	})
	r.t.Cleanup(func() {
		e.stop()
		assert.NoError(r.t, e.telemetry.Shutdown(context.Background()))
	})
	return e
}

// send sends a batch whose records have the bodies name/0, name/1, …, and notes it when it is acknowledged.
func (r *rig) send(e *running, name string, records int) error {
	ctx, cancel := context.WithTimeout(r.t.Context(), 10*time.Second)
	defer cancel()
	logs := batch(name, records)
	if r.ballast > 0 {
		addBallast(logs, name, r.ballast)
	}
	err := e.ConsumeLogs(ctx, logs)
	if err == nil {
		r.mu.Lock()
		r.sent[name] = records
		r.mu.Unlock()
	}
	return err
}

// insist sends until the batch is acknowledged, as clients do.
func (r *rig) insist(e *running, name string, records int) {
	retry := time.NewTicker(50 * time.Millisecond)
	defer retry.Stop()
	for r.t.Context().Err() == nil && r.send(e, name, records) != nil {
		<-retry.C
	}
}

// batch makes the same logs each time.
func batch(name string, records int) plog.Logs {
	logs := plog.NewLogs()
	rl := logs.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "checkout")
	scope := rl.ScopeLogs().AppendEmpty()
	for i := range records {
		record := scope.LogRecords().AppendEmpty()
		record.SetTimestamp(pcommon.NewTimestampFromTime(began.Add(time.Duration(i) * time.Microsecond)))
		record.Body().SetStr(fmt.Sprintf("%s/%d", name, i))
	}
	return logs
}

var began = time.Now()

// addBallast makes the same bytes each time for the same name.
func addBallast(logs plog.Logs, name string, bytes int) {
	random := rand.NewChaCha8(sha256.Sum256([]byte(name)))
	for _, record := range logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
		ballast := make([]byte, bytes)
		_, _ = random.Read(ballast) // it never fails
		record.Attributes().PutEmptyBytes("ballast").FromRaw(ballast)
	}
}

// client reaches the queue past any proxy.
func (r *rig) client() (queue.Config, redis.UniversalClient) {
	config := queue.DefaultConfig()
	config.URL = configopaque.String(r.redis.URL)
	if r.queue != nil {
		r.queue(&config)
	}
	client, err := config.Connect(nil)
	require.NoError(r.t, err)
	r.t.Cleanup(func() { _ = client.Close() })
	return config, client
}

// drained waits until the queue holds nothing.
func (r *rig) drained() {
	r.t.Helper()
	config, client := r.client()
	require.Eventually(r.t, func() bool {
		for shard := range config.Shards {
			depth, err := queue.ReadDepth(r.t.Context(), config, client, shard)
			if err != nil || depth.Entries > 0 || depth.Pending > 0 {
				return false
			}
		}
		return true
	}, time.Minute, 20*time.Millisecond, "the queue does not empty")
}

// store reads the database, past any proxy.
func (r *rig) store() *postgres.Store {
	r.t.Helper()
	config := postgres.DefaultConfig(configopaque.String(r.own))
	config.Layout = r.layout
	s, err := postgres.Open(r.t.Context(), config)
	require.NoError(r.t, err)
	r.t.Cleanup(func() { assert.NoError(r.t, s.Close()) })
	return s
}

func bodies(t *testing.T, s *postgres.Store, tenant string) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for record, err := range s.Search(t.Context(), storage.Query{Tenant: tenant, End: storage.EndOfTime}) {
		require.NoError(t, err)
		counts[record.Body]++
	}
	return counts
}

// account waits for the queue and compares, record by record: each that was acknowledged is stored once. Those of batches
// that were never acknowledged may be there, once.
func (r *rig) account() {
	r.t.Helper()
	r.drained()
	stored := bodies(r.t, r.store(), "")
	require.NotEmpty(r.t, r.sent)
	wrong := 0
	for name, records := range r.sent {
		for i := range records {
			body := fmt.Sprintf("%s/%d", name, i)
			if stored[body] != 1 && wrong < 5 {
				wrong++
				assert.Fail(r.t, "lost or repeated", "%s is stored %d times", body, stored[body])
			}
		}
	}
	for body, n := range stored {
		assert.Equal(r.t, 1, n, body)
	}
}

// statusHost keeps what a component reports about itself.
type statusHost struct {
	component.Host
	mu     sync.Mutex
	events []*componentstatus.Event
}

func newStatusHost() *statusHost { return &statusHost{Host: componenttest.NewNopHost()} }

func (h *statusHost) Report(event *componentstatus.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, event)
}

func (h *statusHost) statuses() (all []componentstatus.Status) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, event := range h.events {
		all = append(all, event.Status())
	}
	return all
}

// reasons are the errors of the reports.
func (h *statusHost) reasons() (all []error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, event := range h.events {
		all = append(all, event.Err())
	}
	return all
}
