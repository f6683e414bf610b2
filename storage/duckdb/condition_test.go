package duckdb_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/duckdb"
	"github.com/instantdevlogs/devlogs/storage/duckdb/internal/engine"
)

// Answers are the same whatever DuckDB plans; only slower when it reads the attributes of every row. Another DuckDB may plan
// otherwise.
func TestAScanAsksSignaturesBeforeItUnpacksAttributes(t *testing.T) {
	config := duckdb.DefaultConfig(t.TempDir())
	store, err := duckdb.Open(t.Context(), config)
	require.NoError(t, err)
	put(t, store, uuid.New(), 0, batchRecords)
	type question struct {
		sql     string
		args    []any
		byWords bool
	}
	byWords := false
	var asked []question
	ctx := storage.WithTrace(t.Context(), func(sql string, args []string) {
		if strings.Contains(sql, ".logs ") {
			q := question{sql: sql, byWords: byWords}
			for _, arg := range args {
				q.args = append(q.args, arg)
			}
			asked = append(asked, q)
		}
	})
	body := storage.FieldRef{Kind: storage.FieldBody}
	status := func(value string) storage.Expr {
		return storage.Text{Field: storage.Attribute("http.status_code"), Value: value}
	}
	user := storage.Text{Field: storage.Attribute("user_id"), Value: userOf(t, store)}
	wheres := []storage.Expr{
		status("404"),
		storage.Or{status("404"), status("500")},
		storage.Not{X: status("404")},
		storage.And{storage.Not{X: status("404")}, storage.Or{status("200"), storage.And{status("500"), storage.Not{X: status("301")}}}},
		user,
		storage.Or{user, status("404")},
		storage.And{
			status("404"), storage.Text{Field: body, Op: storage.TextContains, Value: "connection"},
			storage.Text{Field: body, Op: storage.TextMatch, Value: "refused|reset"}, storage.Not{X: status("500")},
			storage.Or{storage.Has{Field: body}, storage.Has{Field: storage.Attribute("user_id")}},
			storage.Number{Field: storage.FieldRef{Kind: storage.FieldSeverity}, Op: storage.NumberLess, Value: 100},
		},
	}
	for _, where := range wheres {
		byWords = storage.ToldByWords(where)
		query := storage.Query{End: storage.EndOfTime, Where: where, Limit: 10}
		require.Positive(t, length(t, store.Search(ctx, query)))
		query.After = &storage.Position{Time: storage.EndOfTime - 1}
		require.Positive(t, length(t, store.Search(ctx, query)))
		require.Positive(t, length(t, store.Aggregate(ctx, storage.Aggregation{Query: storage.Query{End: storage.EndOfTime, Where: where}})))
	}
	require.NoError(t, store.Close())
	require.GreaterOrEqual(t, len(asked), 3*len(wheres))

	db, err := engine.Open(nil)
	require.NoError(t, err)
	defer db.Close()
	conn, err := db.Connect()
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.Exec(t.Context(), "ATTACH '"+partitionFiles(t, config.Path)[0]+"' AS p000001"))
	for _, q := range asked {
		result, err := conn.Query(t.Context(), "EXPLAIN (FORMAT JSON) "+q.sql, q.args...)
		require.NoError(t, err, q.sql)
		chunk, ok := result.Next()
		require.True(t, ok)
		var plan []operator
		require.NoError(t, json.Unmarshal([]byte(chunk.Texts(1).At(0)), &plan))
		result.Close()
		scans := scansOf(plan)
		require.NotEmpty(t, scans, q.sql)
		for _, scan := range scans {
			filters := string(scan.Info.Filters)
			require.Regexp(t, "signature|words", filters, q.sql)
			require.NotContains(t, filters, "json", q.sql)
			if q.byWords && strings.Contains(q.sql, "count(*)") {
				require.NotContains(t, string(scan.Info.Projections), "attributes", q.sql)
			}
		}
	}
}

// operator is one of a plan, as DuckDB writes it.
type operator struct {
	Name     string
	Children []operator
	Info     struct{ Filters, Projections json.RawMessage } `json:"extra_info"` // texts or lists of them
}

// userOf gives the user of a record of the corpus.
func userOf(t *testing.T, store *duckdb.Store) string {
	for record, err := range store.Search(t.Context(), storage.Query{End: storage.EndOfTime, Limit: 1}) {
		require.NoError(t, err)
		values := storage.ValuesOf(&record)
		user, err := values.Text(storage.Attribute("user_id"))
		require.NoError(t, err)
		return user
	}
	require.Fail(t, "no record")
	return ""
}

func scansOf(plan []operator) (scans []operator) {
	for _, o := range plan {
		if strings.Contains(o.Name, "SCAN") {
			scans = append(scans, o)
		}
		scans = append(scans, scansOf(o.Children)...)
	}
	return scans
}
