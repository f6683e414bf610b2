package e2e

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/instantdevlogs/devlogs/exporter/timescaleexporter/queue"
	"github.com/instantdevlogs/devlogs/internal/testservices"
)

// fleet is a production installation: gateways, workers and a query server as processes of the built binary with the
// configurations that ship, around a Redis and a PostgreSQL. Proxies stand where a network would.
type fleet struct {
	t        *testing.T
	redis    *testservices.RedisServer
	postgres *testservices.PostgresServer
	dsn      string

	gatewayToRedis, workerToRedis, workerToPostgres *testservices.FaultProxy

	mu   sync.Mutex
	sent map[string]int // records by batch, acknowledged
}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	f := &fleet{
		t: t, sent: map[string]int{},
		redis:    testservices.Redis(t, "--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction"),
		postgres: testservices.PrivatePostgres(t),
	}
	f.dsn = f.postgres.Database(t).DSN
	f.gatewayToRedis = testservices.NewFaultProxy(t, f.redis.Network(), f.redis.Address())
	f.workerToRedis = testservices.NewFaultProxy(t, f.redis.Network(), f.redis.Address())
	f.workerToPostgres = testservices.NewFaultProxy(t, f.postgres.Network(), f.postgres.Address())
	return f
}

// gateway starts a gateway.
func (f *fleet) gateway(args ...string) *devlogs {
	f.t.Helper()
	d := newCopy(f.t, append([]string{"--config", "builtin:gateway"}, args...)...)
	d.says = "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"
	d.env = []string{
		"DEVLOGS_REDIS_URL=redis://" + f.gatewayToRedis.Address() + "/0", "DEVLOGS_METRICS_LEVEL=none", "DEVLOGS_HEALTH_ENDPOINT=" + d.query,
	}
	d.run()
	return d
}

// worker starts a worker that takes over from dead ones after a second.
func (f *fleet) worker() *devlogs {
	f.t.Helper()
	d := newCopy(f.t, "--config", "builtin:worker", "--set", "exporters.timescale.drain.claim_after=1s",
		"--set", "exporters.timescale.drain.timeout=5s")
	d.says = "is ready"
	d.env = []string{
		"DEVLOGS_REDIS_URL=redis://" + f.workerToRedis.Address() + "/0",
		fmt.Sprintf("DEVLOGS_POSTGRES_DSN=host=127.0.0.1 port=%d user=postgres dbname=test sslmode=disable", f.workerToPostgres.Port()),
		"DEVLOGS_METRICS_LEVEL=none", "DEVLOGS_HEALTH_ENDPOINT=" + d.query,
	}
	d.run()
	return d
}

// send sends a batch until it is acknowledged, and notes that.
func (f *fleet) send(d *devlogs, send sender, name string, records int) {
	sendUntilAcknowledged(f.t, d, send, name, records)
	f.acknowledged(name, records)
}

func (f *fleet) acknowledged(name string, records int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent[name] = records
}

// depth looks into the queue, past the proxies.
func (f *fleet) depth() (queue.Depth, error) {
	client := f.client()
	defer client.Close()
	return queue.ReadDepth(f.t.Context(), queue.DefaultConfig(), client, 0)
}

func (f *fleet) client() *redis.Client {
	options, err := redis.ParseURL(f.redis.URL)
	require.NoError(f.t, err)
	return redis.NewClient(options)
}

// account waits until the queue is empty and holds what can be queried against what was acknowledged.
func (f *fleet) account() {
	f.t.Helper()
	require.Eventually(f.t, func() bool {
		depth, err := f.depth()
		return err == nil && depth.Entries == 0 && depth.Pending == 0
	}, 2*time.Minute, 50*time.Millisecond, "the queue does not empty")
	reader := newCopy(f.t, "--config", "builtin:query")
	reader.env = []string{"DEVLOGS_POSTGRES_DSN=" + f.dsn, "DEVLOGS_METRICS_LEVEL=none"}
	reader.run()
	defer reader.kill()
	account(f.t, reader, f.sent)
	depth, err := f.depth()
	require.NoError(f.t, err)
	require.Zero(f.t, depth.Dead, "dead letters")
}
