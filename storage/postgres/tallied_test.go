package postgres

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/storage"
)

// levelled is a batch of n records, every step from start on, of three services and four levels.
func levelled(start, step uint64, n int) storage.Batch {
	logs := plog.NewLogs()
	for service := range 3 {
		rl := logs.ResourceLogs().AppendEmpty()
		rl.Resource().Attributes().PutStr("service.name", fmt.Sprintf("service-%d", service))
		sl := rl.ScopeLogs().AppendEmpty()
		for i := service; i < n; i += 3 {
			r := sl.LogRecords().AppendEmpty()
			r.SetTimestamp(pcommon.Timestamp(start + uint64(i)*step))
			r.SetSeverityNumber(plog.SeverityNumber(i % 4 * 4))
			r.SetSeverityText([]string{"none", "DEBUG", "INFO", "WARN"}[i%4])
			r.Body().SetStr(strings.Repeat("x", i%50))
		}
	}
	rows := &storage.Rows{}
	storage.Encode(rows, logs, "", pcommon.Timestamp(start))
	return storage.Batch{ID: uuid.New(), Rows: rows}
}

func points(ctx context.Context, t testing.TB, s *Store, a storage.Aggregation) (all []storage.Point) {
	for p, err := range s.Aggregate(ctx, a) {
		require.NoError(t, err)
		all = append(all, p)
	}
	return all
}

// total is what the points count.
func total(points []storage.Point) (n uint64) {
	for _, p := range points {
		n += p.Count
	}
	return n
}

// scans runs note, or nothing, before each statement that reads logs, and counts them.
func scans(ctx context.Context, n *int, note func(sql string)) context.Context {
	return storage.WithTrace(ctx, func(sql string, _ []string) {
		if strings.Contains(sql, " FROM logs") {
			*n++
			if note != nil {
				note(sql)
			}
		}
	})
}

func forgetTallies(t testing.TB, s *Store) {
	_, err := s.writers.Exec(t.Context(), "UPDATE log_batches SET tally = NULL")
	require.NoError(t, err)
}

var (
	byStream   = storage.FieldRef{Kind: storage.FieldStream}
	bySeverity = storage.FieldRef{Kind: storage.FieldSeverity}
	byLevel    = storage.FieldRef{Kind: storage.FieldSeverityText}
)

func TestTalliesCountWhatAScanCounts(t *testing.T) {
	for _, layout := range testLayouts(t) {
		t.Run(string(layout), func(t *testing.T) {
			s := openTest(t, layout)
			start := daysAgo(1) / uint64(time.Hour) * uint64(time.Hour)
			// The first makes the day; batches that came before their partition are scanned.
			for i, b := range []storage.Batch{levelled(start, 1, 3), levelled(start+5, 1_000_000_000, 1500), levelled(start+uint64(day)-500e9, 1e9, 1200)} {
				_, err := s.Write(t.Context(), b)
				require.NoError(t, err, "%d", i)
			}
			for i := range 40 {
				_, err := s.Write(t.Context(), levelled(start+uint64(i)*90e9+7, 30_000_001, 200))
				require.NoError(t, err)
			}
			var all []storage.Aggregation
			for _, where := range []storage.Expr{
				nil,
				storage.Not{X: storage.Number{Field: bySeverity, Op: storage.NumberLessEqual, Value: 0}},
				storage.Or{storage.Text{Field: byLevel, Op: storage.TextMatch, Value: "^(INFO|none)$"}, storage.Has{Field: bySeverity}},
				storage.Text{Field: byLevel, Value: "nowhere"},
				storage.Text{Field: storage.FieldRef{Kind: storage.FieldBody}, Op: storage.TextContains, Value: "xxxxxxxxx"},
			} {
				for _, by := range [][]storage.FieldRef{nil, {byStream}, {bySeverity, byLevel}} {
					for _, step := range []uint64{0, 600e9, 7} {
						q := storage.Query{Start: pcommon.Timestamp(start + 100e9 + 3), End: pcommon.Timestamp(start + uint64(day) + 13), Where: where}
						all = append(all, storage.Aggregation{Query: q, Step: step, Origin: 777, By: by, Bytes: step == 0, Top: len(by)})
					}
				}
			}
			var got [][]storage.Point
			for _, a := range all {
				got = append(got, points(t.Context(), t, s, a))
			}
			forgetTallies(t, s)
			for i, a := range all {
				require.Equal(t, points(t.Context(), t, s, a), got[i], "%+v", a)
			}
		})
	}
}

func TestCountOfWholeBatchesReadsNoLogs(t *testing.T) {
	for _, layout := range testLayouts(t) {
		t.Run(string(layout), func(t *testing.T) {
			s := openTest(t, layout)
			start := daysAgo(2)
			for i := range 20 {
				_, err := s.Write(t.Context(), levelled(start+uint64(i), 1, 200))
				require.NoError(t, err)
			}
			read := 0
			a := storage.Aggregation{Query: storage.Query{End: storage.EndOfTime}, By: []storage.FieldRef{byLevel}}
			require.EqualValues(t, 4000, total(points(scans(t.Context(), &read, func(sql string) {
				require.Contains(t, sql, "batch_seq = ANY", "only what came with the chunk")
			}), t, s, a)))
			if layout == LayoutPlain {
				require.Zero(t, read)
			}
		})
	}
}

// TestBatchesThatAreStoredMeanwhileAreCountedNowhere commits a batch between the look at the ledger and the scan of what the
// tallies don't tell.
func TestBatchesThatAreStoredMeanwhileAreCountedNowhere(t *testing.T) {
	for _, layout := range testLayouts(t) {
		t.Run(string(layout), func(t *testing.T) {
			s := openTest(t, layout)
			// The server would compress an older chunk, wait for this reader with that, and have the writer wait behind it.
			start := now() - uint64(time.Minute)
			for range 5 {
				_, err := s.Write(t.Context(), levelled(start+5e9, 1, 200))
				require.NoError(t, err)
			}
			_, err := s.Write(t.Context(), levelled(start, 1e8, 200)) // in two buckets
			require.NoError(t, err)
			read := 0
			ctx := scans(t.Context(), &read, func(string) {
				_, err := s.Write(context.WithoutCancel(t.Context()), levelled(start, 1e8, 200))
				require.NoError(t, err)
			})
			a := storage.Aggregation{Query: storage.Query{End: storage.EndOfTime}, Step: 10e9, Origin: pcommon.Timestamp(start)}
			require.EqualValues(t, 1200, total(points(ctx, t, s, a)))
			require.Equal(t, 1, read)
			require.EqualValues(t, 1400, total(points(t.Context(), t, s, a)))
		})
	}
}

// TestWhatIsDroppedCountsNoMore: by retention from batches that reach over its bound, by others, and by others when late
// records have a partition made anew.
func TestWhatIsDroppedCountsNoMore(t *testing.T) {
	for _, layout := range testLayouts(t) {
		t.Run(string(layout), func(t *testing.T) {
			s := openQuiet(t, layout)
			first := daysAgo(5) / uint64(day) * uint64(day)
			write := func(start, step uint64, n int) {
				_, err := s.Write(t.Context(), levelled(start, step, n))
				require.NoError(t, err)
			}
			for d := range uint64(5) {
				write(first+d*uint64(day), 1e9, 20)
			}
			for d := range uint64(4) {
				write(first+d*uint64(day)+uint64(day)-10e9, 1e9, 20) // half in the next day
			}
			count := func() uint64 {
				return total(points(t.Context(), t, s, storage.Aggregation{Query: storage.Query{End: storage.EndOfTime}}))
			}
			require.EqualValues(t, 180, count())
			s.config.Retention.MaxAge = time.Since(time.Unix(0, int64(first)).Add(day))
			require.NoError(t, s.Maintain(t.Context()))
			require.EqualValues(t, 150, count(), "without the first day")

			drop := "DROP TABLE logs_" + dayName(time.Unix(0, int64(first)).Add(2*day).UTC())
			if layout.hypertable() {
				drop = fmt.Sprintf("SELECT drop_chunks('logs', older_than => '%[1]s'::timestamptz + interval '3 days', newer_than => '%[1]s'::timestamptz + interval '2 days')",
					dayBound(time.Unix(0, int64(first)).UTC()))
			}
			_, err := s.writers.Exec(t.Context(), drop)
			require.NoError(t, err)
			s.days.forget()
			require.EqualValues(t, 110, count(), "without the third day")
			write(first+2*uint64(day)+uint64(time.Hour), 1e9, 20)
			require.EqualValues(t, 130, count(), "late records")
		})
	}
}

// TestNothingIsDroppedWhileItIsCounted: retention waits for an aggregation that has looked at the ledger.
func TestNothingIsDroppedWhileItIsCounted(t *testing.T) {
	for _, layout := range testLayouts(t) {
		t.Run(string(layout), func(t *testing.T) {
			s := openQuiet(t, layout)
			if layout == LayoutColumnstore { // the compression of so old a chunk would be in the way, too
				_, err := s.writers.Exec(t.Context(), "SELECT remove_compression_policy('logs')")
				require.NoError(t, err)
			}
			start := daysAgo(40)
			for range 5 {
				_, err := s.Write(t.Context(), levelled(start+5e9, 1, 200))
				require.NoError(t, err)
			}
			_, err := s.Write(t.Context(), levelled(start, 1e8, 200))
			require.NoError(t, err)
			s.config.Retention.MaxAge = 30 * day
			read := 0
			ctx := scans(t.Context(), &read, func(string) {
				require.Error(t, s.Maintain(context.WithoutCancel(t.Context())), "it gives up after its lock_timeout")
			})
			a := storage.Aggregation{Query: storage.Query{End: storage.EndOfTime}, Step: 10e9, Origin: pcommon.Timestamp(start)}
			require.EqualValues(t, 1200, total(points(ctx, t, s, a)))
			require.Positive(t, read)
			require.NoError(t, s.Maintain(t.Context()))
			require.Empty(t, points(t.Context(), t, s, a))
		})
	}
}
