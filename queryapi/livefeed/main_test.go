package livefeed

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/goleak"

	"github.com/instantdevlogs/devlogs/internal/testservices"
	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/duckdb"
	"github.com/instantdevlogs/devlogs/storage/postgres"
)

func TestMain(m *testing.M) {
	code := testservices.Run(m)
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

type testStore interface {
	storage.Writer
	storage.Reader
}

func openDuckDB(t testing.TB) testStore {
	store, err := duckdb.Open(context.Background(), duckdb.DefaultConfig(t.TempDir()))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return store
}

func openPostgres(t testing.TB, dsn string) testStore {
	store, err := postgres.Open(context.Background(), postgres.DefaultConfig(configopaque.String(dsn)))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return store
}

// eachStore runs a test on both stores, with writers of their own: on PostgreSQL their batches are committed in another order
// than they are numbered.
func eachStore(t *testing.T, test func(t *testing.T, store storage.Reader, writers []storage.Writer)) {
	const writers = 3
	t.Run("duckdb", func(t *testing.T) {
		store := openDuckDB(t)
		test(t, store, slices.Repeat([]storage.Writer{store}, writers))
	})
	t.Run("postgres", func(t *testing.T) {
		dsn := testservices.Postgres(t).DSN
		var all []storage.Writer
		for range writers {
			all = append(all, openPostgres(t, dsn))
		}
		test(t, openPostgres(t, dsn), all)
	})
}

// write stores a batch with one record for each text, of services that alternate.
func write(t require.TestingT, store storage.Writer, tenant string, texts ...string) {
	logs := plog.NewLogs()
	var records [2]plog.LogRecordSlice
	for i := range records {
		rl := logs.ResourceLogs().AppendEmpty()
		rl.Resource().Attributes().PutStr("service.name", fmt.Sprintf("service-%d", i))
		records[i] = rl.ScopeLogs().AppendEmpty().LogRecords()
	}
	for i, text := range texts {
		r := records[i%len(records)].AppendEmpty()
		r.SetTimestamp(pcommon.Timestamp(1_760_000_000_000_000_000 + i))
		r.SetSeverityNumber(plog.SeverityNumber(1 + i%24))
		r.Body().SetStr(text)
	}
	var rows storage.Rows
	storage.Encode(&rows, logs, tenant, 1)
	_, err := store.Write(context.Background(), storage.Batch{ID: uuid.New(), Rows: &rows})
	require.NoError(t, err)
}

func everything(tenant string) Query {
	return Query{Query: storage.Query{Tenant: tenant, End: storage.EndOfTime}}
}

func contains(text string) storage.Expr {
	return storage.Text{Field: storage.FieldRef{Kind: storage.FieldBody}, Op: storage.TextContains, Value: text}
}
