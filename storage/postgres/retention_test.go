package postgres

import (
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/instantdevlogs/devlogs/storage"
)

func daysAgo(n int) uint64 { return uint64(time.Now().Add(-time.Duration(n) * day).UnixNano()) }

func TestRetentionByAgeDropsWholeDays(t *testing.T) {
	for _, layout := range testLayouts(t) {
		t.Run(string(layout), func(t *testing.T) {
			s := openQuiet(t, layout)
			for _, ago := range []int{0, 1, 20, 29, 31, 60} {
				_, err := s.Write(t.Context(), batchAt("", daysAgo(ago), 10))
				require.NoError(t, err)
			}
			_, err := s.Write(t.Context(), batchAt("", 1, 10)) // 1970: far
			require.NoError(t, err)
			s.config.Retention.MaxAge = 30 * day
			require.NoError(t, s.Maintain(t.Context()))
			require.EqualValues(t, 40, count(t, s, ""))
			stats, err := s.Stats(t.Context())
			require.NoError(t, err)
			require.EqualValues(t, 40, stats.Records)
			require.Greater(t, uint64(stats.MinTime), daysAgo(30))

			again := batchAt("", daysAgo(60), 1) // late data may come for a day that was dropped
			_, err = s.Write(t.Context(), again)
			require.NoError(t, err)
			require.EqualValues(t, 41, count(t, s, ""))
		})
	}
}

func TestAProcessWhoseClockIsAheadDropsNothingThatIsYoung(t *testing.T) {
	for _, layout := range testLayouts(t) {
		t.Run(string(layout), func(t *testing.T) {
			s := openQuiet(t, layout)
			for _, ago := range []int{0, 5, 60} {
				_, err := s.Write(t.Context(), batchAt("", daysAgo(ago), 10))
				require.NoError(t, err)
			}
			s.config.Now = func() time.Time { return time.Now().Add(3650 * day) }
			s.config.Retention.MaxAge, s.config.Retention.MaxBytes = 30*day, 1<<40
			require.NoError(t, s.Maintain(t.Context()))
			require.EqualValues(t, 20, count(t, s, ""))
		})
	}
}

func TestRetentionByBytesDropsTheOldestAndKeepsToday(t *testing.T) {
	for _, layout := range testLayouts(t) {
		t.Run(string(layout), func(t *testing.T) {
			s := openQuiet(t, layout)
			for _, ago := range []int{9, 6, 3, 0} {
				_, err := s.Write(t.Context(), batchAt("", daysAgo(ago), 5000))
				require.NoError(t, err)
			}
			var total int64
			require.NoError(t, pgx.BeginFunc(t.Context(), s.writers, func(tx pgx.Tx) (err error) {
				_, total, err = s.parts(t.Context(), tx)
				return err
			}))
			s.config.Retention.MaxBytes = total - 1
			require.NoError(t, s.Maintain(t.Context()))
			require.EqualValues(t, 15000, count(t, s, ""))
			s.config.Retention.MaxBytes = 1
			require.NoError(t, s.Maintain(t.Context()))
			require.EqualValues(t, 5000, count(t, s, ""))
		})
	}
}

// A clock that is wrong sends logs of the next century. No day of theirs is ever over, but they are not to be kept for ever, nor in
// the place of good ones.
func TestLogsOfTheFutureGoWithThoseThatCameWithThem(t *testing.T) {
	for _, layout := range testLayouts(t) {
		t.Run(string(layout), func(t *testing.T) {
			s := openQuiet(t, layout)
			write := func(at uint64, n int) {
				_, err := s.Write(t.Context(), batchAt("", at, n))
				require.NoError(t, err)
			}
			future := now() + uint64(9000*day)
			write(future, 10)
			_, err := s.writers.Exec(t.Context(), "UPDATE log_batches SET committed_at = now() - interval '34 days'")
			require.NoError(t, err)
			write(future, 5)
			write(now(), 1)
			s.config.Retention.MaxAge = 30 * day
			require.NoError(t, s.Maintain(t.Context()))
			require.EqualValues(t, 6, count(t, s, ""))
			stats, err := s.Stats(t.Context())
			require.NoError(t, err)
			require.EqualValues(t, 6, stats.Records)
		})
	}
}

func TestLogsOfFarTimesGoBeforeDaysOfGoodOnes(t *testing.T) {
	for _, layout := range testLayouts(t) {
		t.Run(string(layout), func(t *testing.T) {
			s := openQuiet(t, layout)
			for _, at := range []uint64{daysAgo(3), daysAgo(0), now() + uint64(9000*day)} {
				_, err := s.Write(t.Context(), batchAt("", at, 5000))
				require.NoError(t, err)
			}
			var total int64
			require.NoError(t, pgx.BeginFunc(t.Context(), s.writers, func(tx pgx.Tx) (err error) {
				_, total, err = s.parts(t.Context(), tx)
				return err
			}))
			s.config.Retention.MaxBytes = 2 * total
			require.NoError(t, s.Maintain(t.Context()))
			require.EqualValues(t, 15000, count(t, s, ""))
			s.config.Retention.MaxBytes = total - 1
			require.NoError(t, s.Maintain(t.Context()))
			require.EqualValues(t, 10000, count(t, s, ""))
			stats, err := s.Stats(t.Context())
			require.NoError(t, err)
			require.EqualValues(t, 10000, stats.Records)
		})
	}
}

func TestRecordsOfAllTimesAreFound(t *testing.T) {
	for _, layout := range testLayouts(t) {
		s := openTest(t, layout)
		times := []uint64{1, daysAgo(5000), daysAgo(3000), daysAgo(1), now(), now() + uint64(30*day), 1<<64 - 100}
		for _, at := range times {
			_, err := s.Write(t.Context(), batchAt("", at, 2))
			require.NoError(t, err)
		}
		var got []uint64
		for r, err := range s.Search(t.Context(), storage.Query{End: storage.EndOfTime, Direction: storage.OldestFirst}) {
			require.NoError(t, err)
			got = append(got, uint64(r.Time))
		}
		var want []uint64
		for _, at := range times {
			want = append(want, at, at+1)
		}
		require.Equal(t, want, got, "%s", layout)
	}
}

// TestCompressedAndLooseRowsAnswerTheSame: a chunk that was compressed while copying, then got loose rows, then was compressed
// by the policy's means, then got loose rows again.
func TestCompressedAndLooseRowsAnswerTheSame(t *testing.T) {
	if !slices.Contains(testLayouts(t), LayoutColumnstore) {
		return
	}
	s := openTest(t, LayoutColumnstore)
	start := daysAgo(2)
	write := func(n int) {
		_, err := s.Write(t.Context(), batchAt("", start, n))
		require.NoError(t, err)
	}
	total := uint64(0)
	check := func() {
		require.Equal(t, total, count(t, s, ""))
		n := uint64(0)
		var last storage.Position
		for r, err := range s.Search(t.Context(), storage.Query{End: storage.EndOfTime, Direction: storage.OldestFirst}) {
			require.NoError(t, err)
			require.Positive(t, r.Position().Compare(last))
			last = r.Position()
			n++
		}
		require.Equal(t, total, n, "while the server may be compressing what was just written")
	}
	for _, n := range []int{3000, 50, 2000} {
		write(n)
		total += uint64(n)
		check()
	}
	var compressed int
	require.NoError(t, s.writers.QueryRow(t.Context(), "SELECT count(*) FROM timescaledb_information.chunks WHERE is_compressed").Scan(&compressed))
	require.Equal(t, s.direct, compressed == 1)
	_, err := s.writers.Exec(t.Context(), "SELECT compress_chunk(c) FROM show_chunks('logs') AS c")
	require.NoError(t, err)
	check()
	write(70)
	total += 70
	check()
}
