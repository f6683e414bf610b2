package postgres

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/storage"
)

// A search may not hold a thousand records when each is as large as a request may be.
func TestLargeRecordsAreHeldFewAtATime(t *testing.T) {
	const records = 48
	logs := plog.NewLogs()
	made := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	ballast := strings.Repeat("x", 1<<20)
	start := now() - records
	for i := range records {
		record := made.AppendEmpty()
		record.SetTimestamp(pcommon.Timestamp(start + uint64(i)))
		record.Body().SetStr(fmt.Sprintf("%02d%s", i, ballast))
	}
	rows := new(storage.Rows)
	storage.Encode(rows, logs, "", pcommon.Timestamp(start))
	for _, layout := range testLayouts(t) {
		s := openTest(t, layout)
		_, err := s.Write(t.Context(), storage.Batch{ID: uuid.New(), Rows: rows})
		require.NoError(t, err)
		for _, limit := range []int{0, 5, records - 1, records, records + 10} {
			for _, direction := range []storage.Direction{storage.OldestFirst, storage.NewestFirst} {
				limited := 0
				ctx := storage.WithTrace(t.Context(), func(sql string, _ []string) {
					if strings.HasPrefix(sql, "SELECT "+readColumns) && strings.Contains(sql, " LIMIT ") {
						limited++
					}
				})
				want := records
				if limit > 0 {
					want = min(limit, records)
				}
				require.Equal(t, inOrder(want, records, direction), numbers(t, ctx, s, storage.Query{
					End: storage.EndOfTime, Direction: direction, Limit: limit,
				}), "%s, limit %d", layout, limit)
				if limit == records-1 {
					require.Greater(t, limited, limit<<20/pageBytes, "%s, limit %d", layout, limit)
				}
			}
		}
	}
}

// numbers are those that the bodies begin with.
func numbers(t *testing.T, ctx context.Context, s *Store, q storage.Query) (got []string) {
	t.Helper()
	for r, err := range s.Search(ctx, q) {
		require.NoError(t, err)
		got = append(got, r.Body[:2])
	}
	return got
}

func inOrder(want, of int, direction storage.Direction) (all []string) {
	for i := range want {
		if direction == storage.NewestFirst {
			i = of - 1 - i
		}
		all = append(all, fmt.Sprintf("%02d", i))
	}
	return all
}

func TestAPageHasFewerRowsWhereRowsAreLarge(t *testing.T) {
	for _, c := range []struct{ rows, bytes, want int }{
		{firstFetch, firstFetch * 200, 8 * firstFetch},
		{8 * firstFetch, 8 * firstFetch * 200, recordPage},
		{firstFetch, firstFetch << 20, pageBytes >> 20},
		{16, 16 * 20 << 20, 1},
		{1, 20 << 20, 1},
		{1, 100, 8},
		{firstFetch, 0, 8 * firstFetch},
	} {
		require.Equal(t, c.want, nextFetch(c.rows, c.bytes, recordPage), c)
	}
}
