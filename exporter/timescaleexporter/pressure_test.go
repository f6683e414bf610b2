package timescaleexporter

import (
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"

	"github.com/instantdevlogs/devlogs/internal/testservices"
)

// requireRetry checks that a refusal is one that clients come back from, and gives back when.
func requireRetry(t *testing.T, err error, code string) time.Duration {
	t.Helper()
	require.Error(t, err)
	require.False(t, consumererror.IsPermanent(err), "%v", err)
	s, ok := status.FromError(err)
	require.True(t, ok, "%v", err)
	require.Equal(t, code, s.Code().String(), "%v", err)
	for _, detail := range s.Details() {
		if info, ok := detail.(*errdetails.RetryInfo); ok {
			require.GreaterOrEqual(t, info.RetryDelay.AsDuration(), time.Second)
			require.LessOrEqual(t, info.RetryDelay.AsDuration(), 15*time.Second)
			return info.RetryDelay.AsDuration()
		}
	}
	require.FailNow(t, "no RetryInfo", "%v", err)
	return 0
}

// fill sends until the queue refuses.
func (r *rig) fill(e *running) error {
	r.t.Helper()
	r.ballast = 2000
	for i := range 10_000 {
		if err := r.send(e, "fill-"+strconv.Itoa(i), 20); err != nil {
			return err
		}
	}
	require.FailNow(r.t, "the queue takes everything")
	return nil
}

// The database is down and clients send what they can: the queue grows to its limit and not beyond, clients are told when to
// come back, and those who obey lose nothing.
func TestAQueueAboveItsLimitTellsClientsWhenToComeBack(t *testing.T) {
	server := testservices.PrivatePostgres(t)
	r := rigOn(t, testservices.Redis(t), server.Database(t).DSN)
	const limit = 1 << 20
	e := r.start(RoleAll, func(c *Config) { c.Redis.Queue.MaxBytes = limit })
	require.NoError(t, r.send(e, "before", 100))
	r.drained()

	server.StopImmediate(t)
	err := r.fill(e)
	requireRetry(t, err, "ResourceExhausted")
	require.ErrorContains(t, err, "redis.max_bytes")
	config, client := r.client()
	used, err := client.MemoryUsage(t.Context(), "{"+config.Prefix+":0}:logs").Result()
	require.NoError(t, err)
	require.Less(t, used, int64(limit*5/4))

	server.Start(t)
	var clients sync.WaitGroup
	for i := range 4 {
		clients.Go(func() {
			for attempt := 0; ; attempt++ {
				err := r.send(e, "after-"+strconv.Itoa(i), 20)
				if err == nil {
					return
				}
				if !assert.Less(t, attempt, 10, "%v", err) {
					return
				}
				lasts(requireRetry(t, err, "ResourceExhausted"))
			}
		})
	}
	clients.Wait()
	r.account()
}

func TestARedisOutOfMemoryTellsClientsWhenToComeBack(t *testing.T) {
	server := testservices.Redis(t, "--maxmemory", "6mb", "--maxmemory-policy", "noeviction")
	r := rigOn(t, server, testservices.Postgres(t).DSN)
	gateway := r.start(RoleEnqueue, nil)
	err := r.fill(gateway)
	requireRetry(t, err, "ResourceExhausted")
	require.ErrorContains(t, err, "maxmemory")
	r.start(RoleDrain, nil) // it works although memory is full
	r.account()
	r.insist(gateway, "after", 1)
	r.account()
}

func TestATenantThatNoQueryCanNameIsRefusedAtOnce(t *testing.T) {
	r := newRig(t)
	e := r.start(RoleEnqueue, nil)
	for _, name := range []string{"\xff", "a\x00b", "a\tb", "a\u009bb", strings.Repeat("t", 257)} {
		err := e.ConsumeLogs(withMetadata(t.Context(), map[string][]string{"X-Scope-OrgID": {name}}), batch("x", 1))
		require.True(t, consumererror.IsPermanent(err))
		require.ErrorContains(t, err, "X-Scope-OrgID")
	}
	require.NoError(t, e.ConsumeLogs(t.Context(), plog.NewLogs()), "nothing to do")
}
