package duckdbexporter

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/instantdevlogs/devlogs/exporter/duckdbexporter/internal/metadatatest"
	"github.com/instantdevlogs/devlogs/internal/idempotency"
	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/duckdb"
)

// running is an exporter on a store in a temporary directory.
type running struct {
	exporter.Logs
	store     *duckdb.Store // a second handle, to look with
	telemetry *componenttest.Telemetry
	config    *Config
}

func start(t *testing.T, change func(*Config)) *running {
	t.Helper()
	r := &running{config: createDefaultConfig().(*Config), telemetry: componenttest.NewTelemetry()}
	r.config.StoreConfig.Path = t.TempDir()
	if change != nil {
		change(r.config)
	}
	var err error
	r.Logs, err = NewFactory().CreateLogs(t.Context(), metadatatest.NewSettings(r.telemetry), r.config)
	require.NoError(t, err)
	require.NoError(t, r.Start(t.Context(), componenttest.NewNopHost()))
	r.store, err = duckdb.Open(t.Context(), duckdb.DefaultConfig(r.config.StoreConfig.Path))
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, r.Shutdown(context.Background()))
		require.NoError(t, r.store.Close())
		require.NoError(t, r.telemetry.Shutdown(context.Background()))
	})
	return r
}

// search gives back the bodies of a tenant, in the order of time.
func (r *running) search(t *testing.T, tenant string) (bodies []string) {
	t.Helper()
	q := storage.Query{Tenant: tenant, End: storage.EndOfTime, Direction: storage.OldestFirst}
	for record, err := range r.store.Search(t.Context(), q) {
		require.NoError(t, err)
		bodies = append(bodies, record.Body)
	}
	return bodies
}

// someLogs has n records; from tells one request's from another's.
func someLogs(from, n int) plog.Logs {
	logs := plog.NewLogs()
	rl := logs.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "checkout")
	records := rl.ScopeLogs().AppendEmpty().LogRecords()
	for i := range n {
		record := records.AppendEmpty()
		record.SetTimestamp(pcommon.NewTimestampFromTime(time.Unix(1_790_000_000+int64(from+i), 0)))
		record.Body().SetStr(fmt.Sprintf("message %d", from+i))
	}
	return logs
}

func withMetadata(ctx context.Context, pairs map[string][]string) context.Context {
	return client.NewContext(ctx, client.Info{Metadata: client.NewMetadata(pairs)})
}

func TestWhatIsConsumedCanBeReadAtOnce(t *testing.T) {
	r := start(t, nil)
	require.False(t, r.Capabilities().MutatesData)
	require.NoError(t, r.ConsumeLogs(t.Context(), someLogs(0, 3)))
	require.Equal(t, []string{"message 0", "message 1", "message 2"}, r.search(t, ""))
}

func TestWhatIsConsumedIsThereAfterARestart(t *testing.T) {
	r := start(t, nil)
	require.NoError(t, r.ConsumeLogs(t.Context(), someLogs(0, 1)))
	require.NoError(t, r.Shutdown(t.Context()))
	require.NoError(t, r.store.Close())

	again := start(t, func(config *Config) { config.StoreConfig.Path = r.config.StoreConfig.Path })
	require.Equal(t, []string{"message 0"}, again.search(t, ""))
	require.NoError(t, again.ConsumeLogs(t.Context(), someLogs(0, 1)), "a retry across the restart")
	require.Len(t, again.search(t, ""), 1)
}

func TestTenantComesFromTheClientsMetadata(t *testing.T) {
	r := start(t, nil)
	ctx := withMetadata(t.Context(), map[string][]string{"X-Scope-OrgID": {"blue"}})
	require.NoError(t, r.ConsumeLogs(ctx, someLogs(0, 1)))
	require.Equal(t, []string{"message 0"}, r.search(t, "blue"))
	require.Empty(t, r.search(t, ""))

	for _, name := range []string{"\xff", "a\tb", "a\u0085b", strings.Repeat("t", 257)} {
		err := r.ConsumeLogs(withMetadata(t.Context(), map[string][]string{"X-Scope-OrgID": {name}}), someLogs(0, 1))
		require.True(t, consumererror.IsPermanent(err), "no query could name %q", name)
		require.ErrorContains(t, err, "X-Scope-OrgID")
	}
}

func TestRetriesStoreOnce(t *testing.T) {
	withKey := func(ctx context.Context, key string) context.Context {
		return withMetadata(ctx, map[string][]string{"Idempotency-Key": {key}})
	}
	for _, test := range []struct {
		name  string
		dedup bool
		send  func(r *running, i int) error
		want  int
	}{
		{"same content, deduplication on", true, func(r *running, _ int) error {
			return r.ConsumeLogs(t.Context(), someLogs(0, 5))
		}, 5},
		{"same content, deduplication off", false, func(r *running, _ int) error {
			return r.ConsumeLogs(t.Context(), someLogs(0, 5))
		}, 10},
		{"same content without times", true, func(r *running, _ int) error {
			logs := someLogs(0, 1)
			logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).SetTimestamp(0)
			return r.ConsumeLogs(t.Context(), logs)
		}, 2},
		{"same content with observed times only", true, func(r *running, _ int) error {
			logs := someLogs(0, 1)
			record := logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
			record.SetObservedTimestamp(record.Timestamp())
			record.SetTimestamp(0)
			return r.ConsumeLogs(t.Context(), logs)
		}, 1},
		{"same key, deduplication off", false, func(r *running, _ int) error {
			return r.ConsumeLogs(withKey(t.Context(), "k"), someLogs(0, 5))
		}, 5},
		{"same content, two keys", true, func(r *running, i int) error {
			return r.ConsumeLogs(withKey(t.Context(), fmt.Sprint("k", i)), someLogs(0, 5))
		}, 10},
		{"same content, two tenants", true, func(r *running, i int) error {
			pairs := map[string][]string{"X-Scope-OrgID": {[]string{"", "other"}[i]}}
			return r.ConsumeLogs(withMetadata(t.Context(), pairs), someLogs(0, 5))
		}, 5},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := start(t, func(config *Config) { config.DeduplicateRetries = test.dedup })
			for i := range 2 {
				require.NoError(t, test.send(r, i))
			}
			require.Len(t, r.search(t, ""), test.want)
		})
	}
}

func TestAKeyThatComesWithOtherLogsIsRefused(t *testing.T) {
	keyed := func(pairs ...string) context.Context {
		metadata := map[string][]string{"Idempotency-Key": {"k"}}
		for i := 0; i < len(pairs); i += 2 {
			metadata[pairs[i]] = []string{pairs[i+1]}
		}
		return withMetadata(t.Context(), metadata)
	}
	timeless := func(first int) plog.Logs {
		logs := someLogs(first, 1)
		logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).SetTimestamp(0)
		return logs
	}
	r := start(t, nil)
	require.NoError(t, r.ConsumeLogs(keyed(), timeless(0)))
	require.NoError(t, r.ConsumeLogs(keyed(), timeless(0)), "a retry, which arrives later")
	err := r.ConsumeLogs(keyed(), timeless(1))
	require.True(t, idempotency.IsReused(err))
	require.True(t, consumererror.IsPermanent(err))
	require.Equal(t, codes.InvalidArgument, status.Code(err))
	require.NoError(t, r.ConsumeLogs(keyed("X-Scope-OrgID", "other"), timeless(1)), "keys of tenants never meet")

	// What the receiver says of the client's bytes counts, and not what became of them.
	withPrint := func(key, print string) context.Context {
		return withMetadata(t.Context(), map[string][]string{"Idempotency-Key": {key}, "Idempotency-Fingerprint": {print}})
	}
	require.NoError(t, r.ConsumeLogs(withPrint("p", "bytes"), timeless(2)))
	require.NoError(t, r.ConsumeLogs(withPrint("p", "bytes"), someLogs(3, 1)))
	require.True(t, idempotency.IsReused(r.ConsumeLogs(withPrint("p", "other bytes"), timeless(2))))
	require.Equal(t, []string{"message 0", "message 2"}, slices.Sorted(slices.Values(r.search(t, ""))))

	require.NoError(t, r.Shutdown(t.Context()))
	require.NoError(t, r.store.Close())
	again := start(t, func(config *Config) { config.StoreConfig.Path = r.config.StoreConfig.Path })
	require.NoError(t, again.ConsumeLogs(keyed(), timeless(0)))
	require.True(t, idempotency.IsReused(again.ConsumeLogs(keyed(), timeless(1))), "also after a restart")
}

func TestMetricsTellStoredFromDuplicate(t *testing.T) {
	r := start(t, nil)
	for range 3 {
		require.NoError(t, r.ConsumeLogs(t.Context(), someLogs(0, 4)))
	}
	point := func(outcome string, n int64) metricdata.DataPoint[int64] {
		return metricdata.DataPoint[int64]{Value: n, Attributes: attribute.NewSet(attribute.String("outcome", outcome))}
	}
	same := []metricdatatest.Option{metricdatatest.IgnoreTimestamp(), metricdatatest.IgnoreExemplars()}
	metadatatest.AssertEqualDuckdbBatches(t, r.telemetry,
		[]metricdata.DataPoint[int64]{point("duplicate", 2), point("stored", 1)}, same...)
	metadatatest.AssertEqualDuckdbRowsStored(t, r.telemetry, []metricdata.DataPoint[int64]{{Value: 4}}, same...)
	metadatatest.AssertEqualDuckdbStoreRecords(t, r.telemetry, []metricdata.DataPoint[int64]{{Value: 4}}, same...)
}

func TestStartSaysWhyTheStoreCantBeOpened(t *testing.T) {
	config := createDefaultConfig().(*Config)
	config.StoreConfig.Path = "/dev/null/store"
	e, err := NewFactory().CreateLogs(t.Context(), metadatatest.NewSettings(componenttest.NewTelemetry()), config)
	require.NoError(t, err)
	require.ErrorContains(t, e.Start(t.Context(), componenttest.NewNopHost()), "/dev/null/store")
	require.NoError(t, e.Shutdown(t.Context()))
}

func BenchmarkConsumeLogs(b *testing.B) {
	config := createDefaultConfig().(*Config)
	config.StoreConfig.Path = b.TempDir()
	config.DeduplicateRetries = false
	e, err := NewFactory().CreateLogs(b.Context(), metadatatest.NewSettings(componenttest.NewTelemetry()), config)
	require.NoError(b, err)
	require.NoError(b, e.Start(b.Context(), componenttest.NewNopHost()))
	const records = 5000
	logs := someLogs(0, records)
	b.ReportAllocs()
	for b.Loop() {
		require.NoError(b, e.ConsumeLogs(b.Context(), logs))
	}
	b.ReportMetric(float64(b.N)*records/b.Elapsed().Seconds(), "records/s")
	require.NoError(b, e.Shutdown(context.Background()))
}
