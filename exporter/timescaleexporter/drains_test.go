package timescaleexporter

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/instantdevlogs/devlogs/storage"
)

// counted is the value of a counter of an exporter, summed over its attributes; 0 while there is none.
func (e *running) counted(t *testing.T, metric string) (total int64) {
	t.Helper()
	m, err := e.telemetry.GetMetric("otelcol_" + metric)
	if err != nil {
		return 0
	}
	for _, point := range m.Data.(metricdata.Sum[int64]).DataPoints {
		total += point.Value
	}
	return total
}

func TestDrainsThatComeAndGoShareTheWorkAndStoreEachBatchOnce(t *testing.T) {
	r := newRig(t)
	one, two := r.start(RoleEnqueue, nil), r.start(RoleEnqueue, nil)
	stopOne, stopTwo := r.load(one, "one"), r.load(two, "two")
	few := func(c *Config) { c.Drain.MaxRows = 1000 }
	var drains []*running
	join := func() { drains = append(drains, r.start(RoleDrain, few)) }
	worked := func(d *running, records int64) {
		require.Eventually(t, func() bool { return d.counted(t, "timescale_drain_records") >= records }, 20*time.Second, 5*time.Millisecond)
	}
	join()
	worked(drains[0], 1)
	join()
	join()
	for _, d := range drains {
		worked(d, d.counted(t, "timescale_drain_records")+1000)
	}
	drains[0].stop()
	join()
	worked(drains[3], 1000)
	drains[1].stop()
	stopOne()
	stopTwo()
	r.account()
	var batches, records int64
	for _, d := range drains {
		batches += d.counted(t, "timescale_drain_batches")
		records += d.counted(t, "timescale_drain_records")
	}
	want := 0
	for _, n := range r.sent {
		want += n
	}
	require.EqualValues(t, want, records)
	require.EqualValues(t, len(r.sent), batches, "no batch was stored, or tried, twice")
}

// What drains must agree on is the server's: how long an entry was held, and what is in the ledger.
func TestDrainsWhoseClocksDifferByAnHourStoreEachBatchOnce(t *testing.T) {
	r := newRig(t)
	gateway := r.start(RoleEnqueue, nil)
	stop := r.load(gateway, "load")
	for _, skew := range []time.Duration{-time.Hour, 0, time.Hour} {
		r.start(RoleDrain, func(c *Config) {
			c.Drain.ClaimAfter = time.Second
			c.Postgres.Get().Now = func() time.Time { return time.Now().Add(skew) }
		})
	}
	lasts(3 * time.Second) // several times what an entry may be held without a sign of life
	stop()
	r.account()
}

// How soon is the machine's matter, and bench's to measure; here a line must not wait for others to fill a transaction.
func TestALineIsQueryableThoughNoOtherComes(t *testing.T) {
	r := newRig(t)
	e := r.start(RoleAll, nil)
	require.NoError(t, r.send(e, "warm", 1))
	r.drained()
	store := r.store()
	slowest := time.Duration(0)
	next := 0
	sent := time.Now()
	require.NoError(t, r.send(e, fmt.Sprint("line-", next), 1))
	from := uint64(0)
	for record, err := range store.Tail(t.Context(), storage.Query{End: storage.EndOfTime}, from) {
		require.NoError(t, err)
		if record.Body != fmt.Sprintf("line-%d/0", next) {
			continue
		}
		slowest = max(slowest, time.Since(sent))
		if next++; next == 20 {
			break
		}
		sent = time.Now()
		require.NoError(t, r.send(e, fmt.Sprint("line-", next), 1))
	}
	t.Logf("the slowest of %d lines took %s", next, slowest)
	require.Equal(t, 20, next)
}
