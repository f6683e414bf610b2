package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/instantdevlogs/devlogs/internal/testservices"
)

// The worker is held with its transaction committed and its acknowledgement on the way, and killed there.
func TestAWorkerKilledBetweenItsCommitAndItsAcknowledgementRepeatsNothing(t *testing.T) {
	f := newFleet(t)
	gateway, worker := f.gateway(), f.worker()
	f.send(gateway, sendJSON, "first", 10)
	f.account()

	held := f.workerToRedis.HoldAt(testservices.ToServer, "xdel")
	f.send(gateway, sendOTLPProtobuf, "held", 100)
	<-held
	worker.kill()
	f.workerToRedis.Cut() // what it had sent is lost with it
	f.workerToRedis.Resume()
	depth, err := f.depth()
	require.NoError(t, err)
	require.EqualValues(t, 1, depth.Pending, "the batch will come again")
	f.worker()
	f.account()
}

// Redis has the batch, and the gateway dies before it can tell: the client sends again.
func TestAGatewayKilledBetweenTheQueueAndItsAnswerRepeatsNothing(t *testing.T) {
	f := newFleet(t)
	gateway := f.gateway()
	for name, send := range map[string]sender{"json": sendJSON, "protobuf": sendOTLPProtobuf} {
		client := f.client()
		before, err := client.XLen(t.Context(), "{devlogs:0}:logs").Result()
		require.NoError(t, err)
		require.NoError(t, client.Close())

		held := f.gatewayToRedis.HoldAt(testservices.ToClient, "-0\r\n") // the id that Redis gave the entry
		answered := make(chan error)
		go func() { answered <- send(t.Context(), gateway, name, 50) }()
		<-held
		gateway.kill()
		require.Error(t, <-answered)
		f.gatewayToRedis.Cut()
		f.gatewayToRedis.Resume()
		gateway.run()
		f.send(gateway, send, name, 50)
		depth, err := f.depth()
		require.NoError(t, err)
		require.Greater(t, depth.Entries, before+1, "the queue has it twice")
	}
	f.worker()
	f.account()
}

// chaosVariable makes the random test as long as somebody wants: DEVLOGS_CHAOS=2m.
const chaosVariable = "DEVLOGS_CHAOS"

// Two gateways and three workers lose each other, their servers and their lives at random while clients of all protocols
// send. Each acknowledged record is stored once.
func TestChaosLosesAndRepeatsNothing(t *testing.T) {
	length := 20 * time.Second
	if text := os.Getenv(chaosVariable); text != "" {
		var err error
		length, err = time.ParseDuration(text)
		require.NoError(t, err, chaosVariable)
	}
	seed := rand.Uint64()
	t.Logf("seed %d; %s=2m makes it longer", seed, chaosVariable)
	random := rand.New(rand.NewPCG(seed, 0))

	f := newFleet(t)
	gateways := []*devlogs{f.gateway(), f.gateway()}
	workers := []*devlogs{f.worker(), f.worker(), f.worker()}
	stop := f.load(gateways, seed)
	happened := map[string]int{}
	for end := time.Now().Add(length); time.Now().Before(end); {
		moment := time.NewTimer(time.Duration(random.Int64N(int64(500 * time.Millisecond))))
		<-moment.C
		happened[f.misfortune(random, gateways, workers)]++
	}
	stop()
	f.account()
	t.Logf("%d batches, each record once, after %v", len(f.sent), happened)
}

// load sends until stop is called.
func (f *fleet) load(gateways []*devlogs, seed uint64) (stop func()) {
	ctx, done := context.WithCancel(f.t.Context())
	var clients sync.WaitGroup
	i := 0
	for protocol, send := range map[string]sender{
		"grpc": sendOTLPGRPC, "protobuf": sendOTLPProtobuf, "otlpjson": sendOTLPJSON, "json": sendJSON, "json2": sendJSON,
	} {
		gateway := gateways[i%len(gateways)]
		i++
		sizes := rand.New(rand.NewPCG(seed, uint64(i)))
		clients.Go(func() {
			pace := time.NewTicker(20 * time.Millisecond)
			defer pace.Stop()
			for n := 0; ctx.Err() == nil; n++ {
				f.send(gateway, send, fmt.Sprintf("%s-%d", protocol, n), 1+sizes.IntN(200))
				<-pace.C
			}
		})
	}
	return func() {
		done()
		clients.Wait()
	}
}

// misfortune does one bad thing, mends it, and says what it was.
func (f *fleet) misfortune(random *rand.Rand, gateways, workers []*devlogs) string {
	last := func() { <-time.After(time.Duration(random.Int64N(int64(700 * time.Millisecond)))) }
	networks := [...]struct {
		name  string
		proxy *testservices.FaultProxy
	}{{"gateway-Redis", f.gatewayToRedis}, {"worker-Redis", f.workerToRedis}, {"worker-PostgreSQL", f.workerToPostgres}}
	network := networks[random.IntN(len(networks))]
	switch random.IntN(9) {
	case 0:
		d := gateways[random.IntN(len(gateways))]
		d.kill()
		last()
		d.run()
		return "gateway killed"
	case 1, 2:
		d := workers[random.IntN(len(workers))]
		d.kill()
		last()
		d.run()
		return "worker killed"
	case 3:
		d := workers[random.IntN(len(workers))]
		d.stop()
		d.run()
		return "worker stopped"
	case 4:
		f.redis.Kill(f.t)
		last()
		f.redis.Start(f.t)
		return "Redis killed"
	case 5:
		f.postgres.StopImmediate(f.t)
		last()
		f.postgres.Start(f.t)
		return "PostgreSQL stopped"
	case 6:
		network.proxy.Cut()
		return network.name + " cut"
	case 7:
		network.proxy.Refuse()
		last()
		network.proxy.Resume()
		return network.name + " refused"
	default:
		network.proxy.Stall()
		last()
		network.proxy.Resume()
		return network.name + " stalled"
	}
}
