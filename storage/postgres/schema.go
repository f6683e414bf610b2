package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"
)

// ReadSchema tells which schema the database has, and changes nothing.
func ReadSchema(ctx context.Context, config Config) (schema Schema, err error) {
	return schema, withConn(ctx, config, func(conn *pgx.Conn) error {
		if err := checkServer(ctx, conn); err != nil {
			return err
		}
		return pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) (err error) {
			schema, err = readSchema(ctx, tx)
			return err
		})
	})
}

// Migrate brings the database's schema up to date, as Open does, and says what it has then.
func Migrate(ctx context.Context, config Config) (schema Schema, err error) {
	return schema, withConn(ctx, config, func(conn *pgx.Conn) error {
		logger := config.Logger
		if logger == nil {
			logger = zap.NewNop()
		}
		schema, err = ensureSchema(ctx, conn, config.Layout, logger)
		return err
	})
}

// withConn runs fn with one connection.
func withConn(ctx context.Context, config Config, fn func(*pgx.Conn) error) error {
	if err := config.Validate(); err != nil {
		return err
	}
	c, err := parseDSN(config.DSN)
	if err != nil {
		return err
	}
	conn, err := pgx.ConnectConfig(ctx, c.ConnConfig)
	if err != nil {
		return fmt.Errorf("open the log database: %w", connectError(ctx, err))
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // what was to be done is done
	return fn(conn)
}
