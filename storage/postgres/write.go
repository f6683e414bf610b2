package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/storage"
)

// maxAttempts is how often a transaction is run again that met another one (a deadlock, a partition that was dropped).
const maxAttempts = 5

// maxTenant is how long the name of a tenant may be, in bytes: it is part of an index.
const maxTenant = 1024

// WriteAll stores several batches in one transaction, all or none, and tells of each, in their order, whether it is new, there
// already, or in conflict with what is there. It is for callers that gather batches themselves; Write gathers those of concurrent callers.
//
// An error that is a *ContentError is the fault of one or more of the batches: give them in smaller groups to find which. One
// that is a *storage.UnavailableError goes away: give the same batches again. WriteAll reads batches until it returns. Safe
// for concurrent use; up to Config.MaxConcurrentWrites run at once.
func (s *Store) WriteAll(ctx context.Context, batches []storage.Batch) ([]storage.Outcome, error) {
	if len(batches) == 0 {
		return nil, nil
	}
	return s.attempt(ctx, batches, commit)
}

// The ends of a transaction.
const (
	commit   = "COMMIT"
	rollback = "ROLLBACK" // see Check
)

// attempt runs the transaction again when another one, or a restart of the server, was in its way.
func (s *Store) attempt(ctx context.Context, batches []storage.Batch, end string) ([]storage.Outcome, error) {
	for attempt := 0; ; attempt++ {
		outcomes, err := s.writeAll(ctx, batches, end)
		if err == nil {
			return outcomes, nil
		}
		if attempt < maxAttempts && (isTransient(err) || s.lostPartition(err)) {
			continue
		}
		if attempt == 0 && isNetwork(err) && ctx.Err() == nil {
			s.writers.Reset() // the server may have been started again, and only our connections are dead
			continue
		}
		return nil, writeError(ctx, err)
	}
}

// lostPartition tells whether a partition that this process believed in was dropped by another, and then forgets them all.
func (s *Store) lostPartition(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || s.schema.Layout != LayoutPlain || pg.Code != pgerrcode.CheckViolation || pg.ConstraintName != "" {
		return false
	}
	s.days.forget()
	return true
}

func (s *Store) writeAll(ctx context.Context, batches []storage.Batch, end string) ([]storage.Outcome, error) {
	for i := range batches {
		if err := CheckTenant(batches[i].Rows.Tenant); err != nil {
			return nil, &ContentError{err}
		}
	}
	if err := s.putNews(ctx, batches); err != nil {
		return nil, err
	}
	near, err := s.nearTimes(ctx, batches)
	if err != nil {
		return nil, err
	}
	pieces := make([]*copying, len(batches))
	for i := range batches {
		pieces[i] = newCopying(batches[i].Rows, near)
	}
	conn, err := s.writers.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Release() // a connection in a failed transaction is closed by that
	return s.transaction(ctx, conn.Conn(), batches, pieces, near, end)
}

// CheckTenant says what is wrong with a tenant's name. A batch of such a tenant is refused as a whole, with a *ContentError.
func CheckTenant(tenant string) error {
	switch {
	case len(tenant) > maxTenant:
		return fmt.Errorf("the tenant's name has %d bytes: at most %d can be stored", len(tenant), maxTenant)
	case !utf8.ValidString(tenant) || strings.ContainsRune(tenant, 0):
		return errors.New("the tenant's name is not UTF-8 or holds a NUL")
	}
	return nil
}

func newCopying(rows *storage.Rows, near nearTimes) *copying {
	c := &copying{
		rows: rows, tenant: rows.Tenant, odd: findOddities(rows), services: make(map[uint64]string, len(rows.Streams)),
		wordless: countWordless(rows),
	}
	for i := range rows.Streams {
		c.services[rows.Streams[i].ID] = segment(rows.Streams[i].Service)
	}
	if !near.holds(rows.MinTime, rows.MaxTime) {
		for _, t := range rows.Time {
			if !near.has(t) {
				c.far++
			}
		}
	}
	if c.odd != (oddities{}) {
		for i := range rows.Len() {
			if c.oddRow(i) {
				c.oddRows++
			}
		}
	}
	if c.far == 0 && c.oddRows == 0 {
		c.tally = tallyOf(rows)
	}
	return c
}

// maxSegment keeps the column service within what an index can hold.
const maxSegment = 200

// segment is the column logs.service: the service's name, cut.
func segment(service string) string {
	service = withoutNUL(service)
	if len(service) <= maxSegment {
		return service
	}
	return strings.ToValidUTF8(service[:maxSegment], "")
}

// transaction stores what is new of the batches. The shared lock is taken before the ledger's sequence: Tail relies on that
// order (tail.go).
func (s *Store) transaction(
	ctx context.Context, conn *pgx.Conn, batches []storage.Batch, pieces []*copying, near nearTimes, end string,
) ([]storage.Outcome, error) {
	outcomes, fresh, err := s.begin(ctx, conn, batches, pieces)
	if err != nil {
		return nil, err
	}
	if err := findConflicts(ctx, conn, batches, outcomes); err != nil {
		return nil, err
	}
	if len(fresh) > 0 {
		if err := s.copyRows(ctx, conn, fresh, near); err != nil {
			return nil, err
		}
	}
	last := &pgx.Batch{}
	if len(fresh) > 0 {
		last.Queue("SELECT pg_notify($1, '')", channel)
	}
	last.Queue(end)
	return outcomes, conn.SendBatch(ctx, last).Close()
}

const insertBatches = `INSERT INTO log_batches (batch_id, tenant, rows, odd_rows, far_rows, min_time, max_time, min_ns, max_ns, payload, tally, wordless_rows)
SELECT id, tenant, rows, odd, far, low, high, low_ns, high_ns, payload, tally, wordless
FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::timestamptz[], $7::timestamptz[],
	$8::smallint[], $9::smallint[], $10::uuid[], $11::bytea[], $12::bigint[])
	WITH ORDINALITY AS b (id, tenant, rows, odd, far, low, high, low_ns, high_ns, payload, tally, wordless, place)
ORDER BY place
ON CONFLICT (batch_id) DO NOTHING RETURNING batch_seq, batch_id`

// begin writes the ledger and gives those batches that were not in it. When another transaction is storing one of them now,
// it waits for that one's end.
func (s *Store) begin(ctx context.Context, conn *pgx.Conn, batches []storage.Batch, pieces []*copying) ([]storage.Outcome, []*copying, error) {
	var l ledgerColumns
	rows := 0
	for i := range batches {
		l.add(&batches[i], pieces[i])
		rows += batches[i].Rows.Len()
	}
	start := &pgx.Batch{}
	start.Queue("BEGIN")
	start.Queue("SELECT set_config('statement_timeout', $1, true), set_config('idle_in_transaction_session_timeout', '1min', true)", statementTimeout(ctx))
	// TimescaleDB 2.28 loses sight of rows that are copied into a chunk while another transaction copies the first columns into
	// it: the chunk counts as one of columns only, and nobody looks for its rows. So the one kind waits for the other, before it
	// is among the writers whom tails wait for.
	direct := s.direct && rows >= minDirect
	switch {
	case direct:
		start.Queue("SELECT pg_advisory_xact_lock_shared($1)", int64(lockRows))
	case s.direct:
		start.Queue("SELECT pg_advisory_xact_lock($1)", int64(lockRows))
	}
	start.Queue("SELECT pg_advisory_xact_lock_shared($1)", int64(lockWrite))
	if s.lz4 {
		start.Queue("SET LOCAL default_toast_compression = lz4")
	}
	if direct {
		start.Queue("SET LOCAL timescaledb.enable_direct_compress_copy = on")
		start.Queue("SET LOCAL timescaledb.enable_direct_compress_copy_sort_batches = off") // order.go does
	}
	outcomes := make([]storage.Outcome, len(batches))
	var fresh []*copying
	start.Queue(insertBatches, l.ids, l.tenants, l.rows, l.odd, l.far, l.low, l.high, l.lowNanos, l.highNanos, l.payloads, l.tallies, l.wordless).Query(func(r pgx.Rows) error {
		seqs := make(map[uuid.UUID]uint64, len(batches))
		var seq int64
		var id [16]byte
		if _, err := pgx.ForEachRow(r, []any{&seq, &id}, func() error {
			seqs[id] = uint64(seq)
			return nil
		}); err != nil {
			return err
		}
		for i := range batches {
			seq, ok := seqs[batches[i].ID]
			if !ok {
				outcomes[i] = storage.Duplicate
				continue
			}
			delete(seqs, batches[i].ID) // the same id once more in this call is a duplicate
			pieces[i].seq = seq
			fresh = append(fresh, pieces[i])
		}
		return nil
	})
	return outcomes, fresh, conn.SendBatch(ctx, start).Close()
}

// findConflicts tells those duplicates apart that came with another payload than what is stored under their id.
func findConflicts(ctx context.Context, conn *pgx.Conn, batches []storage.Batch, outcomes []storage.Outcome) error {
	var ask []string
	for i, outcome := range outcomes {
		if outcome == storage.Duplicate && batches[i].Payload != (storage.Fingerprint{}) {
			ask = append(ask, batches[i].ID.String())
		}
	}
	if len(ask) == 0 {
		return nil
	}
	rows, err := conn.Query(ctx, "SELECT batch_id, payload FROM log_batches WHERE batch_id = ANY ($1::uuid[]) AND payload IS NOT NULL",
		pgx.QueryExecModeExec, ask)
	if err != nil {
		return err
	}
	stored := make(map[uuid.UUID]storage.Fingerprint, len(ask))
	var id, payload [16]byte
	if _, err := pgx.ForEachRow(rows, []any{&id, &payload}, func() error {
		stored[id] = payload
		return nil
	}); err != nil {
		return err
	}
	for i, outcome := range outcomes {
		if outcome == storage.Duplicate && stored[batches[i].ID].Differs(batches[i].Payload) {
			outcomes[i] = storage.Conflict
		}
	}
	return nil
}

// statementTimeout is after how many milliseconds the server ends a statement that nobody waits for any more: the caller gives
// up first.
func statementTimeout(ctx context.Context) string {
	limit := 5 * time.Minute
	if deadline, ok := ctx.Deadline(); ok {
		limit = time.Until(deadline) + 10*time.Second
	}
	return strconv.FormatInt(max(limit.Milliseconds(), 1), 10)
}

// ledgerColumns are the arguments of insertBatches.
type ledgerColumns struct {
	ids, tenants        []string
	rows, odd, far      []int64
	wordless            []int64
	low, high           []time.Time
	lowNanos, highNanos []int16
	payloads            []pgtype.UUID
	tallies             [][]byte
}

func (l *ledgerColumns) add(b *storage.Batch, c *copying) {
	low, high := pcommon.Timestamp(b.Rows.MinTime), pcommon.Timestamp(b.Rows.MaxTime)
	l.ids = append(l.ids, b.ID.String())
	l.tenants = append(l.tenants, b.Rows.Tenant)
	l.rows = append(l.rows, int64(b.Rows.Len()))
	l.odd = append(l.odd, int64(c.oddRows))
	l.far = append(l.far, int64(c.far))
	l.wordless = append(l.wordless, int64(c.wordless))
	l.low, l.high = append(l.low, micros(low)), append(l.high, micros(high))
	l.lowNanos, l.highNanos = append(l.lowNanos, int16(low%1000)), append(l.highNanos, int16(high%1000))
	l.payloads = append(l.payloads, pgtype.UUID{Bytes: b.Payload, Valid: b.Payload != storage.Fingerprint{}})
	l.tallies = append(l.tallies, c.tally)
}

// minDirect is from how many rows on compressing while copying pays: fewer make columns so short that they take more room
// than rows, and the policy compresses them better later.
const minDirect = 1000

// copyRows copies the rows of the batches into logs, and those with far times into logs_far.
func (s *Store) copyRows(ctx context.Context, conn *pgx.Conn, fresh []*copying, near nearTimes) error {
	rows, far := 0, 0
	for _, c := range fresh {
		rows, far = rows+c.rows.Len(), far+c.far
	}
	source := &copySource{batches: fresh}
	if s.direct && rows >= minDirect {
		source.order = columnOrder(fresh)
	}
	if far > 0 {
		source.take = near.has
	}
	if far < rows {
		if err := copyInto(ctx, conn, "logs", source, rows-far); err != nil {
			return err
		}
	}
	if far > 0 {
		source = &copySource{batches: fresh, take: func(t uint64) bool { return !near.has(t) }}
		return copyInto(ctx, conn, "logs_far", source, far)
	}
	return nil
}

func copyInto(ctx context.Context, conn *pgx.Conn, table string, source *copySource, want int) error {
	tag, err := conn.PgConn().CopyFrom(ctx, source, "COPY "+table+" ("+allColumns+") FROM STDIN (FORMAT binary)")
	if err != nil {
		return err
	}
	if tag.RowsAffected() != int64(want) {
		return fmt.Errorf("COPY into %s stored %d rows of %d", table, tag.RowsAffected(), want)
	}
	return nil
}
