package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/instantdevlogs/devlogs/storage"
)

// reading is one question's connection, in a read-only transaction.
type reading struct {
	ctx      context.Context
	conn     *pgconn.PgConn
	rewrites bool // the server may write chunks anew while they are read
}

// begin says how long a statement may take. Compiling a plan to machine code costs more than it gains here.
const beginReading = "BEGIN READ ONLY; SET LOCAL statement_timeout = %d; SET LOCAL jit = off; SET LOCAL work_mem = '32MB'; SET LOCAL cursor_tuple_fraction = 1; SET LOCAL timezone = 'UTC'; SET LOCAL bytea_output = 'hex'"

// errStop ends a question whose asker has heard enough.
var errStop = errors.New("stop")

// read runs a question. ask's error is given back; errStop counts as none.
func (s *Store) read(ctx context.Context, attempted string, ask func(*reading) error) error {
	err := s.readOnce(ctx, ask)
	if errors.Is(err, errStop) {
		return nil
	}
	return readError(ctx, attempted, err)
}

func (s *Store) readOnce(ctx context.Context, ask func(*reading) error) error {
	c, err := s.acquireReader(ctx)
	if err != nil {
		return err
	}
	defer c.Release() // a connection in a transaction is closed by that
	r := &reading{ctx, c.Conn().PgConn(), s.schema.Layout == LayoutColumnstore}
	err = ask(r)
	switch {
	case r.conn.IsClosed():
		endStatement(r.conn)
	case !r.conn.IsBusy():
		return errors.Join(err, r.run("ROLLBACK"))
	}
	return err
}

// acquireReader gives a connection in a transaction. When its first one is dead, all may be: they are made anew.
func (s *Store) acquireReader(ctx context.Context) (*pgxpool.Conn, error) {
	for attempt := 0; ; attempt++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		c, err := s.readers.Acquire(ctx)
		if err != nil {
			return nil, err
		}
		err = (&reading{ctx: ctx, conn: c.Conn().PgConn()}).run(fmt.Sprintf(beginReading, s.config.QueryTimeout.Milliseconds()))
		if err == nil {
			return c, nil
		}
		c.Release()
		if attempt > 0 || !isNetwork(err) || ctx.Err() != nil {
			return nil, err
		}
		s.readers.Reset()
	}
}

// run runs statements without parameters and results.
func (r *reading) run(sql string) error { return r.conn.Exec(r.ctx, sql).Close() }

// each gives the rows of a statement, in binary format. They are valid until row returns.
func (r *reading) each(sql string, args [][]byte, row func(values [][]byte) error) error {
	storage.Trace(r.ctx, sql, args)
	return readRows(r.conn.ExecParams(r.ctx, sql, args, nil, nil, []int16{1}), row)
}

func readRows(result *pgconn.ResultReader, row func(values [][]byte) error) error {
	var failed error
	for result.NextRow() {
		if failed == nil { // after an error the rest is skipped
			failed = row(result.Values())
		}
	}
	if _, err := result.Close(); err != nil {
		return err
	}
	return failed
}

// pages gives the rows of a statement of any size page by page, through a cursor: memory stays constant, of size rows and
// about pageBytes at the most, and a slow asker does not run into the time limit of a statement. turn is called after each page, when the connection is free.
//
// A cursor's snapshot is taken before its plan locks the chunks. When compression of a chunk commits between the two, the
// old rows are gone and the new ones too young for the snapshot: the chunk looks empty. So it is planned once before, which
// takes the locks, and what they waited for is seen.
func (r *reading) pages(sql string, args [][]byte, size int, row func(values [][]byte) error, turn func() error) error {
	storage.Trace(r.ctx, sql, args)
	wanted, held := min(size, firstFetch), 0
	fetch := func() string { return fmt.Sprintf("FETCH %d FROM page", wanted) }
	batch := &pgconn.Batch{}
	if r.rewrites {
		batch.ExecParams("EXPLAIN (COSTS OFF) "+sql, args, nil, nil, nil)
	}
	batch.ExecParams("DECLARE page NO SCROLL CURSOR FOR "+sql, args, nil, nil, nil)
	batch.ExecParams(fetch(), nil, nil, nil, []int16{1})
	results := r.conn.ExecBatch(r.ctx, batch)
	n := 0
	count := func(values [][]byte) error { n++; held += sizeOf(values); return row(values) }
	var failed error
	if r.rewrites && results.NextResult() {
		_, failed = results.ResultReader().Close()
	}
	for results.NextResult() {
		if err := readRows(results.ResultReader(), count); err != nil && failed == nil {
			failed = err
		}
	}
	if err := errors.Join(results.Close(), failed); err != nil {
		return err
	}
	for {
		if err := turn(); err != nil {
			return errors.Join(err, r.run("CLOSE page"))
		}
		if n < wanted {
			return r.run("CLOSE page")
		}
		wanted = nextFetch(wanted, held, size)
		n, held = 0, 0
		if err := readRows(r.conn.ExecParams(r.ctx, fetch(), nil, nil, nil, []int16{1}), count); err != nil {
			return err
		}
	}
}

// firstFetch is how many rows a cursor is asked for before anybody knows how large they are.
const firstFetch = 32

// nextFetch is how many rows a page may have after one of so many rows and bytes.
func nextFetch(rows, bytes, most int) int {
	const grow = 8
	next := grow * rows
	if bytes > 0 {
		next = min(next, int(float64(rows)*pageBytes/float64(bytes)))
	}
	return max(min(next, most), 1)
}

func sizeOf(values [][]byte) (n int) {
	for _, v := range values {
		n += len(v)
	}
	return n
}

// refusedRegex tells whether the server could not compile an expression that it was given.
func refusedRegex(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pg.Code == pgerrcode.InvalidRegularExpression
}

// failedJSON tells whether the server stumbled over an odd row that was stored after it was asked for such.
func failedJSON(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pg.Code == pgerrcode.UntranslatableCharacter
}
