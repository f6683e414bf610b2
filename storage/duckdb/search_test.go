package duckdb_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"golang.org/x/sync/errgroup"

	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/duckdb"
)

// A search that wants only one or two records must widen its windows as any other does: looking for the newest line after a
// quiet time took thousands of statements.
func TestWindowsWidenHoweverFewRecordsAreWanted(t *testing.T) {
	store := openTemp(t)
	const batches = 24
	for i := range batches {
		put(t, store, uuid.New(), i*batchRecords, batchRecords)
	}
	var asked int
	ctx := storage.WithTrace(t.Context(), func(sql string, _ []string) {
		if strings.Contains(sql, ".logs ") {
			asked++
		}
	})
	nowhere := storage.Text{Field: storage.FieldRef{Kind: storage.FieldBody}, Op: storage.TextContains, Value: "in no record"}
	for _, direction := range []storage.Direction{storage.NewestFirst, storage.OldestFirst} {
		asked = 0
		for range store.Search(ctx, storage.Query{End: storage.EndOfTime, Where: nowhere, Limit: 1, Direction: direction}) {
			require.Fail(t, "found what is in no record")
		}
		require.Less(t, asked, 4, "windows of a row group each would be six")
	}
}

// wide fills a store with 100,000 records of a kilobyte each, all different, within a second. A few lie days off, so that a
// search can't tell by the range of times how many are in a window.
func wide(t *testing.T, config duckdb.Config) *duckdb.Store {
	store := openIn(t, config)
	const batches, perBatch = 10, 10_000
	for batch := range batches {
		logs := plog.NewLogs()
		records := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
		for row := range perBatch {
			n := uint64(batch*perBatch + row)
			at := 1_000_000*time.Second + time.Duration(n)*10*time.Microsecond
			switch n % 10_000 {
			case 0:
				at -= 100_000 * time.Second
			case 1:
				at += 100_000 * time.Second
			}
			record := records.AppendEmpty()
			record.SetTimestamp(pcommon.Timestamp(at))
			record.Body().SetStr(strings.Repeat(strconv.FormatUint(n*0x9e3779b97f4a7c15, 16), 64))
		}
		rows := &storage.Rows{}
		storage.Encode(rows, logs, "", 1)
		_, err := store.Write(t.Context(), storage.Batch{ID: uuid.New(), Rows: rows})
		require.NoError(t, err)
	}
	return store
}

// A window that holds many more records than are wanted was sorted as a whole: an export of a million records failed.
func TestASearchKeepsNoMoreThanItReturns(t *testing.T) {
	config := duckdb.DefaultConfig(t.TempDir())
	config.MemoryLimit = 64
	store := wide(t, config)
	for _, direction := range []storage.Direction{storage.NewestFirst, storage.OldestFirst} {
		var n, asked int
		ctx := storage.WithTrace(t.Context(), func(sql string, _ []string) {
			if strings.Contains(sql, ".logs ") {
				asked++
			}
		})
		for _, err := range store.Search(ctx, storage.Query{End: storage.EndOfTime, Direction: direction}) {
			require.NoError(t, err)
			n++
		}
		require.Equal(t, 100_000, n)
		require.Less(t, asked, 100, "windows find their width again after a gap")
	}
}

// Each page of an answer began as wide as if times were even, and read nearly everything.
func TestAPageGoesOnWithTheWindowOfTheOneBefore(t *testing.T) {
	store := wide(t, duckdb.DefaultConfig(t.TempDir()))
	for _, direction := range []storage.Direction{storage.NewestFirst, storage.OldestFirst} {
		query := storage.Query{End: storage.EndOfTime, Direction: direction, Limit: 500}
		for page := range 20 {
			var widest uint64
			ctx := storage.WithTrace(t.Context(), func(sql string, args []string) {
				if strings.Contains(sql, ".logs ") && len(args) > 3 {
					from, err := strconv.ParseUint(args[len(args)-2], 10, 64)
					require.NoError(t, err)
					to, err := strconv.ParseUint(args[len(args)-1], 10, 64)
					require.NoError(t, err)
					widest = max(widest, to-from)
				}
			})
			n := 0
			for record, err := range store.Search(ctx, query) {
				require.NoError(t, err)
				position := record.Position()
				query.After = &position
				n++
			}
			require.Equal(t, 500, n)
			if page > 0 {
				require.Less(t, time.Duration(widest), 100*time.Millisecond, "a tenth of all but a few records")
			}
		}
	}
}

// Statements that run at once share DuckDB's memory. What one of them can do alone is answered beside others as well.
func TestQueriesThatDoNotFitIntoMemoryTogetherRunAlone(t *testing.T) {
	config := duckdb.DefaultConfig(t.TempDir())
	config.MemoryLimit = 160
	store := wide(t, config)
	bodies := storage.Aggregation{
		Query: storage.Query{End: storage.EndOfTime}, By: []storage.FieldRef{{Kind: storage.FieldBody}}, Top: 10,
	}
	var group errgroup.Group
	for range 8 {
		group.Go(func() error {
			for _, err := range store.Aggregate(t.Context(), bodies) {
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
}

func TestAQueryThatDoesNotFitIntoMemoryAloneNamesTheSetting(t *testing.T) {
	config := duckdb.DefaultConfig(t.TempDir())
	config.MemoryLimit = 64
	store := wide(t, config)
	var failed *storage.MemoryError
	for _, err := range store.Aggregate(t.Context(), storage.Aggregation{
		Query: storage.Query{End: storage.EndOfTime}, By: []storage.FieldRef{{Kind: storage.FieldBody}},
	}) {
		if err != nil {
			require.ErrorAs(t, err, &failed)
		}
	}
	require.NotNil(t, failed)
	require.Equal(t, "the query needs more memory than the 64 MiB of memory_limit_mib", failed.Error())
	require.Equal(t, 100_000, count(t, store), "and others are answered after it")
}
