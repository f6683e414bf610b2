package timescaleexporter

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/instantdevlogs/devlogs/exporter/timescaleexporter/queue"
	"github.com/instantdevlogs/devlogs/internal/idempotency"
)

// keyed is what json_log passes on with a body.
func keyed(t *testing.T, key, print string) context.Context {
	pairs := map[string][]string{"Idempotency-Key": {key}}
	if print != "" {
		pairs["Idempotency-Fingerprint"] = []string{print}
	}
	return withMetadata(t.Context(), pairs)
}

func TestAKeyThatComesWithOtherLogsIsRefusedWhileTheClientListens(t *testing.T) {
	r := newRig(t)
	first, second := r.start(RoleEnqueue, nil), r.start(RoleEnqueue, nil)
	require.NoError(t, first.ConsumeLogs(keyed(t, "k", ""), batch("x", 3)))
	require.NoError(t, second.ConsumeLogs(keyed(t, "k", ""), batch("x", 3)), "a retry, at another gateway")
	err := second.ConsumeLogs(keyed(t, "k", ""), batch("x", 2))
	require.True(t, idempotency.IsReused(err))
	require.True(t, consumererror.IsPermanent(err))
	require.Equal(t, codes.InvalidArgument, status.Code(err))

	require.NoError(t, first.ConsumeLogs(keyed(t, "p", "bytes"), batch("y", 1)))
	require.NoError(t, first.ConsumeLogs(keyed(t, "p", "bytes"), batch("mapped otherwise", 1)))
	require.True(t, idempotency.IsReused(first.ConsumeLogs(keyed(t, "p", "other bytes"), batch("y", 1))))

	r.start(RoleDrain, func(c *Config) { c.Drain.Consumers = 1 }) // of two payloads that count as one the first is stored
	r.drained()
	require.Equal(t, map[string]int{"x/0": 1, "x/1": 1, "x/2": 1, "y/0": 1}, bodies(t, r.store(), ""))
	require.Empty(t, r.letters())
}

// Redis remembers keys for a while only. What comes later has had its 2xx when the drain finds it: it is kept.
func TestLogsUnderAKeyThatOnlyTheLedgerRemembersBecomeDeadLetters(t *testing.T) {
	r := newRig(t)
	e := r.start(RoleAll, nil)
	config, client := r.client()
	forget := func() {
		keys, err := client.Keys(t.Context(), "*:key:*").Result()
		require.NoError(t, err)
		require.NotEmpty(t, keys)
		require.NoError(t, client.Del(t.Context(), keys...).Err())
	}
	require.NoError(t, e.ConsumeLogs(keyed(t, "k", ""), batch("a", 1)))
	r.drained()
	for _, name := range []string{"b", "c", "a"} { // the last is a late retry
		forget()
		require.NoError(t, e.ConsumeLogs(keyed(t, "k", ""), batch(name, 1)))
		require.NoError(t, e.ConsumeLogs(t.Context(), batch("beside "+name, 1)))
	}
	r.drained()
	require.Equal(t, map[string]int{"a/0": 1, "beside a/0": 1, "beside b/0": 1, "beside c/0": 1}, bodies(t, r.store(), ""))
	letters := r.letters()
	require.Len(t, letters, 2)
	for _, l := range letters {
		require.Equal(t, -1, l.Record)
		require.Contains(t, l.Reason, "Idempotency-Key was used before with another body")
	}
	require.EqualValues(t, 2, e.counted(t, "timescale_dead_letters"))

	for range 2 { // as if it were asked for twice
		for _, l := range letters {
			require.NoError(t, queue.Requeue(t.Context(), config, client, l))
		}
	}
	r.drained()
	require.Equal(t, map[string]int{"a/0": 1, "b/0": 1, "c/0": 1, "beside a/0": 1, "beside b/0": 1, "beside c/0": 1},
		bodies(t, r.store(), ""), "two that came under one key are two")
	require.Empty(t, r.letters())
}

func TestOfTwoPayloadsThatOneTransactionBringsUnderOneKeyOneIsStoredAndOneIsKept(t *testing.T) {
	r := newRig(t)
	gateway := r.start(RoleEnqueue, nil)
	_, client := r.client()
	for i := range 2 {
		require.NoError(t, gateway.ConsumeLogs(keyed(t, "k", ""), batch(fmt.Sprint(i), 1)))
		require.NoError(t, client.Del(t.Context(), client.Keys(t.Context(), "*:key:*").Val()...).Err())
	}
	r.start(RoleDrain, func(c *Config) { c.Drain.Consumers = 1 }) // two would race for the key
	r.drained()
	require.Equal(t, map[string]int{"0/0": 1}, bodies(t, r.store(), ""))
	require.Len(t, r.letters(), 1)
}
