package postgres

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/storagetest"
)

// A count by the value of an attribute asks the column of words alone when it knows them of all rows.
func TestWordsDecideWhereTheyAreKnown(t *testing.T) {
	for _, layout := range testLayouts(t) {
		s := openTest(t, layout)
		rows := &storage.Rows{}
		storage.Encode(rows, storagetest.Corpus(0, 2000), "", 1)
		_, err := s.Write(t.Context(), storage.Batch{ID: uuid.New(), Rows: rows})
		require.NoError(t, err)
		var asked []string
		ctx := storage.WithTrace(t.Context(), func(sql string, _ []string) { asked = append(asked, sql) })
		where := storage.Text{Field: storage.FieldRef{Kind: storage.FieldAttribute, Path: []string{"http.status_code"}}, Op: storage.TextEqual, Value: "500"}
		for point, err := range s.Aggregate(ctx, storage.Aggregation{Query: storage.Query{End: storage.EndOfTime, Where: where}}) {
			require.NoError(t, err)
			require.NotZero(t, point.Count)
		}
		last := asked[len(asked)-1]
		require.Contains(t, last, "words <> '~' AND ((words LIKE")
		require.NotContains(t, last, "attributes", "in %s", layout)
	}
}

// A batch that is stored between the look at the ledger and the search may have rows whose words are not known: an exclusion by
// words must not take them for rows that lack the word.
func TestRowsWithoutWordsThatComeLateAreNotMisjudged(t *testing.T) {
	s := openTest(t, LayoutPlain)
	logs := plog.NewLogs()
	record := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	record.SetTimestamp(1)
	record.Attributes().PutStr("method", "GET")
	for c := range strings.SplitSeq("abcdefghijklm", "") {
		record.Attributes().PutStr("crowd."+c, "one of many words")
	}
	rows := &storage.Rows{}
	storage.Encode(rows, logs, "", 1)
	require.Equal(t, 1, countWordless(rows))
	_, err := s.Write(t.Context(), storage.Batch{ID: uuid.New(), Rows: rows})
	require.NoError(t, err)
	_, err = s.writers.Exec(t.Context(), "UPDATE log_batches SET wordless_rows = 0") // as if the batch were not there yet
	require.NoError(t, err)

	method := storage.FieldRef{Kind: storage.FieldAttribute, Path: []string{"method"}}
	not := storage.Not{X: storage.And{
		storage.Text{Field: method, Op: storage.TextEqual, Value: "GET"}, storage.Text{Field: method, Op: storage.TextContains, Value: "GET"},
	}}
	query := storage.Query{End: storage.EndOfTime, Where: not}
	for record, err := range s.Search(t.Context(), query) {
		require.Fail(t, "found what was excluded", "%v %v", record.Attributes, err)
	}
	for point, err := range s.Aggregate(t.Context(), storage.Aggregation{Query: query}) {
		require.Fail(t, "counted what was excluded", "%v %v", point, err)
	}
}
