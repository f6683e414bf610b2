package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/zap"
)

// minServer is PostgreSQL 15.
const minServer = 150000

// checkServer refuses servers that can't hold the schema.
func checkServer(ctx context.Context, conn *pgx.Conn) error {
	var version int
	var encoding string
	err := conn.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, pg_encoding_to_char(encoding)
		FROM pg_database WHERE datname = current_database()`).Scan(&version, &encoding)
	switch {
	case err != nil:
		return err
	case version < minServer:
		return fmt.Errorf("the server is PostgreSQL %d: logs need version 15 or newer", version/10000)
	case encoding != "UTF8":
		return fmt.Errorf("the database's encoding is %s: make one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0", encoding)
	}
	return nil
}

// chooseLayout takes the wanted layout, or the best there is, and makes the extension it needs.
func chooseLayout(ctx context.Context, tx pgx.Tx, wanted Layout, logger *zap.Logger) (Layout, error) {
	if wanted == LayoutPlain {
		return LayoutPlain, nil
	}
	err := createTimescale(ctx, tx)
	if errors.Is(err, errNoTimescale) && wanted == LayoutAuto {
		logger.Info("Logs are kept in plain PostgreSQL partitions", zap.String("reason", err.Error()))
		return LayoutPlain, nil
	}
	if err != nil {
		return "", err
	}
	var license string
	if err := tx.QueryRow(ctx, "SELECT current_setting('timescaledb.license')").Scan(&license); err != nil {
		return "", err
	}
	switch {
	case wanted == LayoutAuto && license == "apache":
		return LayoutRowstore, nil
	case wanted == LayoutAuto:
		return LayoutColumnstore, nil
	case wanted == LayoutColumnstore && license == "apache":
		return "", fmt.Errorf("layout %s needs timescaledb.license = timescale, and this server has apache: use %s", wanted, LayoutRowstore)
	}
	return wanted, nil
}

var errNoTimescale = errors.New("no TimescaleDB")

// createTimescale makes the extension in the database, if it is not there.
func createTimescale(ctx context.Context, tx pgx.Tx) error {
	// Only a superuser may look into shared_preload_libraries; settings of its own show to everybody that it is loaded.
	var installed, available, loaded bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb'),
		EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb'),
		EXISTS (SELECT FROM pg_settings WHERE name LIKE 'timescaledb.%')`).Scan(&installed, &available, &loaded)
	switch {
	case err != nil:
		return err
	case installed:
		return nil
	case !available:
		return fmt.Errorf("%w: the server does not have the extension", errNoTimescale)
	case !loaded:
		return fmt.Errorf("%w: the server does not load it: add timescaledb to shared_preload_libraries", errNoTimescale)
	}
	return pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error { // a savepoint
		_, err := tx.Exec(ctx, "CREATE EXTENSION timescaledb")
		if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == pgerrcode.InsufficientPrivilege {
			return fmt.Errorf("%w: this role may not create the extension: let a superuser run CREATE EXTENSION timescaledb", errNoTimescale)
		}
		return err
	})
}

// hypertable tells whether TimescaleDB cuts the logs into chunks.
func (l Layout) hypertable() bool { return l == LayoutColumnstore || l == LayoutRowstore }
