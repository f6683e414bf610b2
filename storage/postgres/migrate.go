package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/zap"
)

// migrations are numbered; each is one or more files: NNNN_name.sql for every layout, then NNNN_name.LAYOUT.sql for one.
//
//go:embed migrations/*.sql
var migrations embed.FS

// Keys of the advisory locks; any number nobody else uses would do.
const (
	lockMigrate    = 0x6465766c6f6701 // changes the schema
	lockMaintain   = 0x6465766c6f6702 // drops what is old
	lockPartitions = 0x6465766c6f6703 // makes a day's partition
	lockWrite      = 0x6465766c6f6704 // shared: stores batches; tail.go says what for
	lockRows       = 0x6465766c6f6705 // copies rows into a columnstore; shared: copies columns; write.go says what for
)

// Schema tells which schema a database has.
type Schema struct {
	Version int    // 0: none
	Latest  int    // what this program brings
	Layout  Layout // "" when there is none
	Applied time.Time
}

// LatestVersion is the schema version that this program needs.
func LatestVersion() int {
	latest := 0
	for _, m := range migrationFiles() {
		latest = max(latest, m.version)
	}
	return latest
}

type migrationFile struct {
	version int
	layout  Layout // "": all
	path    string
}

func migrationFiles() []migrationFile {
	paths, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		panic(err) // the pattern is well formed
	}
	slices.Sort(paths)
	files := make([]migrationFile, len(paths))
	for i, path := range paths {
		name := strings.TrimSuffix(strings.TrimPrefix(path, "migrations/"), ".sql")
		number, rest, _ := strings.Cut(name, "_")
		version, err := strconv.Atoi(number)
		if err != nil {
			panic("migration without a number: " + path)
		}
		_, layout, _ := strings.Cut(rest, ".")
		files[i] = migrationFile{version: version, layout: Layout(layout), path: path}
	}
	// The file for every layout comes before the one for one layout.
	slices.SortStableFunc(files, func(a, b migrationFile) int {
		if a.version != b.version {
			return a.version - b.version
		}
		return strings.Compare(string(a.layout), string(b.layout))
	})
	return files
}

// readSchema looks up what the database has.
func readSchema(ctx context.Context, db pgx.Tx) (Schema, error) {
	s := Schema{Latest: LatestVersion()}
	var exists bool
	// Not to_regclass: it may remember that the table was not there, and look again only in the next transaction.
	if err := db.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_class WHERE relname = 'devlogs_schema' AND pg_table_is_visible(oid))").Scan(&exists); err != nil || !exists {
		return s, err
	}
	err := db.QueryRow(ctx, "SELECT version, layout, applied_at FROM devlogs_schema ORDER BY version DESC LIMIT 1").
		Scan(&s.Version, &s.Layout, &s.Applied)
	if errors.Is(err, pgx.ErrNoRows) {
		return s, nil
	}
	return s, err
}

// ensureSchema brings the database to the latest version, if it is behind, and says what it has then.
func ensureSchema(ctx context.Context, conn *pgx.Conn, wanted Layout, logger *zap.Logger) (Schema, error) {
	if err := checkServer(ctx, conn); err != nil {
		return Schema{}, err
	}
	var schema Schema
	err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) (err error) {
		schema, err = readSchema(ctx, tx)
		return err
	})
	if err != nil || schema.Version == schema.Latest {
		return schema, errors.Join(err, checkSchema(schema, wanted))
	}
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) (err error) {
		schema, err = migrate(ctx, tx, wanted, logger)
		return err
	})
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == pgerrcode.InsufficientPrivilege {
		return schema, fmt.Errorf("the schema is at version %d and version %d is needed, but this role may not change it (%s): run \"devlogs migrate\" with the DSN of the owner once",
			schema.Version, schema.Latest, pg.Message)
	}
	return schema, err
}

// migrate applies what is missing, in one transaction, while no other process does.
func migrate(ctx context.Context, tx pgx.Tx, wanted Layout, logger *zap.Logger) (Schema, error) {
	if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", int64(lockMigrate)); err != nil {
		return Schema{}, err
	}
	schema, err := readSchema(ctx, tx) // another process may have done it while this one waited
	if err != nil {
		return schema, err
	}
	if err := checkSchema(schema, wanted); err != nil {
		return schema, err
	}
	if schema.Version == 0 {
		if schema.Layout, err = chooseLayout(ctx, tx, wanted, logger); err != nil {
			return schema, err
		}
		if _, err := tx.Exec(ctx, "CREATE TABLE IF NOT EXISTS devlogs_schema (version int PRIMARY KEY, layout text NOT NULL, applied_at timestamp with time zone NOT NULL DEFAULT now())"); err != nil {
			return schema, err
		}
	}
	for _, m := range migrationFiles() {
		if m.version <= schema.Version || (m.layout != "" && m.layout != schema.Layout) {
			continue
		}
		sql, err := migrations.ReadFile(m.path)
		if err != nil {
			return schema, err
		}
		if _, err := tx.Conn().PgConn().Exec(ctx, string(sql)).ReadAll(); err != nil {
			return schema, migrationError(m.path, err)
		}
	}
	for v := schema.Version + 1; v <= schema.Latest; v++ {
		if _, err := tx.Exec(ctx, "INSERT INTO devlogs_schema (version, layout) VALUES ($1, $2)", v, string(schema.Layout)); err != nil {
			return schema, err
		}
	}
	logger.Info("The database schema was brought up to date", zap.Int("from", schema.Version), zap.Int("to", schema.Latest),
		zap.String("layout", string(schema.Layout)))
	schema.Version = schema.Latest
	return schema, nil
}

func migrationError(path string, err error) error {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == pgerrcode.DuplicateTable {
		return fmt.Errorf("the database holds a table of another program (%s): give devlogs one of its own", pg.Message)
	}
	return fmt.Errorf("apply %s: %w", path, err)
}

func checkSchema(schema Schema, wanted Layout) error {
	if schema.Version > schema.Latest {
		return fmt.Errorf("the schema has version %d, newer than the %d this program knows: use the newer devlogs that made it", schema.Version, schema.Latest)
	}
	if wanted != LayoutAuto && schema.Version > 0 && schema.Layout != wanted {
		return fmt.Errorf("the logs in this database have layout %s, so layout %s can't be had: leave the setting empty, or use another database and \"devlogs copy\"", schema.Layout, wanted)
	}
	return nil
}
