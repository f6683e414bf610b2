package timescaleexporter

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/config/configopaque"

	"github.com/instantdevlogs/devlogs/internal/testservices"
)

// load sends batches of all sizes from a few clients, up to fifty a second each, until stop is called. What was begun is sent
// until it is acknowledged.
func (r *rig) load(e *running, name string) (stop func()) {
	done := make(chan struct{})
	var clients sync.WaitGroup
	for client := range 3 {
		sizes := rand.New(rand.NewPCG(1, uint64(client)))
		clients.Go(func() {
			pace := time.NewTicker(20 * time.Millisecond)
			defer pace.Stop()
			for n := 0; ; n++ {
				select {
				case <-done:
					return
				case <-pace.C:
					r.insist(e, fmt.Sprintf("%s-%d-%d", name, client, n), 1+sizes.IntN(300))
				}
			}
		})
	}
	return func() {
		close(done)
		clients.Wait()
	}
}

// lasts is for how long a fault lasts: it is no wait for something.
func lasts(d time.Duration) { <-time.After(d) }

// Every connection of the exporter goes through a proxy, and each proxy does everything that a bad network does, while
// clients send and repeat what was not acknowledged.
func TestABadNetworkBetweenAnyTwoLosesAndRepeatsNothing(t *testing.T) {
	server := testservices.PrivatePostgres(t)
	r := rigOn(t, testservices.Redis(t), server.Database(t).DSN)
	toDatabase := testservices.NewFaultProxy(t, server.Network(), server.Address())
	r.dsn = fmt.Sprintf("host=127.0.0.1 port=%d user=postgres dbname=test sslmode=disable", toDatabase.Port())
	proxied := func(proxy *testservices.FaultProxy) func(*Config) {
		return func(c *Config) {
			c.Redis.Queue.URL = configopaque.String("redis://" + proxy.Address() + "/0")
			c.Timeout, c.Drain.Timeout, c.Drain.ClaimAfter = time.Second, 2*time.Second, time.Second
		}
	}
	fromGateway := testservices.NewFaultProxy(t, r.redis.Network(), r.redis.Address())
	fromDrain := testservices.NewFaultProxy(t, r.redis.Network(), r.redis.Address())
	gateway := r.start(RoleEnqueue, proxied(fromGateway))
	for range 2 {
		r.start(RoleDrain, proxied(fromDrain))
	}
	require.NoError(t, r.send(gateway, "first", 1))
	r.drained()

	stop := r.load(gateway, "load")
	for name, proxy := range map[string]*testservices.FaultProxy{
		"gateway and Redis": fromGateway, "drain and Redis": fromDrain, "drain and PostgreSQL": toDatabase,
	} {
		for range 3 {
			proxy.Cut()
			lasts(50 * time.Millisecond)
		}
		proxy.Refuse()
		lasts(500 * time.Millisecond)
		proxy.Resume()
		for _, flow := range []testservices.Flow{testservices.ToServer, testservices.ToClient} {
			for _, bytes := range []int{1, 150, 900, 7000} {
				select {
				case <-proxy.CutAfter(flow, bytes):
				case <-time.After(10 * time.Second):
					require.FailNow(t, "nothing flows", "between %s", name)
				}
			}
		}
		proxy.Stall()
		lasts(3 * time.Second) // longer than any timeout here
		proxy.Resume()
	}
	stop()
	r.account()
	t.Logf("%d batches", len(r.sent))
}

func TestADatabaseThatDiesIsWaitedForAndReported(t *testing.T) {
	server := testservices.PrivatePostgres(t)
	r := rigOn(t, testservices.Redis(t), server.Database(t).DSN)
	e := r.start(RoleAll, nil)
	stop := r.load(e, "load")
	for _, end := range []func(testing.TB){server.StopImmediate, server.Kill} {
		before := len(e.host.statuses())
		end(t)
		require.NoError(t, r.send(e, fmt.Sprint("while it is down ", before), 10), "Redis takes what the database can't")
		require.Eventually(t, func() bool { return len(e.host.statuses()) == before+1 }, 20*time.Second, 20*time.Millisecond)
		server.Start(t)
		require.Eventually(t, func() bool { return len(e.host.statuses()) == before+2 }, 20*time.Second, 20*time.Millisecond)
	}
	stop()
	r.account()
	require.Equal(t, []componentstatus.Status{
		componentstatus.StatusRecoverableError, componentstatus.StatusOK, componentstatus.StatusRecoverableError, componentstatus.StatusOK,
	}, e.host.statuses())
}

func TestARedisThatDiesIsWaitedForAndReported(t *testing.T) {
	r := newRig(t)
	e := r.start(RoleAll, nil)
	stop := r.load(e, "load")
	r.redis.Kill(t)
	require.Eventually(t, func() bool { return len(e.host.statuses()) == 1 }, 20*time.Second, 20*time.Millisecond)
	requireRetry(t, r.send(e, "refused", 1), "Unavailable")
	r.redis.Start(t)
	require.Eventually(t, func() bool { return len(e.host.statuses()) == 2 }, 20*time.Second, 20*time.Millisecond)
	stop()
	r.account()
	require.Equal(t, []componentstatus.Status{componentstatus.StatusRecoverableError, componentstatus.StatusOK}, e.host.statuses())
}
