package e2e

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// Two gateways, three workers and a query server share one Redis and one database. Nothing is lost and nothing doubled while
// gateways and workers are killed under load, and the queue command says what is the case.
func TestTiersLoseAndRepeatNothingWhileProcessesDie(t *testing.T) {
	p := newProduction(t)
	first := p.member("worker")
	out, err := first.command("migrate", "up") // or a worker would have to start before the query server
	require.NoError(t, err, out)
	query := p.start("query")
	takeover := []string{"--set", "exporters.timescale.drain.claim_after=1s"} // the test would wait for longer
	gateways := []*member{p.start("gateway"), p.start("gateway")}
	sent := map[string]int{}

	// No worker yet: what was taken waits, and the command says so.
	for i := range 12 {
		name := fmt.Sprintf("waiting-%d", i)
		mustSend(t, gateways[i%2].devlogs, sendOTLPProtobuf, name, 10)
		sent[name] = 10
	}
	require.Equal(t, queueStatus{Batches: 12}, query.queueStatus())
	require.Empty(t, query.records())
	workers := []*member{p.start("worker", takeover...), p.start("worker", takeover...), p.start("worker", takeover...)}
	query.drained()
	account(t, query.devlogs, sent)

	// Now the work spreads.
	before := make([]float64, len(workers))
	for i, w := range workers {
		before[i] = w.metric("otelcol_timescale_drain_records")
	}
	send(t, gateways, sent, "spread", 40)
	query.drained()
	account(t, query.devlogs, sent)
	total := 0.0
	for i, w := range workers {
		stored := w.metric("otelcol_timescale_drain_records") - before[i]
		require.Positive(t, stored, "worker %d had nothing to do", i)
		total += stored
	}
	require.InDelta(t, 8*40*20, total, 0, "each record was stored by one worker")

	// Kill them in turn under load.
	var sending sync.WaitGroup
	sending.Go(func() { send(t, gateways, sent, "killed", 60) })
	for i := range 6 {
		victim := []*member{workers[0], gateways[0], workers[1], gateways[1], workers[2], workers[0]}[i]
		victim.kill()
		victim.run()
	}
	sending.Wait()
	query.drained()
	account(t, query.devlogs, sent)
	require.Equal(t, queueStatus{}, query.queueStatus())
	for _, m := range append(gateways, workers...) {
		require.NoError(t, m.ping("http://"+m.health()+"/"))
		require.Zero(t, m.stop())
	}
}

// send has eight clients send n batches of 20 records each, to whichever gateway answers, as SDKs do, and notes them in sent.
func send(t *testing.T, gateways []*member, sent map[string]int, prefix string, n int) {
	protocols := []sender{sendOTLPProtobuf, sendOTLPGRPC, sendOTLPJSON, sendJSON}
	var mu sync.Mutex
	var clients sync.WaitGroup
	for client := range 8 {
		clients.Go(func() {
			for i := range n {
				name := fmt.Sprintf("%s-%d-%d", prefix, client, i)
				turn := client + i
				either := func(ctx context.Context, _ *devlogs, name string, records int) error {
					turn++
					return protocols[client%len(protocols)](ctx, gateways[turn%len(gateways)].devlogs, name, records)
				}
				sendUntilAcknowledged(t, nil, either, name, 20)
				mu.Lock()
				sent[name] = 20
				mu.Unlock()
			}
		})
	}
	clients.Wait()
}

// health is where the health_check extension answers.
func (m *member) health() string {
	for _, v := range m.env {
		var address string
		if n, err := fmt.Sscanf(v, "DEVLOGS_HEALTH_ENDPOINT=%s", &address); n == 1 && err == nil {
			return address
		}
	}
	return ""
}
