package storage_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"pgregory.net/rapid"

	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/storagetest"
)

func TestWordsAreInARecordThatHasThemAndInNoOther(t *testing.T) {
	told := 0
	rapid.Check(t, func(t *rapid.T) {
		logs := storagetest.Logs().Draw(t, "logs")
		other := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "a", "{}", "true", "0", "1.0", "null"})).Draw(t, "value")
		key := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "a", "a\t0", "$map"})).Draw(t, "key")
		rows := &storage.Rows{}
		storage.Encode(rows, logs, "", 1)
		require.Len(t, rows.Words.Ends, rows.Len())
		for i := range rows.Len() {
			words := string(rows.Words.At(i))
			if words == storage.WordsUnknown {
				continue
			}
			require.Less(t, words, storage.WordsUnknown)
			record := storage.Record{Attributes: string(rows.Attributes.At(i))}
			stored := pcommon.NewMap()
			require.NoError(t, storage.DecodeMap(record.Attributes, stored))
			paths := [][]string{{key}}
			leaves(stored, nil, func(path []string) { paths = append(paths, path) })
			values := storage.ValuesOf(&record)
			for _, path := range paths {
				field := storage.FieldRef{Kind: storage.FieldAttribute, Path: path}
				text, err := values.Text(field)
				require.NoError(t, err)
				for _, value := range []string{text, other} {
					where := storage.Text{Field: field, Value: value}
					if !storage.ToldByWords(where) {
						continue
					}
					holds, err := storage.NewMatcher(where).Matches(&record)
					require.NoError(t, err)
					require.Equal(t, holds, strings.Contains(words, storage.WordOf(where)), "%q = %q in %s: %q", path, value, record.Attributes, words)
					told++
				}
			}
		}
	})
	require.Positive(t, told, "nothing was told by words: nothing was tried")
}

func TestWordsStayAsTheyAreStored(t *testing.T) {
	words := func(attributes map[string]any) string { return string(rowsOf(t, attributes).Words.At(0)) }
	require.Empty(t, words(nil))
	require.Equal(t, "\nhttp.status_code\t500\n", words(map[string]any{"http.status_code": 500}))
	require.Empty(t, words(map[string]any{
		"id": "4f3a", "count": 1000, "ms": 54.399, "long": strings.Repeat("a", 25), "tab": "a\tb", "line\n": "a", "none": nil, "empty": "",
		"map": map[string]any{"inner": "a"}, "list": []any{"a"}, "bytes": []byte("a"), "bad": "\xff", "text": "{}", "$key": "a",
	}))
	for _, value := range []any{true, -5, 1.5, "GET", strings.Repeat("a", 24), "eu-west", "v1", "é b"} {
		require.NotEmpty(t, words(map[string]any{"k": value}), "%v", value)
	}

	logs := plog.NewLogs()
	record := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	record.Attributes().PutStr("method", "GET")
	record.Attributes().PutInt("status", 404)
	record.Attributes().PutEmptyMap("map").PutStr("method", "PUT")
	record.Attributes().PutStr("region", "east")
	rows := &storage.Rows{}
	storage.Encode(rows, logs, "", 1)
	require.Equal(t, "\nmethod\tGET\nstatus\t404\nregion\teast\n", string(rows.Words.At(0)))

	for c := 'a'; c <= 'p'; c++ {
		record.Attributes().PutStr("crowd."+string(c), "one of many")
	}
	rows.Reset()
	storage.Encode(rows, logs, "", 1)
	require.Equal(t, storage.WordsUnknown, string(rows.Words.At(0)))
}

func TestWhatWordsTell(t *testing.T) {
	is, absent := equals("500", "status"), equals("4f3a", "id")
	for _, told := range []storage.Expr{is, storage.Not{X: is}, storage.And{is, is}, storage.Or{is, storage.Not{X: storage.And{is}}}} {
		assert.True(t, storage.ToldByWords(told), "%+v", told)
	}
	for _, not := range []storage.Expr{
		nil, absent, storage.And{}, storage.Or{}, storage.And{is, absent}, storage.Or{is, absent}, storage.Not{X: absent}, storage.InStreams{},
		equals("", "status"), equals("500", "http", "status"), equals("500", "$status"), equals("500", "a\nb"), equals("500", "\xff"),
		storage.Has{Field: storage.Attribute("status")}, storage.Text{Field: storage.Attribute("status"), Value: "a", Fold: true},
		storage.Text{Field: storage.Attribute("status"), Value: "a", Op: storage.TextContains},
		storage.Text{Field: storage.FieldRef{Kind: storage.FieldBody}, Value: "a"},
	} {
		assert.False(t, storage.ToldByWords(not), "%+v", not)
	}
}
