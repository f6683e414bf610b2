package postgres

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/instantdevlogs/devlogs/storage"
)

// TestRareTokenTakesFewStatementsHoweverItWasWritten: a quiet system writes a small batch now and then, and what searches
// it must not ask once for each.
func TestRareTokenTakesFewStatementsHoweverItWasWritten(t *testing.T) {
	s := openTest(t, LayoutPlain)
	start := now() - uint64(time.Hour)
	var batches []storage.Batch
	for i := range 1000 {
		batches = append(batches, batchAt("", start+uint64(i)*uint64(3*time.Second), 2))
	}
	_, err := s.WriteAll(t.Context(), batches)
	require.NoError(t, err)

	for name, direction := range map[string]storage.Direction{"newest first": storage.NewestFirst, "oldest first": storage.OldestFirst} {
		t.Run(name, func(t *testing.T) {
			statements := 0
			ctx := storage.WithTrace(t.Context(), func(sql string, _ []string) {
				if strings.Contains(sql, " FROM logs ") {
					statements++
				}
			})
			q := storage.Query{End: storage.EndOfTime, Direction: direction, Limit: 100, Where: contains("nowhere")}
			require.Empty(t, found(ctx, t, s, q))
			require.LessOrEqual(t, statements, 4, "windows over 2000 records in 1000 batches")

			q.Where = nil
			require.Len(t, found(ctx, t, s, q), 100)
		})
	}
}

// TestReachGoesAsFarAsTheRecordsDo checks the distances against the batches that were written: overlapping ones add up, gaps
// cost nothing, and a beginning in the midst of batches counts these.
func TestReachGoesAsFarAsTheRecordsDo(t *testing.T) {
	s := openTest(t, LayoutPlain)
	const origin = 800_000_000_000_000 // µs since 2000
	_, err := s.Write(t.Context(), batchAt("", 1, 1))
	require.NoError(t, err)
	conn, err := s.readers.Acquire(t.Context())
	require.NoError(t, err)
	defer conn.Release()
	r := &reading{ctx: t.Context(), conn: conn.Conn().PgConn()}
	require.NoError(t, r.run("BEGIN; TRUNCATE log_batches"))
	defer func() { require.NoError(t, r.run("ROLLBACK")) }()
	for _, b := range []struct {
		from, to int64
		rows     string
	}{{0, 999, "1000"}, {0, 999, "1000"}, {5000, 5099, "100"}, {9000, 9999, "500"}} {
		sql := `INSERT INTO log_batches (batch_id, tenant, rows, odd_rows, far_rows, min_time, max_time, min_ns, max_ns)
			VALUES (gen_random_uuid(), '', $3::bigint, 0, 0, $1::timestamptz, $2::timestamptz, 0, 0)`
		require.NoError(t, r.each(sql, [][]byte{timestamp(origin + b.from), timestamp(origin + b.to), []byte(b.rows)}, nil))
	}
	for name, c := range map[string]struct {
		direction storage.Direction
		low, high int64
		records   []float64
		distances []int64
	}{
		"oldest first": {storage.OldestFirst, 0, 10_000, []float64{1000, 1000, 50, 100, 1e6}, []int64{500, 1000, 5050, 9100, endOfLedger}},
		"newest first": {storage.NewestFirst, 0, 9999, []float64{250, 250, 100, 2000, 1}, []int64{500, 1000, 5000, 9999, endOfLedger}},
		"from within":  {storage.NewestFirst, 0, 499, []float64{200, 1e6}, []int64{100, endOfLedger}},
		"into within":  {storage.OldestFirst, 9500, 10_000, []float64{50, 1e6}, []int64{100, endOfLedger}},
	} {
		t.Run(name, func(t *testing.T) {
			reach, err := newReach(r, c.direction, origin+c.low, origin+c.high)
			require.NoError(t, err)
			for i, records := range c.records {
				distance, err := reach.past(records)
				require.NoError(t, err)
				require.InDelta(t, c.distances[i], distance, 2, "%v records after %v", records, c.records[:i])
			}
		})
	}
}

func contains(text string) storage.Expr {
	return storage.Text{Field: storage.FieldRef{Kind: storage.FieldBody}, Op: storage.TextContains, Value: text}
}

func found(ctx context.Context, t *testing.T, s *Store, q storage.Query) (records []storage.Record) {
	for r, err := range s.Search(ctx, q) {
		require.NoError(t, err)
		records = append(records, r)
	}
	return records
}
