package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
)

// What the operations guide says of Kafka, with a Kafka in this process: gateway, topic, workers of which one is killed, store.
func TestThroughKafkaEachRecordIsStoredOnceAlsoWhenAWorkerIsKilled(t *testing.T) {
	kafka, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(4, "devlogs"))
	require.NoError(t, err)
	t.Cleanup(kafka.Close)
	p := newProduction(t)
	run := func(builtIn string) *member {
		m := p.member(builtIn, "--set", "exporters.timescale.drain.claim_after=1s") // the test would wait for longer
		if strings.HasSuffix(builtIn, "gateway") {
			m.args = m.args[:2]
		}
		m.env = append(m.env, "DEVLOGS_KAFKA_BROKERS="+strings.Join(kafka.ListenAddrs(), ","), "DEVLOGS_KAFKA_TOPIC=devlogs")
		m.run()
		return m
	}
	gateway := run("kafka-gateway")
	sent := map[string]int{}
	send := func(prefix string, n int) {
		for i := range n {
			name := fmt.Sprint(prefix, "-", i)
			mustSend(t, gateway.devlogs, []sender{sendOTLPProtobuf, sendOTLPGRPC, sendOTLPJSON, sendJSON}[i%4], name, 20)
			sent[name] = 20
		}
	}
	send("before", 20) // no worker yet: the topic holds them
	workers := []*member{run("kafka-worker"), run("kafka-worker")}
	query := p.start("query")
	stored := func() bool { return len(query.counts()) >= 20*len(sent) }
	query.until("what waited in the topic is stored", stored)
	for i := range 3 {
		send(fmt.Sprint("killed-", i), 20)
		workers[i%2].kill()
		workers[i%2].run()
		query.until("all is stored", stored) // then the group is whole again
	}
	query.drained()
	account(t, query.devlogs, sent)
	for _, m := range append(workers, gateway, query) {
		require.Zero(t, m.stop())
	}
}
