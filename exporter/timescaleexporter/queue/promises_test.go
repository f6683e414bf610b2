package queue

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Redis answers OK and evicts the whole stream later: nothing may be acknowledged then.
func TestARedisThatEvictsTheQueueIsNotTrusted(t *testing.T) {
	f := start(t, nil, "--appendonly", "yes", "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru")
	evicts := func() bool { return f.gauge.fit() != nil }
	require.Eventually(t, evicts, time.Minute, 10*time.Millisecond)
	require.ErrorContains(t, f.producer.Add(t.Context(), entry(1)), "maxmemory-policy is allkeys-lru, and must be noeviction")

	require.NoError(t, f.client.ConfigSet(t.Context(), "maxmemory-policy", "volatile-lru").Err())
	require.Eventually(t, func() bool { return !evicts() }, time.Minute, 10*time.Millisecond)
	require.NoError(t, f.producer.Add(t.Context(), entry(1)), "entries have no time to live, so this policy spares them")

	require.NoError(t, f.client.ConfigSet(t.Context(), "maxmemory-policy", "allkeys-random").Err())
	require.Eventually(t, evicts, time.Minute, 10*time.Millisecond, "a change is seen")
}

func TestWhatRedisMayLoseIsSaidOnce(t *testing.T) {
	f := start(t, nil, "--maxmemory-policy", "allkeys-lfu")
	require.NoError(t, f.client.Do(t.Context(), "ACL", "SETUSER", "blind", "on", "nopass", "~*", "+@all", "-info").Err())
	warnings, err := Promises(t.Context(), f.config, f.client)
	require.NoError(t, err, "without a maxmemory nothing is evicted")
	require.Len(t, warnings, 2)
	assert.Contains(t, warnings[0], "appendonly is off")
	assert.Contains(t, warnings[1], "allkeys-lfu")

	said, rounds := make(chan string, 100), make(chan error, 100)
	gauge := NewGauge(f.config, f.client, func(err error) { rounds <- err }, func(w string) { said <- w })
	for range 2 {
		require.NoError(t, <-rounds)
	}
	gauge.Close()
	require.Len(t, said, 2)

	require.NoError(t, f.client.ConfigSet(t.Context(), "appendonly", "yes").Err())
	require.NoError(t, f.client.Do(t.Context(), "AUTH", "blind", "x").Err())
	warnings, err = Promises(t.Context(), f.config, f.client)
	require.NoError(t, err)
	require.Len(t, warnings, 1)
	assert.Contains(t, warnings[0], "+info")
}
