package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/exporter/timescaleexporter/queue"
	"github.com/instantdevlogs/devlogs/internal/testservices"
)

// testQueue is a queue in a Redis of the test's own, which the commands find by the variable.
func testQueue(t *testing.T) (queue.Config, redis.UniversalClient) {
	t.Helper()
	server := testservices.Redis(t)
	t.Setenv(redisVariable, server.URL)
	config := queue.DefaultConfig()
	config.URL = configopaque.String(server.URL)
	return config, server.Client(t)
}

func add(t *testing.T, config queue.Config, client redis.UniversalClient, entries ...*queue.Entry) {
	t.Helper()
	gauge := queue.NewGauge(config, client, nil, nil)
	defer gauge.Close()
	producer := queue.NewProducer(config, client, gauge, nil)
	defer producer.Close()
	for _, e := range entries {
		require.NoError(t, producer.Add(t.Context(), e))
	}
}

func entry(t *testing.T, body string) *queue.Entry {
	t.Helper()
	logs := demoLogs(1)
	logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Body().SetStr(body)
	message, err := (&plog.ProtoMarshaler{}).MarshalLogs(logs)
	require.NoError(t, err)
	return &queue.Entry{Batch: uuid.New(), Tenant: "acme", Records: 1, Arrival: 1, Payload: queue.Pack(message)}
}

// bury makes dead letters of entries, and one of something that can't be read.
func bury(t *testing.T, config queue.Config, client redis.UniversalClient, entries ...*queue.Entry) {
	t.Helper()
	letters := []queue.Letter{{Reason: "decompress the entry", Record: -1, Entry: queue.Entry{Payload: []byte("damaged")}}}
	for _, e := range entries {
		letters = append(letters, queue.Letter{Entry: *e, Reason: "refused\x1b[31m for its content", Record: 7})
	}
	require.NoError(t, queue.NewConsumer(config, client, 0, "test").Bury(t.Context(), nil, letters))
}

func readStatus(t *testing.T, args ...string) (s shardStatus) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(mustRun(t, append([]string{"queue", "status", "-o", "json"}, args...)...)), &s))
	return s
}

func TestQueueStatusTellsWhetherItIsEmptied(t *testing.T) {
	config, client := testQueue(t)
	require.Contains(t, mustRun(t, "queue", "status"), "The queue is empty")

	add(t, config, client, entry(t, "one"), entry(t, "two"), entry(t, "three"))
	taken, err := queue.NewConsumer(config, client, 0, "test").Read(t.Context(), 1, 1, 0)
	require.NoError(t, err)
	require.NotEmpty(t, taken)
	status := readStatus(t)
	require.EqualValues(t, 3, status.Batches)
	require.EqualValues(t, len(taken), status.Taken)
	require.EqualValues(t, 3, status.Added)
	require.Positive(t, status.Bytes)
	require.Equal(t, 1, status.Workers)
	require.Contains(t, mustRun(t, "queue", "status"), "Workers are taking batches")
	require.Zero(t, readStatus(t, "--redis-prefix", "other").Batches)

	for want, s := range map[string]shardStatus{
		"none runs":                    {Batches: 1, OldestAge: 60, Taken: 1}, // by one that died
		"take no batches":              {Batches: 1, OldestAge: 60, Workers: 1},
		"PostgreSQL can't be reached":  {Batches: 1, OldestAge: 60, Taken: 1, Workers: 1},
		"devlogs queue dead-letters":   {DeadLetters: 1},
		"1,234   ":                     {Batches: 1234},
		"all that was taken is stored": {},
	} {
		var out bytes.Buffer
		require.NoError(t, writeStatus(&out, []shardStatus{s}))
		require.Contains(t, out.String(), want)
	}
}

func TestDeadLettersAreShownHarmlessAndTriedAgain(t *testing.T) {
	config, client := testQueue(t)
	require.Contains(t, mustRun(t, "queue", "dead-letters"), "There are no dead letters")
	bury(t, config, client, entry(t, "first"), entry(t, "second"))

	out := mustRun(t, "queue", "dead-letters")
	require.Contains(t, out, `refused\x1b[31m for its content`)
	require.Contains(t, out, `record 7 of batch`)
	require.Contains(t, out, `what it holds can't be read (7 bytes`)
	require.NotContains(t, out, "first", "what clients wrote is shown when it is asked for")
	require.Contains(t, mustRun(t, "queue", "dead-letters", "--content"), "first")
	require.Contains(t, mustRun(t, "queue", "dead-letters", "--limit", "1"), "There are more")

	var letters []letterJSON
	for line := range strings.Lines(mustRun(t, "queue", "dead-letters", "-o", "json")) {
		var l letterJSON
		require.NoError(t, json.Unmarshal([]byte(line), &l))
		letters = append(letters, l)
	}
	require.Len(t, letters, 3)
	require.Equal(t, "damaged", string(letters[0].Raw))
	require.Nil(t, letters[0].Record)
	require.Contains(t, string(letters[2].Logs), "second")

	_, _, err := devlogs(t, "queue", "requeue", "0/1-1", letters[1].Name)
	require.ErrorContains(t, err, "there is no dead letter 0/1-1")
	require.Zero(t, readStatus(t).Batches, "nothing is done when a name is wrong")
	_, _, err = devlogs(t, "queue", "requeue")
	require.ErrorContains(t, err, "or give --all")

	require.Contains(t, mustRun(t, "queue", "requeue", letters[1].Name), "Put 1 dead letter back into the queue")
	out, _, err = devlogs(t, "queue", "requeue", "--all")
	require.ErrorContains(t, err, "1 can't be read and stay")
	require.Contains(t, out, "Put 1 dead letter back into the queue")
	status := readStatus(t)
	require.EqualValues(t, 2, status.Batches)
	require.EqualValues(t, 1, status.DeadLetters)
}

func TestPurgeAsksFirst(t *testing.T) {
	config, client := testQueue(t)
	bury(t, config, client, entry(t, "first"))
	ask := func(answer string) (string, error) {
		cmd := newRootCommand()
		var out bytes.Buffer
		cmd.SetOut(&out)
		cmd.SetErr(&out)
		cmd.SetIn(strings.NewReader(answer))
		cmd.SetArgs([]string{"queue", "purge", "--all"})
		err := cmd.ExecuteContext(t.Context())
		return out.String(), err
	}
	for _, answer := range []string{"", "no\n", "y\n"} {
		out, err := ask(answer)
		require.ErrorContains(t, err, "nothing was removed")
		require.Contains(t, out, "Remove 2 dead letters for good?")
	}
	require.EqualValues(t, 2, readStatus(t).DeadLetters)
	out, err := ask("yes\n")
	require.NoError(t, err)
	require.Contains(t, out, "Removed 2 dead letters")
	require.Zero(t, readStatus(t).DeadLetters)

	bury(t, config, client)
	require.Contains(t, mustRun(t, "queue", "purge", "--all", "--yes"), "Removed 1 dead letter.")
}

func TestQueueCommandsSayWhatTheyNeed(t *testing.T) {
	t.Setenv(redisVariable, "")
	_, _, err := devlogs(t, "queue", "status")
	require.ErrorContains(t, err, "set DEVLOGS_REDIS_URL")
	for _, url := range []string{"redis://:secret@127.0.0.1:1/0", "http://:secret@x"} {
		_, _, err = devlogs(t, "queue", "status", "--redis-url", url)
		require.Error(t, err)
		require.NotContains(t, err.Error(), "secret")
	}
}

func TestARedisThatIsAwayIsNamedOnceAndWithoutItsPassword(t *testing.T) {
	t.Setenv(redisVariable, "redis://user:s3cret@127.0.0.1:1/0")
	_, _, err := devlogs(t, "queue", "status")
	require.ErrorContains(t, err, "Redis at 127.0.0.1:1 does not answer: ")
	require.NotContains(t, err.Error(), "\n")
	require.NotContains(t, err.Error(), "s3cret")
}
