package timescaleexporter

import (
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"

	"github.com/instantdevlogs/devlogs/exporter/timescaleexporter/queue"
	"github.com/instantdevlogs/devlogs/internal/idempotency"
	"github.com/instantdevlogs/devlogs/internal/testservices"
)

const masters = 3

// newCluster starts a Redis Cluster of masters without replicas, and gives the URL that names them.
func newCluster(t *testing.T) (first *testservices.RedisServer, url string) {
	t.Helper()
	const slots = 16384
	var clients []*redis.Client
	for i := range masters {
		bus := freePort(t)
		server := testservices.Redis(t, "--cluster-enabled", "yes", "--cluster-port", bus, "--appendonly", "yes", "--appendfsync", "always")
		client := server.Client(t)
		require.NoError(t, client.Do(t.Context(), "CLUSTER", "SET-CONFIG-EPOCH", i+1).Err())
		require.NoError(t, client.ClusterAddSlotsRange(t.Context(), i*slots/masters, (i+1)*slots/masters-1).Err())
		host, port, err := net.SplitHostPort(server.Address())
		require.NoError(t, err)
		if i == 0 {
			first, url = server, server.URL[:strings.LastIndex(server.URL, "/")]+"?"
		} else {
			url += "&addr=" + server.Address()
		}
		for _, other := range clients {
			require.NoError(t, other.Do(t.Context(), "CLUSTER", "MEET", host, port, bus).Err())
		}
		clients = append(clients, client)
	}
	for _, client := range clients {
		require.Eventually(t, func() bool {
			info, err := client.ClusterInfo(t.Context()).Result()
			return err == nil && strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_size:"+strconv.Itoa(masters))
		}, time.Minute, 20*time.Millisecond)
	}
	return first, strings.Replace(url, "?&", "?", 1)
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	return port
}

func TestAQueueOfManyShardsSpreadsOverARedisClusterAndStoresEachBatchOnce(t *testing.T) {
	first, url := newCluster(t)
	r := rigOn(t, first, testservices.Postgres(t).DSN)
	r.queue = func(c *queue.Config) { c.URL, c.Cluster, c.Shards = configopaque.String(url), true, 6 }
	clustered := func(c *Config) {
		r.queue(&c.Redis.Queue)
		c.Drain.ClaimAfter = time.Second
	}
	gateway := r.start(RoleEnqueue, clustered)
	for i := range 60 {
		require.NoError(t, r.send(gateway, "waits-"+strconv.Itoa(i), 5))
	}
	config, client := r.client()
	used := map[string]bool{}
	for shard := range config.Shards {
		depth, err := queue.ReadDepth(t.Context(), config, client, shard)
		require.NoError(t, err)
		assert.EqualValues(t, 10, depth.Entries, "shard %d", shard)
		node, err := client.(*redis.ClusterClient).MasterForKey(t.Context(), "{"+config.Prefix+":"+strconv.Itoa(shard)+"}:logs")
		require.NoError(t, err)
		used[node.Options().Addr] = true
	}
	assert.Greater(t, len(used), 1, "the shards are on more than one node")

	for i := range 12 {
		require.NoError(t, gateway.ConsumeLogs(keyed(t, strconv.Itoa(i), ""), batch("keyed-"+strconv.Itoa(i), 1)))
		require.True(t, idempotency.IsReused(gateway.ConsumeLogs(keyed(t, strconv.Itoa(i), ""), batch("other", 1))))
	}
	stop := r.load(gateway, "load")
	drains := []*running{r.start(RoleDrain, clustered), r.start(RoleDrain, clustered)}
	require.Eventually(t, func() bool { return drains[0].counted(t, "timescale_drain_records") > 0 }, time.Minute, 20*time.Millisecond)
	drains[0].stop()
	stop()
	r.account()
	letterIsHandled(t, config, client)
}
