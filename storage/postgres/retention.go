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
