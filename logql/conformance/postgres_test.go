package conformance

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"

	"github.com/instantdevlogs/devlogs/internal/testservices"
	"github.com/instantdevlogs/devlogs/storage/postgres"
)

func TestPostgresAnswersEveryCase(t *testing.T) {
	t.Parallel()
	Run(t, openPostgres(t, testservices.Postgres(t), postgres.LayoutPlain), func() {})
}

// TestColumnstoreAnswersEveryCase asks when every chunk is compressed. Without TimescaleDB there is nothing to ask, which
// testservices says aloud.
func TestColumnstoreAnswersEveryCase(t *testing.T) {
	t.Parallel()
	database := testservices.Postgres(t)
	if !database.Timescale {
		return
	}
	Run(t, openPostgres(t, database, postgres.LayoutColumnstore), func() {
		conn, err := pgx.Connect(t.Context(), database.DSN)
		require.NoError(t, err)
		defer conn.Close(context.Background())
		_, err = conn.Exec(t.Context(), "SELECT compress_chunk(c) FROM show_chunks('logs') AS c")
		require.NoError(t, err)
		var loose, compressed int
		require.NoError(t, conn.QueryRow(t.Context(), `SELECT count(*) FILTER (WHERE NOT is_compressed), count(*) FILTER (WHERE is_compressed)
			FROM timescaledb_information.chunks WHERE hypertable_name = 'logs'`).Scan(&loose, &compressed))
		require.Zero(t, loose)
		require.NotZero(t, compressed)
	})
}

func openPostgres(t *testing.T, database *testservices.Database, layout postgres.Layout) *postgres.Store {
	config := postgres.DefaultConfig(configopaque.String(database.DSN))
	config.Layout = layout
	store, err := postgres.Open(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return store
}
