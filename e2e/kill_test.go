package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

const (
	kills = 20
	// The longest time between a start and the kill: a few hundred requests fit, and it falls into every part of a commit.
	longestLife = 700 * time.Millisecond
)

// Clients of all protocols send while devlogs is killed again and again. A client that gets no answer, or an error, sends
// the same batch again until it is acknowledged, as SDKs do. In the end each record is there once: none that was
// acknowledged is lost, and no retry is stored twice, whether the kill came before the commit or between it and the answer.
func TestKillingItLosesAndRepeatsNothing(t *testing.T) {
	d := start(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))

	ctx, done := context.WithCancel(t.Context())
	var mu sync.Mutex
	sent := map[string]int{}
	var clients sync.WaitGroup
	for protocol, send := range map[string]sender{
		"grpc": sendOTLPGRPC, "protobuf": sendOTLPProtobuf, "otlpjson": sendOTLPJSON, "json": sendJSON, "json2": sendJSON,
	} {
		sizes := rand.New(rand.NewPCG(seed, uint64(len(protocol))))
		clients.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				name, records := fmt.Sprintf("%s-%d", protocol, n), 1+sizes.IntN(200)
				sendUntilAcknowledged(t, d, send, name, records) // beyond ctx: what was begun is finished
				mu.Lock()
				sent[name] = records
				mu.Unlock()
			}
		})
	}
	for range kills {
		life := time.NewTimer(time.Duration(random.Int64N(int64(longestLife))))
		<-life.C
		d.kill()
		d.run()
	}
	done()
	clients.Wait()
	account(t, d, sent)

	d.kill()
	d.run()
	account(t, d, sent)
	t.Logf("%d batches, each record once after %d kills", len(sent), kills+1)
}

// sendUntilAcknowledged waits a moment after a failure, as clients do: devlogs is being started again.
func sendUntilAcknowledged(t *testing.T, d *devlogs, send sender, name string, records int) {
	retry := time.NewTicker(20 * time.Millisecond)
	defer retry.Stop()
	for t.Context().Err() == nil {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		err := send(ctx, d, name, records)
		cancel()
		if err == nil {
			return
		}
		<-retry.C
	}
}
