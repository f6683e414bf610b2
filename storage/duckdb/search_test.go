package duckdb_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/instantdevlogs/devlogs/storage"
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
