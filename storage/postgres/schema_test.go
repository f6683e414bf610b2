package postgres

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"

	"github.com/instantdevlogs/devlogs/internal/testservices"
	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/storagetest"
)

func TestTablesHaveTheListedColumns(t *testing.T) {
	var want []string
	for _, c := range logColumns {
		want = append(want, fmt.Sprint(c.name, " ", c.kind, " ", c.null))
	}
	for _, layout := range testLayouts(t) {
		s := openTest(t, layout)
		for _, table := range []string{"logs", "logs_far"} {
			rows, err := s.writers.Query(t.Context(), `SELECT attname || ' ' || format_type(atttypid, atttypmod) || ' ' || (NOT attnotnull)::text
				FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`, table)
			require.NoError(t, err)
			got, err := pgx.CollectRows(rows, pgx.RowTo[string])
			require.NoError(t, err)
			require.Equal(t, want, got, "%s of %s", table, layout)
		}
	}
}

func TestManyProcessesMayMakeTheSchemaAtOnce(t *testing.T) {
	for _, layout := range testLayouts(t) {
		dsn := testservices.Postgres(t).DSN
		var opening sync.WaitGroup
		for range 4 {
			opening.Go(func() {
				config := DefaultConfig(configopaque.String(dsn))
				config.Layout = layout
				s, err := Open(t.Context(), config)
				if assert.NoError(t, err) {
					assert.Equal(t, layout, s.Schema().Layout)
					assert.NoError(t, s.Close())
				}
			})
		}
		opening.Wait()
	}
}

func TestOpenTakesTheLayoutThatIsThere(t *testing.T) {
	db := testservices.Postgres(t)
	require.Equal(t, LayoutPlain, openDatabase(t, db.DSN, LayoutPlain).Schema().Layout)
	require.Equal(t, LayoutPlain, openDatabase(t, db.DSN, LayoutAuto).Schema().Layout)

	config := DefaultConfig(configopaque.String(db.DSN))
	config.Layout = LayoutColumnstore
	_, err := Open(t.Context(), config)
	require.ErrorContains(t, err, "have layout plain")
}

func TestADatabaseOfAnotherProgramIsLeftAsItIs(t *testing.T) {
	for _, layout := range testLayouts(t) {
		config := DefaultConfig(configopaque.String(testservices.Postgres(t).DSN))
		config.Layout = layout
		conn, err := pgx.Connect(t.Context(), string(config.DSN))
		require.NoError(t, err)
		defer conn.Close(t.Context())
		_, err = conn.Exec(t.Context(), "CREATE TABLE log_batches AS SELECT 'precious' AS text")
		require.NoError(t, err)
		_, err = Open(t.Context(), config)
		require.ErrorContains(t, err, "give devlogs one of its own")
		var left int
		require.NoError(t, conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace").Scan(&left))
		require.Equal(t, 1, left)
	}
}

func TestOpenChoosesTheBestLayout(t *testing.T) {
	want := LayoutPlain
	if db := testservices.Postgres(t); db.Timescale {
		want = LayoutColumnstore
		apache := testservices.PrivatePostgres(t, "timescaledb.license = 'apache'").Database(t)
		require.Equal(t, LayoutRowstore, openDatabase(t, apache.DSN, LayoutAuto).Schema().Layout)

		config := DefaultConfig(configopaque.String(testservices.PrivatePostgres(t, "timescaledb.license = 'apache'").Database(t).DSN))
		config.Layout = LayoutColumnstore
		_, err := Open(t.Context(), config)
		require.ErrorContains(t, err, "timescale-rowstore")
	}
	require.Equal(t, want, openTest(t, LayoutAuto).Schema().Layout)
}

func TestADatabaseOfSchemaOneIsBroughtUpToDate(t *testing.T) {
	db := testservices.Postgres(t)
	s := openDatabase(t, db.DSN, LayoutAuto)
	const perBatch = 2000 // of which columns are made at once
	write := func(id uuid.UUID, print storage.Fingerprint) (storage.Outcome, error) {
		rows := &storage.Rows{}
		storage.Encode(rows, storagetest.Corpus(0, perBatch), "", 1)
		return s.Write(t.Context(), storage.Batch{ID: id, Rows: rows, Payload: print})
	}
	old, next := uuid.New(), uuid.New()
	_, err := write(old, storage.Fingerprint{})
	require.NoError(t, err)
	for _, sql := range []string{
		"ALTER TABLE log_batches DROP COLUMN payload, DROP COLUMN tally, DROP COLUMN wordless_rows",
		"ALTER TABLE logs DROP COLUMN words", "ALTER TABLE logs_far DROP COLUMN words",
		"DELETE FROM devlogs_schema WHERE version > 1",
	} {
		_, err := s.writers.Exec(t.Context(), sql)
		require.NoError(t, err)
	}

	s = openDatabase(t, db.DSN, LayoutAuto)
	require.Equal(t, LatestVersion(), s.Schema().Version)
	outcome, err := write(old, storage.OfClient("unknown then"))
	require.NoError(t, err)
	require.Equal(t, storage.Duplicate, outcome)
	_, err = write(next, storage.OfClient("a"))
	require.NoError(t, err)
	_, err = write(next, storage.OfClient("b"))
	require.ErrorIs(t, err, storage.ErrOtherPayload)

	// Words are not known of the first batch, and known of the second, which is the same.
	status := storage.FieldRef{Kind: storage.FieldAttribute, Path: []string{"http.status_code"}}
	all := storage.Aggregation{Query: storage.Query{End: storage.EndOfTime}, By: []storage.FieldRef{status}}
	counted := uint64(0)
	for group, err := range s.Aggregate(t.Context(), all) {
		require.NoError(t, err)
		one := storage.Aggregation{Query: all.Query}
		one.Where = storage.Text{Field: status, Op: storage.TextEqual, Value: group.Group[0]}
		for point, err := range s.Aggregate(t.Context(), one) {
			require.NoError(t, err)
			require.Equal(t, group.Count, point.Count, "status %s", group.Group[0])
			require.Zero(t, point.Count%2)
			counted += point.Count
		}
	}
	require.Equal(t, uint64(2*perBatch), counted)
}

func TestOpenRefusesANewerSchema(t *testing.T) {
	db := testservices.Postgres(t)
	s := openDatabase(t, db.DSN, LayoutPlain)
	_, err := s.writers.Exec(t.Context(), "INSERT INTO devlogs_schema (version, layout) VALUES (999, 'plain')")
	require.NoError(t, err)
	_, err = Open(t.Context(), DefaultConfig(configopaque.String(db.DSN)))
	require.ErrorContains(t, err, "version 999, newer than")
}

func TestErrorsNeverShowThePassword(t *testing.T) {
	for _, dsn := range []string{
		"postgres://devlogs:se%zzcret@localhost/logs", "host=localhost port=x password=secret", "postgres://devlogs:secret@127.0.0.1:1/logs",
		"host=127.0.0.1 port=1 user=devlogs password=secret dbname=logs",
	} {
		_, err := Open(t.Context(), DefaultConfig(configopaque.String(dsn)))
		require.Error(t, err)
		require.NotContains(t, err.Error(), "cret")
	}
	_, err := Open(t.Context(), DefaultConfig("postgres://devlogs:secret@127.0.0.1:1/logs"))
	unavailable, ok := errors.AsType[*storage.UnavailableError](err)
	require.True(t, ok)
	require.NotZero(t, unavailable.RetryAfter)
}

func TestConfigSaysWhatIsWrong(t *testing.T) {
	require.NoError(t, DefaultConfig("postgres://localhost/logs").Validate())
	for message, spoil := range map[string]func(*Config){
		"dsn is empty":                   func(c *Config) { c.DSN = "" },
		`layout "x" is unknown`:          func(c *Config) { c.Layout = "x" },
		"max_commit_rows is 0":           func(c *Config) { c.MaxCommitRows = 0 },
		"query_timeout is 0s":            func(c *Config) { c.QueryTimeout = 0 },
		"retention::max_age is 1h0m0s":   func(c *Config) { c.Retention.MaxAge = day / 24 },
		"retention::max_bytes is -1":     func(c *Config) { c.Retention.MaxBytes = -1 },
		"max_concurrent_queries is -1":   func(c *Config) { c.MaxConcurrentQueries = -1 },
		"max_concurrent_writes is -2000": func(c *Config) { c.MaxConcurrentWrites = -2000 },
	} {
		c := DefaultConfig("postgres://localhost/logs")
		spoil(&c)
		require.ErrorContains(t, c.Validate(), message)
	}
}
