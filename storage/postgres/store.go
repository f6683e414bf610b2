package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/zap"

	"github.com/instantdevlogs/devlogs/storage"
)

// Store keeps logs in PostgreSQL. Safe for concurrent use.
type Store struct {
	config Config
	logger *zap.Logger
	schema Schema

	writers *pgxpool.Pool // for storing and maintenance
	readers *pgxpool.Pool // for questions: they can't take the connections that storing needs

	catalogue catalogue // what is known to be in log_streams and log_fields
	streams   streams   // streams that were read
	days      days      // partitions known to be there
	direct    bool      // the server compresses while it copies
	lz4       bool      // the server has the faster compression of long values

	listener listener

	pending pending // Writes that wait for their commit

	stop context.CancelFunc
	work sync.WaitGroup
}

var (
	_ storage.Writer = (*Store)(nil)
	_ storage.Reader = (*Store)(nil)
)

// Open connects to the database and brings its schema up to date when it is behind; several processes may do so at once.
// ctx bounds only the opening. Close ends the store.
func Open(ctx context.Context, config Config) (*Store, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	s := &Store{config: config, logger: config.Logger}
	s.listener.store = s
	if s.logger == nil {
		s.logger = zap.NewNop()
	}
	if s.config.Now == nil {
		s.config.Now = time.Now
	}
	if err := s.connect(ctx); err != nil {
		s.closePools()
		return nil, fmt.Errorf("open the log database: %w", err)
	}
	background, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.startCommits()
	if !config.ReadOnly {
		s.work.Go(func() { s.maintain(background) })
	}
	return s, nil
}

func (s *Store) connect(ctx context.Context) (err error) {
	// Storing needs its transactions' connections and one for the catalogue and maintenance.
	if s.writers, err = s.pool(s.config.MaxConcurrentWrites+1, keepMemory); err != nil {
		return err
	}
	if s.readers, err = s.pool(s.config.MaxConcurrentQueries, nil); err != nil {
		return err
	}
	conn, err := s.writers.Acquire(ctx)
	if err != nil {
		return connectError(ctx, err)
	}
	defer conn.Release()
	if s.schema, err = ensureSchema(ctx, conn.Conn(), s.config.Layout, s.logger); err != nil {
		return openError(ctx, err)
	}
	return openError(ctx, conn.QueryRow(ctx, abilities, s.schema.Layout == LayoutColumnstore).Scan(&s.direct, &s.lz4))
}

// connectTimeout holds when the DSN has no connect_timeout.
const connectTimeout = 5 * time.Second

const abilities = `SELECT $1 AND EXISTS (SELECT FROM pg_settings WHERE name = 'timescaledb.enable_direct_compress_copy'),
	EXISTS (SELECT FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals))`

// pool makes a pool that connects when it is first used. Nothing is prepared, so that a pooler between may give each
// transaction another connection. prepare, when not nil, is called with each new connection.
func (s *Store) pool(size int, prepare func(context.Context, *pgx.Conn) error) (*pgxpool.Pool, error) {
	c, err := parseDSN(s.config.DSN)
	if err != nil {
		return nil, err
	}
	c.MaxConns = int32(size)
	c.MinConns = 0
	c.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	if c.ConnConfig.ConnectTimeout == 0 {
		c.ConnConfig.ConnectTimeout = connectTimeout // a host that is not there may never answer
	}
	if c.ConnConfig.RuntimeParams["application_name"] == "" {
		c.ConnConfig.RuntimeParams["application_name"] = "devlogs"
	}
	c.AfterConnect = prepare
	return pgxpool.NewWithConfig(context.Background(), c)
}

// connectError keeps what a person needs to mend it. The password is never part of the driver's message.
func connectError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &storage.UnavailableError{Reason: "the database can't be reached", RetryAfter: retryAfter, Err: cause(err)}
}

// openError tells a database that went away while it was being opened, which comes back, from one that will not do.
func openError(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil {
		return err
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && goesAway(pg.Code) || !ok && isNetwork(err) {
		return connectError(ctx, err)
	}
	return err
}

// Schema tells the version and the layout of the database.
func (s *Store) Schema() Schema { return s.schema }

// Close waits for the Writes and questions that run, and disconnects. Later calls of other methods fail.
func (s *Store) Close() error {
	s.pending.close()
	s.stop()
	s.work.Wait()
	s.closePools() // waits for questions, and tails with them
	s.listener.wait()
	return nil
}

func (s *Store) closePools() {
	for _, p := range []*pgxpool.Pool{s.writers, s.readers} {
		if p != nil {
			p.Close()
		}
	}
}

var errClosed = errors.New("the log database was closed")
