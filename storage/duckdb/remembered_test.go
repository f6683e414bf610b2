package duckdb_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/duckdb"
)

// TestTheCatalogueIsNeverOlderThanTheLastWrite asks for it before and after each change, so that each answer would be
// remembered.
func TestTheCatalogueIsNeverOlderThanTheLastWrite(t *testing.T) {
	config := duckdb.DefaultConfig(t.TempDir())
	config.Retention.MaxAge = time.Nanosecond
	store := openIn(t, config)

	require.Zero(t, countStreams(t, store, 0, uint64(storage.EndOfTime)))
	require.Zero(t, countFields(t, store))
	write := func(service, field string, at uint64) {
		logs := plog.NewLogs()
		rl := logs.ResourceLogs().AppendEmpty()
		rl.Resource().Attributes().PutStr("service.name", service)
		r := rl.ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
		r.SetTimestamp(pcommon.Timestamp(at))
		r.Attributes().PutStr(field, "x")
		rows := &storage.Rows{}
		storage.Encode(rows, logs, "", 1)
		_, err := store.Write(t.Context(), storage.Batch{ID: uuid.New(), Rows: rows})
		require.NoError(t, err)
	}
	hours := func(n uint64) uint64 { return n * uint64(time.Hour) }

	write("a", "first", hours(1))
	require.Equal(t, 1, countStreams(t, store, 0, uint64(storage.EndOfTime)))
	require.Equal(t, 1, countFields(t, store))

	write("b", "first", hours(1))
	require.Equal(t, 2, countStreams(t, store, 0, uint64(storage.EndOfTime)), "a stream is new")
	require.Equal(t, 2, countFields(t, store), "a service has a field for the first time")

	require.Zero(t, countStreams(t, store, hours(5), uint64(storage.EndOfTime)))
	write("b", "first", hours(6))
	require.Equal(t, 1, countStreams(t, store, hours(5), uint64(storage.EndOfTime)), "a stream goes on")

	write("b", "second", hours(6))
	require.Equal(t, 3, countFields(t, store), "a field is new")

	require.NoError(t, duckdb.DropExpired(store, t.Context()))
	require.Zero(t, countStreams(t, store, 0, uint64(storage.EndOfTime)), "retention dropped all")
	require.Zero(t, countFields(t, store))
}

func countStreams(t *testing.T, store *duckdb.Store, start, end uint64) (n int) {
	for _, err := range store.Streams(t.Context(), "", pcommon.Timestamp(start), pcommon.Timestamp(end)) {
		require.NoError(t, err)
		n++
	}
	return n
}

func countFields(t *testing.T, store *duckdb.Store) int {
	fields, err := store.Fields(t.Context(), "", "")
	require.NoError(t, err)
	return len(fields)
}
