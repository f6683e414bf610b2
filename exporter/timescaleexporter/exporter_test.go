package timescaleexporter

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"

	"github.com/instantdevlogs/devlogs/exporter/timescaleexporter/internal/metadatatest"
)

func withMetadata(ctx context.Context, pairs map[string][]string) context.Context {
	return client.NewContext(ctx, client.Info{Metadata: client.NewMetadata(pairs)})
}

func TestWhatIsConsumedReachesTheDatabaseAlsoWhenTheHalvesAreApart(t *testing.T) {
	for name, roles := range map[string][]Role{"one process": {RoleAll}, "gateway and worker": {RoleEnqueue, RoleDrain}} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			gateway := r.start(roles[0], nil)
			require.False(t, gateway.Capabilities().MutatesData)
			for i := range 20 {
				require.NoError(t, r.send(gateway, fmt.Sprint("batch-", i), 1+i))
			}
			for _, role := range roles[1:] {
				r.start(role, nil)
			}
			r.account()
		})
	}
}

func TestAWorkerRefusesLogs(t *testing.T) {
	r := newRig(t)
	err := r.start(RoleDrain, nil).ConsumeLogs(t.Context(), batch("x", 1))
	require.True(t, consumererror.IsPermanent(err))
	require.ErrorContains(t, err, "role")
}

func TestTenantsAreKeptApart(t *testing.T) {
	r := newRig(t)
	e := r.start(RoleAll, nil)
	ctx := withMetadata(t.Context(), map[string][]string{"X-Scope-OrgID": {"blue"}})
	require.NoError(t, e.ConsumeLogs(ctx, batch("x", 1)))
	r.drained()
	store := r.store()
	require.Equal(t, map[string]int{"x/0": 1}, bodies(t, store, "blue"))
	require.Empty(t, bodies(t, store, ""))
}

func TestRetriesStoreOnce(t *testing.T) {
	withKey := func(key string) context.Context {
		return withMetadata(t.Context(), map[string][]string{"Idempotency-Key": {key}})
	}
	for _, test := range []struct {
		name  string
		dedup bool
		send  func(e *running, i int) error
		want  int
	}{
		{"same content", true, func(e *running, _ int) error { return e.ConsumeLogs(t.Context(), batch("x", 5)) }, 1},
		{"same content, deduplication off", false, func(e *running, _ int) error { return e.ConsumeLogs(t.Context(), batch("x", 5)) }, 2},
		{"same content without times", true, func(e *running, _ int) error {
			logs := batch("x", 1)
			logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).SetTimestamp(0)
			return e.ConsumeLogs(t.Context(), logs)
		}, 2},
		{"same content with observed times only", true, func(e *running, _ int) error {
			logs := batch("x", 1)
			record := logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
			record.SetObservedTimestamp(record.Timestamp())
			record.SetTimestamp(0)
			return e.ConsumeLogs(t.Context(), logs)
		}, 1},
		{"same key", false, func(e *running, _ int) error { return e.ConsumeLogs(withKey("k"), batch("x", 5)) }, 1},
		{"two keys", true, func(e *running, i int) error { return e.ConsumeLogs(withKey(fmt.Sprint(i)), batch("x", 5)) }, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t)
			e := r.start(RoleAll, func(c *Config) { c.DeduplicateRetries = test.dedup })
			for i := range 2 {
				require.NoError(t, test.send(e, i))
			}
			r.drained()
			require.Equal(t, test.want, bodies(t, r.store(), "")["x/0"])
		})
	}
}

func TestMetricsTellStoredFromDuplicate(t *testing.T) {
	r := newRig(t)
	e := r.start(RoleAll, nil)
	for range 3 {
		require.NoError(t, e.ConsumeLogs(t.Context(), batch("x", 4)))
	}
	r.drained()
	point := func(outcome string, n int64) metricdata.DataPoint[int64] {
		return metricdata.DataPoint[int64]{Value: n, Attributes: attribute.NewSet(attribute.String("outcome", outcome))}
	}
	same := []metricdatatest.Option{metricdatatest.IgnoreTimestamp(), metricdatatest.IgnoreExemplars()}
	metadatatest.AssertEqualTimescaleDrainBatches(t, e.telemetry, []metricdata.DataPoint[int64]{point("conflict", 0), point("duplicate", 2), point("stored", 1)}, same...)
	metadatatest.AssertEqualTimescaleDrainRecords(t, e.telemetry, []metricdata.DataPoint[int64]{{Value: 4}}, same...)
	require.Eventually(t, func() bool { // the gauge looks twice a second
		m, err := e.telemetry.GetMetric("otelcol_timescale_queue_entries")
		return err == nil && m.Data.(metricdata.Gauge[int64]).DataPoints[0].Value == 0
	}, 10*time.Second, 50*time.Millisecond)
	metadatatest.AssertEqualTimescaleQueueDeadLetters(t, e.telemetry, []metricdata.DataPoint[int64]{{Value: 0}}, same...)
}
