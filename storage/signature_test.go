package storage_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"pgregory.net/rapid"

	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/storagetest"
)

// rowsOf encodes one record with these attributes, as JSON would have them.
func rowsOf(t testing.TB, attributes map[string]any) *storage.Rows {
	logs := plog.NewLogs()
	record := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	require.NoError(t, record.Attributes().FromRaw(attributes))
	rows := &storage.Rows{}
	storage.Encode(rows, logs, "", 1)
	return rows
}

func equals(value string, path ...string) storage.Expr {
	return storage.Text{Field: storage.FieldRef{Kind: storage.FieldAttribute, Path: path}, Value: value}
}

// passes tells whether a store would look at the record for the condition.
func passes(signature uint64, where storage.Expr) bool {
	masks := storage.SignaturesOf(where)
	for _, mask := range masks {
		if signature&mask == mask {
			return true
		}
	}
	return masks == nil
}

// leaves calls yield with the path of every value in m, maps and lists too.
func leaves(m pcommon.Map, path []string, yield func([]string)) {
	for key, value := range m.All() {
		below := append(path[:len(path):len(path)], key)
		yield(below)
		if value.Type() == pcommon.ValueTypeMap {
			leaves(value.Map(), below, yield)
		}
	}
}

func TestARecordThatHasAValueHasItsSignature(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		logs := storagetest.Logs().Draw(t, "logs")
		other := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "{}", "[1]", "null", "true", "500", "500.0"})).Draw(t, "value")
		rows := &storage.Rows{}
		storage.Encode(rows, logs, "", 1)
		require.Len(t, rows.Signature, rows.Len())
		for i := range rows.Len() {
			record := storage.Record{Attributes: string(rows.Attributes.At(i))}
			stored := pcommon.NewMap()
			require.NoError(t, storage.DecodeMap(record.Attributes, stored))
			values := storage.ValuesOf(&record)
			leaves(stored, nil, func(path []string) {
				field := storage.FieldRef{Kind: storage.FieldAttribute, Path: path}
				text, err := values.Text(field)
				require.NoError(t, err)
				for _, value := range []string{text, other} {
					where := storage.Text{Field: field, Value: value}
					holds, err := storage.NewMatcher(where).Matches(&record)
					require.NoError(t, err)
					require.True(t, !holds || passes(rows.Signature[i], where), "%q = %q in %s", path, value, record.Attributes)
				}
			})
		}
	})
}

func TestSignaturesTellValuesAndPathsApart(t *testing.T) {
	record := rowsOf(t, map[string]any{
		"status": 500, "text": "500", "ratio": 2.0, "ok": true, "a.b": "x", "http": map[string]any{"code": 404}, "": "empty",
		"bytes": []byte("b"), "list": []any{"one"}, "bad": "\xff",
	}).Signature[0]
	for _, holds := range []storage.Expr{
		equals("500", "status"), equals("500", "text"), equals("2.0", "ratio"), equals("true", "ok"), equals("x", "a.b"),
		equals("404", "http", "code"), equals("empty", ""),
		equals("", "absent"), equals("", "status"), equals(`{"code":404}`, "http"), equals(`["one"]`, "list"), equals(`{"$bytes":"Yg=="}`, "bytes"),
		equals("x", "$hidden"), equals("\xff", "bad"),
		storage.Not{X: equals("404", "status")}, storage.Has{Field: storage.Attribute("absent")},
		storage.And{}, storage.And{equals("500", "status"), equals("true", "ok")},
		storage.Or{equals("404", "status"), equals("500", "status")},
		storage.Or{equals("404", "status"), storage.Not{X: equals("404", "status")}},
		storage.Text{Field: storage.Attribute("status"), Value: "FIVE", Fold: true},
		storage.Text{Field: storage.Attribute("status"), Op: storage.TextContains, Value: "404"},
	} {
		assert.True(t, passes(record, holds), "%+v", holds)
	}
	few := rowsOf(t, map[string]any{"status": 500, "a.b": "x"}).Signature[0]
	for _, lacks := range []storage.Expr{
		equals("404", "status"), equals("500.0", "status"), equals("500", "code"), equals("x", "a", "b"), equals("x", "b"),
		storage.And{equals("500", "status"), equals("y", "a.b")}, storage.Or{equals("404", "status"), equals("y", "a.b")},
		storage.And{storage.Not{X: equals("x", "a.b")}, equals("404", "status")},
	} {
		assert.False(t, passes(few, lacks), "%+v", lacks)
	}
}

func TestSignaturesStayAsTheyAreStored(t *testing.T) {
	rows := rowsOf(t, map[string]any{"http.status_code": 500})
	require.Equal(t, uint64(0x1200008000), rows.Signature[0])
	require.Equal(t, []uint64{rows.Signature[0]}, storage.SignaturesOf(equals("500", "http.status_code")))
	require.Equal(t, uint64(0x200348000000020), rowsOf(t, map[string]any{"http": map[string]any{"status": true}, "user": "ada"}).Signature[0])
	require.Zero(t, rowsOf(t, nil).Signature[0])
}

func TestSignaturesAreFew(t *testing.T) {
	list := func(key string, n int) (or storage.Or) {
		for i := range n {
			or = append(or, equals(string(rune('a'+i)), key))
		}
		return or
	}
	require.Len(t, storage.SignaturesOf(list("k", 16)), 16)
	require.Nil(t, storage.SignaturesOf(list("k", 17)))
	require.Len(t, storage.SignaturesOf(storage.And{list("k", 4), list("l", 4)}), 16)
	require.Equal(t, storage.SignaturesOf(list("l", 4)), storage.SignaturesOf(storage.And{list("k", 5), list("l", 4)}))
	require.Equal(t, storage.SignaturesOf(list("l", 4)), storage.SignaturesOf(storage.And{list("l", 4), list("k", 5)}))
}
