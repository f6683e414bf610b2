package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/instantdevlogs/devlogs/internal/testservices"
)

// production is a Redis and a database of a test's own, for processes that share them.
type production struct {
	t     *testing.T
	dsn   string
	redis *testservices.RedisServer
}

func newProduction(t *testing.T) *production {
	t.Helper()
	return &production{
		t: t, dsn: testservices.Postgres(t).DSN,
		redis: testservices.Redis(t, "--appendonly", "yes", "--appendfsync", "always"), // as docker-compose.yml runs it
	}
}

// member is one process of a production with its own ports.
type member struct {
	*devlogs
	metrics string // host:port
}

// member makes a process that runs a configuration that is built in.
func (p *production) member(builtIn string, args ...string) *member {
	p.t.Helper()
	d := newCopy(p.t, append([]string{"--config", "builtin:" + builtIn}, args...)...)
	ports := freePorts(p.t, 2)
	host, port, err := net.SplitHostPort(ports[0])
	require.NoError(p.t, err)
	d.env = []string{
		"DEVLOGS_POSTGRES_DSN=" + p.dsn, "DEVLOGS_REDIS_URL=" + p.redis.URL, "DEVLOGS_HEALTH_ENDPOINT=" + ports[1],
		"DEVLOGS_METRICS_HOST=" + host, "DEVLOGS_METRICS_PORT=" + port,
	}
	if strings.HasSuffix(builtIn, "gateway") || strings.HasSuffix(builtIn, "worker") {
		d.says = "is ready"
	}
	return &member{d, ports[0]}
}

func (p *production) start(builtIn string, args ...string) *member {
	p.t.Helper()
	m := p.member(builtIn, args...)
	m.run()
	return m
}

// queueStatus is what these tests read of `devlogs queue status`.
type queueStatus struct {
	Batches     int `json:"batches"`
	Taken       int `json:"taken"`
	DeadLetters int `json:"dead_letters"`
}

func (m *member) queueStatus() (s queueStatus) {
	m.t.Helper()
	out, err := m.command("queue", "status", "-o", "json")
	require.NoError(m.t, err, out)
	require.NoError(m.t, json.Unmarshal([]byte(out), &s))
	return s
}

// drained waits until the command says that the queue is empty.
func (m *member) drained() {
	m.t.Helper()
	m.until("the queue is empty", func() bool { return m.queueStatus().Batches == 0 })
}

func (m *member) until(what string, ok func() bool) {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), 2*time.Minute)
	defer cancel()
	for ask := time.NewTicker(100 * time.Millisecond); !ok(); {
		select {
		case <-ask.C:
		case <-ctx.Done():
			require.FailNow(m.t, "waited in vain", "%s; the queue: %+v", what, m.queueStatus())
		}
	}
}

// metric sums the series of a metric.
func (m *member) metric(name string) (sum float64) {
	m.t.Helper()
	request, err := http.NewRequestWithContext(m.t.Context(), http.MethodGet, "http://"+m.metrics+"/metrics", nil)
	require.NoError(m.t, err)
	a, err := do(request)
	require.NoError(m.t, err)
	require.Equal(m.t, http.StatusOK, a.status)
	for line := range strings.Lines(a.body) {
		if rest, ok := strings.CutPrefix(line, name); ok && (rest[0] == ' ' || rest[0] == '{') {
			var value float64
			_, err := fmt.Sscan(rest[strings.LastIndexByte(rest, ' '):], &value)
			require.NoError(m.t, err, line)
			sum += value
		}
	}
	return sum
}

func TestProductionStoresWhatAllProtocolsSendOnce(t *testing.T) {
	p := newProduction(t)
	d := p.start("production")
	sent := map[string]int{}
	for protocol, send := range map[string]sender{
		"grpc": sendOTLPGRPC, "protobuf": sendOTLPProtobuf, "otlpjson": sendOTLPJSON, "json": sendJSON,
	} {
		for range 2 { // a client that did not hear the first answer
			mustSend(t, d.devlogs, send, protocol, 25)
		}
		sent[protocol] = 25
	}
	d.drained()
	account(t, d.devlogs, sent)
	out, err := d.command("query", "--since", "1h", "--service", "e2e", "--limit", "0", "-o", "json")
	require.NoError(t, err, out)
	require.Equal(t, 100, strings.Count(out, "\n"))
	require.InDelta(t, 100, d.metric("otelcol_timescale_drain_records"), 0)
	require.NoError(t, d.ping("http://"+d.query+"/readyz"))

	require.Zero(t, d.stop(), "Ctrl-C ends it in order")
	d.run()
	account(t, d.devlogs, sent)
}

func (m *member) ping(url string) error {
	request, err := http.NewRequestWithContext(m.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	return acknowledged(do(request))
}

func TestProductionNamesTheVariablesThatAreMissingInOneLine(t *testing.T) {
	for _, builtIn := range []string{"production", "gateway", "worker", "query"} {
		t.Run(builtIn, func(t *testing.T) {
			d := newCopy(t, "--config", "../config/"+builtIn+".yaml")
			d.env = []string{"DEVLOGS_POSTGRES_DSN=", "DEVLOGS_REDIS_URL="}
			said := fails(t, d)
			require.Contains(t, said, "variables that are not set")
			require.Equal(t, builtIn != "gateway", strings.Contains(said, "DEVLOGS_POSTGRES_DSN='postgres://"), said)
			require.Equal(t, builtIn != "query", strings.Contains(said, "DEVLOGS_REDIS_URL='redis://"), said)
		})
	}
}

// The database refuses one record of a batch: it becomes a dead letter, its neighbours are stored, and it is stored too once
// the cause is mended.
func TestWhatTheDatabaseRefusesIsKeptAndTriedAgain(t *testing.T) {
	p := newProduction(t)
	d := p.member("production")
	out, err := d.command("migrate", "up", "--layout", "plain") // in rows, so that the test can add a constraint
	require.NoError(t, err, out)
	conn, err := pgx.Connect(t.Context(), p.dsn)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(context.Background())) }()
	_, err = conn.Exec(t.Context(), "ALTER TABLE logs ADD CONSTRAINT no_poison CHECK (body <> 'batch/3')")
	require.NoError(t, err)

	d.run()
	mustSend(t, d.devlogs, sendOTLPProtobuf, "batch", 7)
	d.drained()
	require.Equal(t, queueStatus{DeadLetters: 1}, d.queueStatus())
	counts := d.counts()
	require.Len(t, counts, 6)
	require.NotContains(t, counts, "batch/3")
	out, err = d.command("queue", "dead-letters", "--content")
	require.NoError(t, err, out)
	require.Contains(t, out, "no_poison")
	require.Contains(t, out, "record 3 of batch")
	require.Contains(t, out, `"stringValue":"batch/3"`)

	again := func() {
		out, err := d.command("queue", "requeue", "--all")
		require.NoError(t, err, out)
		require.Contains(t, out, "Put 1 dead letter back")
	}
	again()
	d.until("it is refused again", func() bool { return d.queueStatus() == queueStatus{DeadLetters: 1} })
	_, err = conn.Exec(t.Context(), "ALTER TABLE logs DROP CONSTRAINT no_poison")
	require.NoError(t, err)
	again()
	d.drained()
	require.Equal(t, queueStatus{}, d.queueStatus())
	account(t, d.devlogs, map[string]int{"batch": 7})
}
