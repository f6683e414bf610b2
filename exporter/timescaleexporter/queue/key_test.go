package queue

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/instantdevlogs/devlogs/storage"
)

func keyed(i int, body string) *Entry {
	e := entry(i)
	e.Sent = storage.OfClient(body)
	return e
}

func TestAKeyIsNotedOnlyWhenItsEntryIsInTheQueue(t *testing.T) {
	f := start(t, nil, "--maxmemory-policy", "noeviction")
	memory := func(limit string) { require.NoError(t, f.client.ConfigSet(t.Context(), "maxmemory", limit).Err()) }
	require.NoError(t, f.producer.Add(t.Context(), keyed(1, "a")))
	memory("1")
	var full *FullError
	require.ErrorAs(t, f.producer.Add(t.Context(), keyed(2, "refused")), &full)
	memory("0")
	require.NoError(t, f.producer.Add(t.Context(), keyed(2, "another body")), "nothing is stored under this key")
	require.NoError(t, f.producer.Add(t.Context(), keyed(2, "another body")), "a retry")
	require.ErrorIs(t, f.producer.Add(t.Context(), keyed(2, "a third body")), ErrKeyTaken)
	require.ErrorIs(t, f.producer.Add(t.Context(), keyed(1, "b")), ErrKeyTaken)
	require.Len(t, readAll(t, f.consumer(0, "a")), 3)

	stream := f.config.logsKey(0)
	require.NoError(t, f.client.Rename(t.Context(), stream, stream+":away").Err())
	require.NoError(t, f.client.Set(t.Context(), stream, "no stream", 0).Err())
	require.ErrorContains(t, f.producer.Add(t.Context(), keyed(3, "refused")), "WRONGTYPE", "within the script")
	require.NoError(t, f.client.Rename(t.Context(), stream+":away", stream).Err())
	require.NoError(t, f.producer.Add(t.Context(), keyed(3, "another body")))

	ttl, err := f.client.TTL(t.Context(), f.config.batchKey(entry(1).Batch)).Result()
	require.NoError(t, err)
	require.Greater(t, ttl, time.Duration(0))
	require.LessOrEqual(t, ttl, keyFor)
}

func TestOfManyBodiesThatComeAtOnceUnderOneKeyOneIsTaken(t *testing.T) {
	f := start(t, func(c *Config) { c.Shards = 4 })
	other := NewProducer(f.config, f.client, f.gauge, nil) // another gateway
	defer other.Close()
	for round := range 20 {
		taken := make(chan string, 8)
		var clients errgroup.Group
		for i := range 8 {
			body, gateway := strings.Repeat("x", i), f.producer
			if i%2 == 1 {
				gateway = other
			}
			clients.Go(func() error {
				err := gateway.Add(t.Context(), keyed(round, body))
				if err == nil {
					taken <- body
				}
				return nil
			})
		}
		require.NoError(t, clients.Wait())
		require.Len(t, taken, 1)
	}
	var inQueue []uuid.UUID
	for shard := range f.config.Shards {
		for _, d := range readAll(t, f.consumer(shard, "a")) {
			inQueue = append(inQueue, d.Batch)
		}
	}
	require.Len(t, inQueue, 20)
}

// A Redis that was emptied, or whose group somebody deleted, and that fills up before a drain comes: the drain must find a
// group, as none can be made then.
func TestAFullQueueCanBeEmptiedAlsoAfterItsGroupWasDeleted(t *testing.T) {
	for name, harm := range map[string][]any{"the group is deleted": {"XGROUP", "DESTROY", "{devlogs:0}:logs", group}, "all is deleted": {"FLUSHALL"}} {
		t.Run(name, func(t *testing.T) {
			f := start(t, nil, "--maxmemory-policy", "noeviction")
			require.NoError(t, f.producer.Add(t.Context(), entry(1)))
			require.NoError(t, f.client.Do(t.Context(), harm...).Err())
			require.Eventually(t, func() bool { return !f.gauge.grouped(0) }, time.Minute, 10*time.Millisecond)
			require.NoError(t, f.producer.Add(t.Context(), entry(2)))
			require.NoError(t, f.client.ConfigSet(t.Context(), "maxmemory", "1").Err())
			c := f.consumer(0, "a")
			held := readAll(t, c)
			require.NotEmpty(t, held)
			require.NoError(t, c.Ack(t.Context(), held))
		})
	}
}
