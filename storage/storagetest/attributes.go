package storagetest

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/storage"
)

// testAttributes: attribute = value by every type of value, together with conditions on other fields, in each kind of question.
func testAttributes(t *testing.T, s Store) {
	tenant := newTenant()
	logs := plog.NewLogs()
	records := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for i, attributes := range []map[string]any{
		{"v": 500, "user": "ada"}, {"v": "500"}, {"v": 500.0}, {"v": true}, {"v": "true"}, {"v": "x\ty", "user": "ada"}, {"v": nil}, {},
		{"v": map[string]any{"v": 500}}, {"v": []any{500, "ada"}}, {"v.v": 500}, {"user": "ada", "$v": 500}, {"v": 5000}, {"v": "\xff"},
	} {
		record := records.AppendEmpty()
		record.SetTimestamp(arrival)
		record.Body().SetStr(string(rune('a' + i)))
		require.NoError(t, record.Attributes().FromRaw(attributes))
	}
	write(t, s, tenant, logs)

	v := func(value string) storage.Expr { return storage.Text{Field: storage.Attribute("v"), Value: value} }
	user := storage.Text{Field: storage.Attribute("user"), Value: "ada"}
	body := storage.FieldRef{Kind: storage.FieldBody}
	for _, one := range []struct {
		where storage.Expr
		want  string // the bodies
	}{
		{v("500"), "ab"}, {v("500.0"), "c"}, {v("true"), "de"}, {v("x\ty"), "f"}, {v("5000"), "m"}, {v("50"), ""}, {v("null"), ""},
		{v(""), "ghkl"},
		{storage.Text{Field: storage.FieldRef{Kind: storage.FieldAttribute, Path: []string{"v", "v"}}, Value: "500"}, "i"},
		{storage.Text{Field: storage.Attribute("v.v"), Value: "500"}, "k"},
		{storage.And{v("500"), user}, "a"}, {storage.And{v("500"), storage.Not{X: user}}, "b"}, {storage.And{v("500"), v("5000")}, ""},
		{storage.Or{v("500"), v("5000")}, "abm"}, {storage.Or{v("500"), user}, "abfl"},
		{storage.Not{X: v("500")}, "cdefghijklmn"}, {storage.Not{X: storage.Or{v("500"), v("true")}}, "cfghijklmn"},
		{storage.And{storage.Or{v("500"), v("500.0")}, storage.Not{X: v("500.0")}}, "ab"},
		{storage.And{user, storage.Text{Field: body, Op: storage.TextContains, Value: "f"}}, "f"},
		{storage.And{user, storage.Not{X: storage.Text{Field: body, Op: storage.TextMatch, Value: "[a-f]"}}}, "l"},
		{storage.And{user, storage.Number{Field: storage.Attribute("v"), Op: storage.NumberGreater, Value: 400}}, "a"},
		{storage.And{user, storage.Has{Field: storage.Attribute("v")}}, "af"},
	} {
		q := everything(tenant)
		q.Where, q.Direction = one.where, storage.OldestFirst
		found := search(t, s, q)
		got := ""
		for _, record := range found {
			got += record.Body
		}
		require.Equal(t, one.want, got, "%+v", one.where)

		count := uint64(0)
		points, err := collect(s.Aggregate(t.Context(), storage.Aggregation{Query: q}))
		require.NoError(t, err)
		for _, p := range points {
			count += p.Count
		}
		require.EqualValues(t, len(one.want), count, "%+v", one.where)

		if len(found) > 1 {
			after := found[0].Position()
			q.After = &after
			require.Equal(t, positions(found[1:]), positions(search(t, s, q)), "%+v", one.where)
		}
	}
}
