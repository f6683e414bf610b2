package postgres

import (
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/storage"
)

// oneEach is a batch of one record for each of the last days, the newest first.
func oneEach(days int) storage.Batch {
	logs := plog.NewLogs()
	records := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for i := range days {
		record := records.AppendEmpty()
		record.SetTimestamp(pcommon.Timestamp(daysAgo(i)))
		record.Body().SetStr("one of its day")
	}
	rows := new(storage.Rows)
	storage.Encode(rows, logs, "", pcommon.Timestamp(now()))
	return storage.Batch{ID: uuid.New(), Rows: rows}
}

// A client whose times are all over the place must not bring the database down: a transaction that touches thousands of tables runs
// out of locks, and so does each question over all of them, for ever.
func TestABatchOfThousandsOfDaysMakesNoThousandsOfTables(t *testing.T) {
	for _, layout := range testLayouts(t) {
		t.Run(string(layout), func(t *testing.T) {
			s := openQuiet(t, layout)
			const days = 3000
			before := tables(t, s)
			_, err := s.Write(t.Context(), oneEach(days))
			require.NoError(t, err)
			require.EqualValues(t, days, count(t, s, ""))
			_, err = s.Write(t.Context(), batchAt("", daysAgo(days-1), 10)) // its day, which went without a table
			require.NoError(t, err)
			require.EqualValues(t, days+10, count(t, s, ""))
			require.Equal(t, before+maxDays+1, tables(t, s))
		})
	}
}

// tables counts partitions or chunks.
func tables(t *testing.T, s *Store) (n int) {
	t.Helper()
	var parts []part
	require.NoError(t, pgx.BeginFunc(t.Context(), s.writers, func(tx pgx.Tx) (err error) {
		parts, _, err = s.parts(t.Context(), tx)
		return err
	}))
	return len(parts)
}

// Retention would drop it within a minute, and the next record would make it again.
func TestWhatRetentionDropsAtOnceMakesNoTable(t *testing.T) {
	for _, layout := range testLayouts(t) {
		t.Run(string(layout), func(t *testing.T) {
			s := openQuiet(t, layout)
			s.config.Retention.MaxAge = 30 * day
			before := tables(t, s)
			_, err := s.Write(t.Context(), batchAt("", daysAgo(60), 10))
			require.NoError(t, err)
			require.Equal(t, before, tables(t, s))
			require.EqualValues(t, 10, count(t, s, ""))
			require.NoError(t, s.Maintain(t.Context()))
			require.Zero(t, count(t, s, ""))
		})
	}
}
