package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"
)

// ledgerWindow is how long a batch's id is remembered after its rows were dropped, so that it is not stored again.
const ledgerWindow = "7 days"

// retain drops whole days of records, and what the other tables say of them. Of this process' clock and the database's it
// believes the one that is behind: a clock that is wrong must not drop what is young.
func (s *Store) retain(ctx context.Context, tx pgx.Tx, now time.Time) error {
	var theirs time.Time
	if err := tx.QueryRow(ctx, "SELECT now()").Scan(&theirs); err != nil {
		return err
	}
	if theirs.Before(now) {
		now = theirs
	}
	if err := s.dropFar(ctx, tx); err != nil {
		return fmt.Errorf("drop logs of far times: %w", err)
	}
	end, err := s.keptFrom(ctx, tx, now)
	if err != nil || end.IsZero() {
		return err
	}
	dropped, err := s.dropDays(ctx, tx, end)
	if err != nil {
		return fmt.Errorf("drop days: %w", err)
	}
	for _, sql := range []string{
		"DELETE FROM logs_far WHERE time < $1",
		// What claims to be of the future is as old as its batch; what else that has in logs is dropped then.
		"DELETE FROM logs_far USING log_batches AS b WHERE b.batch_seq = logs_far.batch_seq AND " + oldFar,
		"UPDATE log_batches AS b SET rows = 0, odd_rows = 0, far_rows = 0, tally = NULL WHERE " + oldFar,
		"UPDATE log_batches SET rows = 0, odd_rows = 0, far_rows = 0, tally = NULL WHERE rows > 0 AND max_time < $1",
		"UPDATE log_batches SET tally = NULL WHERE rows > 0 AND min_time < $1 AND tally IS NOT NULL",
		"DELETE FROM log_batches WHERE rows = 0 AND max_time < $1 AND committed_at < now() - interval '" + ledgerWindow + "'",
		"DELETE FROM log_streams WHERE last_time < $1 AND seen_at < now() - " + interval(catalogueStale),
		"DELETE FROM log_fields WHERE seen_at < $1 AND seen_at < now() - " + interval(catalogueStale),
	} {
		if _, err := tx.Exec(ctx, sql, end); err != nil {
			return fmt.Errorf("forget what was dropped: %w", err)
		}
	}
	if dropped > 0 {
		s.logger.Info("Old logs were dropped", zap.Int("days", dropped), zap.Time("kept_from", end))
	}
	return nil
}

// oldFar are batches with far times that were stored before what is kept. A day more than nearFuture, as clocks differ.
var oldFar = "b.far_rows > 0 AND b.committed_at < $1::timestamptz - " + interval(nearFuture+day)

// dropFar drops all records of far times when too much is stored and they are a good part of that: days of good logs would go
// otherwise, one after the other, for the sake of a client that has its clock wrong.
func (s *Store) dropFar(ctx context.Context, tx pgx.Tx) error {
	limit := s.config.Retention.MaxBytes
	if limit == 0 {
		return nil
	}
	_, total, err := s.parts(ctx, tx)
	if err != nil || total <= limit {
		return err
	}
	var size int64
	if err := tx.QueryRow(ctx, "SELECT pg_total_relation_size('logs_far')").Scan(&size); err != nil || size < limit/10 {
		return err
	}
	if _, err := tx.Exec(ctx, "TRUNCATE logs_far"); err != nil {
		return err
	}
	s.logger.Warn("Logs with times years back or days ahead took a tenth of retention.max_bytes and were dropped: see which clients have "+
		"their clocks or units wrong", zap.Int64("bytes", size))
	_, err = tx.Exec(ctx, "UPDATE log_batches SET rows = rows - far_rows, far_rows = 0 WHERE far_rows > 0")
	return err
}

func interval(d time.Duration) string { return fmt.Sprintf("interval '%d seconds'", int(d.Seconds())) }

// keptFrom is the start of the first day to keep; the zero time when all are kept.
func (s *Store) keptFrom(ctx context.Context, tx pgx.Tx, now time.Time) (end time.Time, err error) {
	if age := s.config.Retention.MaxAge; age > 0 {
		end = now.Add(-age).UTC().Truncate(day)
	}
	limit := s.config.Retention.MaxBytes
	if limit == 0 {
		return end, nil
	}
	parts, total, err := s.parts(ctx, tx)
	if err != nil {
		return end, fmt.Errorf("measure the logs: %w", err)
	}
	today := now.UTC().Truncate(day)
	for _, p := range parts {
		if total <= limit || p.end.After(today) {
			break
		}
		total -= p.size
		if p.end.After(end) {
			end = p.end
		}
	}
	return end, nil
}

// part is one partition or chunk.
type part struct {
	name string
	end  time.Time
	size int64
}

const plainParts = `SELECT c.oid::regclass::text, to_timestamp(right(c.relname, 8), 'YYYYMMDD') + interval '1 day', pg_total_relation_size(c.oid)
	FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'logs'::regclass ORDER BY 2`

const chunkParts = `SELECT c.chunk_schema || '.' || c.chunk_name, c.range_end, s.total_bytes
	FROM timescaledb_information.chunks c JOIN chunks_detailed_size('logs') s ON s.chunk_schema = c.chunk_schema AND s.chunk_name = c.chunk_name
	WHERE c.hypertable_name = 'logs' AND c.hypertable_schema = (SELECT nspname FROM pg_class r JOIN pg_namespace n ON n.oid = r.relnamespace WHERE r.oid = 'logs'::regclass)
	ORDER BY 2`

// parts gives the partitions, oldest first, and the size of everything.
func (s *Store) parts(ctx context.Context, tx pgx.Tx) (parts []part, total int64, err error) {
	err = tx.QueryRow(ctx, `SELECT sum(pg_total_relation_size(t))::bigint
		FROM unnest('{logs_far, log_batches, log_streams, log_fields}'::regclass[]) AS t`).Scan(&total)
	if err != nil {
		return nil, 0, err
	}
	sql := plainParts
	if s.schema.Layout.hypertable() {
		sql = chunkParts
	}
	if _, err := tx.Exec(ctx, "SET LOCAL timezone = 'UTC'"); err != nil {
		return nil, 0, err
	}
	rows, err := tx.Query(ctx, sql)
	if err != nil {
		return nil, 0, err
	}
	parts, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (p part, err error) {
		return p, row.Scan(&p.name, &p.end, &p.size)
	})
	for _, p := range parts {
		total += p.size
	}
	return parts, total, err
}

// dropDays drops what ends by then.
func (s *Store) dropDays(ctx context.Context, tx pgx.Tx, end time.Time) (dropped int, err error) {
	if s.schema.Layout.hypertable() {
		return dropped, tx.QueryRow(ctx, "SELECT count(*) FROM drop_chunks('logs', older_than => $1::timestamptz)", end).Scan(&dropped)
	}
	parts, _, err := s.parts(ctx, tx)
	if err != nil {
		return 0, err
	}
	for _, p := range parts {
		if p.end.After(end) {
			break
		}
		if _, err := tx.Exec(ctx, "DROP TABLE "+p.name); err != nil { // a name that PostgreSQL itself quoted
			return dropped, err
		}
		dropped++
	}
	s.days.forget()
	return dropped, nil
}
