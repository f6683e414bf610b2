package postgres

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"

	"github.com/instantdevlogs/devlogs/internal/testservices"
	"github.com/instantdevlogs/devlogs/storage"
)

// TestNoStatementOutlivesItsQuestion ends questions at all moments: also between the driver's sending a statement and the
// server's beginning it, when a server overlooks that it was told to stop. The ledger is locked all the while and no timeout
// is near, so a statement that goes on waits for as long as the test does.
func TestNoStatementOutlivesItsQuestion(t *testing.T) {
	dsn := testservices.PrivatePostgres(t).Database(t).DSN
	config := DefaultConfig(configopaque.String(dsn))
	config.Layout, config.QueryTimeout = LayoutPlain, time.Hour
	store := openConfig(t, config)
	connect := func() *pgx.Conn {
		conn, err := pgx.Connect(t.Context(), dsn)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, conn.Close(context.Background())) })
		return conn
	}
	locked, err := connect().Begin(t.Context())
	require.NoError(t, err)
	_, err = locked.Exec(t.Context(), "LOCK TABLE log_batches IN ACCESS EXCLUSIVE MODE")
	require.NoError(t, err)

	for i := range 150 {
		ctx, cancel := context.WithCancel(t.Context())
		ctx = storage.WithTrace(ctx, func(string, []string) { time.AfterFunc(time.Duration(i)*10*time.Microsecond, cancel) })
		for _, err = range store.Search(ctx, storage.Query{End: storage.EndOfTime}) {
		}
		require.ErrorIs(t, err, context.Canceled)
	}
	watch := connect()
	for waiting := 1; waiting > 0; {
		require.NoError(t, watch.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waiting))
	}
	require.NoError(t, locked.Rollback(t.Context()))
}
