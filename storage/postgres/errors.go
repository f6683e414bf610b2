package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.opentelemetry.io/collector/config/configopaque"

	"github.com/instantdevlogs/devlogs/storage"
)

// ContentError says that the database refuses what a batch holds, and would refuse it each time. WriteAll stores nothing
// then: one who gave it several batches finds the bad one by trying them apart.
type ContentError struct{ Err error }

func (e *ContentError) Error() string {
	return "the database refuses the content of the batch: " + e.Err.Error()
}
func (e *ContentError) Unwrap() error { return e.Err }

// retryAfter is when one should come back to a database that can't be reached.
const retryAfter = 5 * time.Second

// writeError sorts what went wrong: the content, or the database. Errors of the driver name hosts and users, and what
// Write returns may go to clients, so only the cause is kept.
func writeError(ctx context.Context, err error) error {
	var content *ContentError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &content):
		return err
	case ctx.Err() != nil:
		return fmt.Errorf("store batch: %w", ctx.Err())
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && refusesContent(pg.Code) {
		return &ContentError{fmt.Errorf("%s (SQLSTATE %s)", pg.Message, pg.Code)}
	}
	return &storage.UnavailableError{
		Reason: "the database does not store logs now", RetryAfter: retryAfter, Err: cause(err),
	}
}

// refusesContent: bad values, broken constraints, and values beyond a limit of the server.
func refusesContent(code string) bool {
	return pgerrcode.IsDataException(code) || pgerrcode.IsIntegrityConstraintViolation(code) ||
		pgerrcode.IsCardinalityViolation(code) || pgerrcode.IsProgramLimitExceeded(code)
}

// goesAway: the server is starting, stopping or short of something, or another transaction was in the way.
func goesAway(code string) bool {
	return pgerrcode.IsOperatorIntervention(code) || pgerrcode.IsConnectionException(code) ||
		pgerrcode.IsInsufficientResources(code) || pgerrcode.IsTransactionRollback(code)
}

// readError names what was attempted.
func readError(ctx context.Context, attempted string, err error) error {
	switch pg, ok := errors.AsType[*pgconn.PgError](err); {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", attempted, ctx.Err())
	case ok && pg.Code == pgerrcode.QueryCanceled:
		return fmt.Errorf("%s: it took longer than query_timeout: ask for a shorter time range, or raise that setting: %w", attempted, context.DeadlineExceeded)
	case ok:
		return fmt.Errorf("%s: %w", attempted, cause(err))
	case isNetwork(err):
		return &storage.UnavailableError{Reason: attempted + ": the database does not answer now", RetryAfter: retryAfter, Err: cause(err)}
	}
	return fmt.Errorf("%s: %w", attempted, err)
}

func isNetwork(err error) bool {
	_, isNet := errors.AsType[net.Error](err)
	_, isConnect := errors.AsType[*pgconn.ConnectError](err)
	return isNet || isConnect || pgconn.SafeToRetry(err) || strings.Contains(err.Error(), "conn closed") ||
		strings.Contains(err.Error(), "unexpected EOF")
}

// cause is the reason of a failure without the names of hosts, users and databases that the driver puts before it.
func cause(err error) error {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		if pgerrcode.IsInsufficientResources(pg.Code) && pg.Hint != "" { // which setting of the server is too low
			return fmt.Errorf("%s (SQLSTATE %s): %s", pg.Message, pg.Code, pg.Hint)
		}
		return fmt.Errorf("%s (SQLSTATE %s)", pg.Message, pg.Code)
	}
	if call, ok := errors.AsType[*os.SyscallError](err); ok {
		return call
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return errors.New("can't connect")
	}
	if isNetwork(err) {
		return errors.New("the connection was lost")
	}
	return err
}

// isTransient tells whether the same transaction may succeed when it is run again at once.
func isTransient(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (pg.Code == pgerrcode.DeadlockDetected || pg.Code == pgerrcode.SerializationFailure)
}

// parseDSN reads the DSN. The driver's own error may quote it, with the password.
func parseDSN(dsn configopaque.String) (*pgxpool.Config, error) {
	c, err := pgxpool.ParseConfig(string(dsn))
	if err != nil {
		return nil, errors.New(`dsn can't be read: write "postgres://user:password@host:5432/database?sslmode=require" (with letters like @ : / # in the password as %40 %3A %2F %23), or "host=… port=… user=… password=… dbname=…", and check that certificate files named in it are there`)
	}
	return c, nil
}
