package storagetest

import (
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/storage"
)

func testCatalogue(t *testing.T, s Store) {
	t.Run("streams of a time range, in the order of id", func(t *testing.T) {
		tenant := newTenant()
		const slack = pcommon.Timestamp(storage.StreamSlack)
		for i := range 30 { // each stream an hour after the one before
			from := arrival + pcommon.Timestamp(i)*6*slack
			write(t, s, tenant, lines("service-"+strconv.Itoa(i), from, 1, "a", "b"))
			write(t, s, tenant, lines("service-"+strconv.Itoa(i), from+2*slack, 1, "c"))
		}
		all, err := collect(s.Streams(t.Context(), tenant, 0, storage.EndOfTime))
		require.NoError(t, err)
		require.Len(t, all, 30)
		require.True(t, slices.IsSortedFunc(all, func(a, b storage.Stream) int { return int(min(max(int64(a.ID>>1)-int64(b.ID>>1), -1), 1)) }))
		for _, stream := range all {
			i, err := strconv.Atoi(stream.Service[len("service-"):])
			require.NoError(t, err)
			first := arrival + pcommon.Timestamp(i)*6*slack
			last := first + 2*slack
			require.LessOrEqual(t, stream.First, first)
			require.GreaterOrEqual(t, stream.First, first-slack)
			require.GreaterOrEqual(t, stream.Last, last)
			require.LessOrEqual(t, stream.Last, last+slack)
			require.JSONEq(t, `{"service.name":"`+stream.Service+`"}`, stream.Resource)

			found, err := collect(s.Streams(t.Context(), tenant, last, last+1))
			require.NoError(t, err)
			require.Equal(t, []storage.Stream{stream}, found)
		}
		none, err := collect(s.Streams(t.Context(), tenant, 0, arrival-2*slack))
		require.NoError(t, err)
		require.Empty(t, none)
	})

	t.Run("fields by name, then type", func(t *testing.T) {
		tenant := newTenant()
		for _, service := range []string{"web", "api"} {
			logs := lines(service, arrival, 1, "a", "b", "c")
			records := logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords()
			records.At(0).Attributes().PutInt("http.status_code", 200)
			records.At(1).Attributes().PutStr("http.status_code", "200")
			records.At(2).Attributes().PutEmptyMap("http").PutDouble("status_code", 1)
			records.At(2).Attributes().PutBool(service, true)
			write(t, s, tenant, logs)
			write(t, s, tenant, logs)
		}
		fields, err := s.Fields(t.Context(), tenant, "api")
		require.NoError(t, err)
		require.Equal(t, []storage.Field{
			{Service: "api", Name: "api", Path: "/api", Type: storage.TypeBool},
			{Service: "api", Name: "http", Path: "/http", Type: storage.TypeMap},
			{Service: "api", Name: "http.status_code", Path: "/http.status_code", Type: storage.TypeString},
			{Service: "api", Name: "http.status_code", Path: "/http.status_code", Type: storage.TypeInt},
			{Service: "api", Name: "http.status_code", Path: "/http/status_code", Type: storage.TypeDouble},
		}, fields)
		all, err := s.Fields(t.Context(), tenant, "")
		require.NoError(t, err)
		require.Len(t, all, 2*len(fields))
		require.True(t, slices.IsSortedFunc(all, func(a, b storage.Field) int {
			if a.Name != b.Name {
				return slices.Compare([]string{a.Name}, []string{b.Name})
			}
			return int(a.Type) - int(b.Type)
		}))
	})

	t.Run("an unknown tenant has nothing", func(t *testing.T) {
		tenant := newTenant()
		require.Empty(t, search(t, s, everything(tenant)))
		fields, err := s.Fields(t.Context(), tenant, "")
		require.NoError(t, err)
		require.Empty(t, fields)
		_, err = s.Get(t.Context(), tenant, storage.ID{Batch: 1 << 60, Row: 1})
		require.ErrorIs(t, err, storage.ErrNotFound)
	})

	t.Run("many streams", func(t *testing.T) {
		tenant := newTenant()
		logs := plog.NewLogs()
		for i := range 3000 {
			lines("service-"+strconv.Itoa(i), arrival, 1, "a").ResourceLogs().MoveAndAppendTo(logs.ResourceLogs())
		}
		write(t, s, tenant, logs)
		all, err := collect(s.Streams(t.Context(), tenant, 0, storage.EndOfTime))
		require.NoError(t, err)
		require.Len(t, all, 3000)
		ids := make([]uint64, 0, 2000)
		for _, stream := range all[:2000] {
			ids = append(ids, stream.ID)
		}
		q := everything(tenant)
		q.Where = storage.InStreams{IDs: ids}
		require.Len(t, search(t, s, q), 2000)
	})
}
