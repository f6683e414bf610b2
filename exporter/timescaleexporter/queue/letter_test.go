package queue

import (
	"fmt"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// Drains free the memory of a Redis that is full. They must not need any to leave behind what can't be stored.
func TestDeadLettersAreWrittenAlsoWhenRedisIsFull(t *testing.T) {
	f := start(t, nil, "--maxmemory-policy", "noeviction")
	for i := range 2 {
		require.NoError(t, f.producer.Add(t.Context(), entry(i)))
	}
	c := f.consumer(0, "a")
	held := readAll(t, c)
	require.Len(t, held, 2)
	require.NoError(t, f.client.ConfigSet(t.Context(), "maxmemory", "1").Err())
	require.Error(t, f.producer.Add(t.Context(), entry(3)), "it is full")
	require.NoError(t, c.Bury(t.Context(), nil, []Letter{{Entry: held[0].Entry, Reason: "bad", Record: 1}}))
	require.NoError(t, c.Bury(t.Context(), held, []Letter{held[1].Whole("bad as a whole")}))
	depth, err := ReadDepth(t.Context(), f.config, f.client, 0)
	require.NoError(t, err)
	require.EqualValues(t, 2, depth.Dead)
	require.Zero(t, depth.Entries)
	require.Zero(t, depth.Pending)
}

// More than what one script takes.
func TestAllRecordsOfABatchMayBecomeDeadLetters(t *testing.T) {
	f := start(t, nil)
	require.NoError(t, f.producer.Add(t.Context(), entry(1)))
	c := f.consumer(0, "a")
	held := readAll(t, c)
	letters := make([]Letter, 2*buryAtOnce+1)
	for i := range letters {
		letters[i] = Letter{Entry: held[0].Entry, Reason: "bad", Record: i}
	}
	require.NoError(t, c.Bury(t.Context(), held, letters))
	next := 0
	for l, err := range Letters(t.Context(), f.config, f.client, 0) {
		require.NoError(t, err)
		require.Equal(t, next, l.Record)
		next++
	}
	require.Len(t, letters, next)
	depth, err := ReadDepth(t.Context(), f.config, f.client, 0)
	require.NoError(t, err)
	require.Zero(t, depth.Entries)
	require.Zero(t, depth.Pending)
}

// Somebody else's entries may be of any shape.
func TestAForeignEntryOfManyFieldsBecomesADeadLetter(t *testing.T) {
	f := start(t, nil)
	var values []any
	for i := range 20_000 {
		values = append(values, fmt.Sprint("field", i), "value")
	}
	require.NoError(t, f.client.XAdd(t.Context(), &redis.XAddArgs{Stream: f.config.logsKey(0), Values: values}).Err())
	c := f.consumer(0, "a")
	held := readAll(t, c)
	require.Len(t, held, 1)
	require.Error(t, held[0].Err)
	require.NoError(t, c.Bury(t.Context(), held, []Letter{held[0].Whole("foreign")}))
	for l, err := range Letters(t.Context(), f.config, f.client, 0) {
		require.NoError(t, err)
		require.Equal(t, "foreign; its 20000 fields are not kept", l.Reason)
	}
}
