package timescaleexporter

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/instantdevlogs/devlogs/exporter/timescaleexporter/queue"
)

// Logs that compress to nearly nothing: a queue of a few MiB unpacks to more than any machine has. Transactions are bounded by
// what they unpack to, in one drain and in one that takes over from a dead one.
func TestATransactionIsBoundedByWhatItsBatchesUnpackTo(t *testing.T) {
	const each = maxUnpacked / 4
	logs := batch("large", 2)
	for _, record := range logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
		record.Body().SetStr(strings.Repeat("x", each/2))
	}
	message, err := (&plog.ProtoMarshaler{}).MarshalLogs(logs)
	require.NoError(t, err)
	large := queue.Delivery{Entry: queue.Entry{Records: 2, Payload: queue.Pack(message)}}
	require.Less(t, large.Size(), each/10)
	require.Equal(t, len(message), large.Unpacked())
	small := queue.Delivery{Entry: queue.Entry{Records: 7, Payload: queue.Pack(nil)}}

	w := &worker{limit: 20}
	require.Equal(t, 3, w.fit([]queue.Delivery{large, large, large, large, large}))
	require.Equal(t, 1, w.fit([]queue.Delivery{large}))
	require.Equal(t, 2, w.fit([]queue.Delivery{small, small, small}), "and by its records, as before")
	require.Equal(t, 1, w.fit([]queue.Delivery{{Entry: queue.Entry{Records: 1000}}, small}), "one that is larger is stored, too")
}

func TestManyLargeBatchesAreStoredOnce(t *testing.T) {
	r := newRig(t)
	gateway := r.start(RoleEnqueue, nil)
	for i := range 100 { // small ones, so that a drain believes that it can read many at once
		require.NoError(t, r.send(gateway, fmt.Sprint("small-", i), 1))
	}
	for i := range 5 {
		logs := batch(fmt.Sprint("large-", i), 2)
		for _, record := range logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
			record.Attributes().PutStr("ballast", strings.Repeat("x", maxUnpacked/8))
		}
		require.NoError(t, gateway.ConsumeLogs(t.Context(), logs))
		r.sent[fmt.Sprint("large-", i)] = 2
	}
	drain := r.start(RoleDrain, nil)
	r.account()
	m, err := drain.telemetry.GetMetric("otelcol_timescale_drain_transaction_records")
	require.NoError(t, err)
	require.GreaterOrEqual(t, m.Data.(metricdata.Histogram[int64]).DataPoints[0].Count, uint64(2), "four of them unpack to the limit")
}
