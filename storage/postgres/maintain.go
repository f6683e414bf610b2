package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"
)

// maintainEvery is how often the store is looked after. Partitions are made two days ahead, so one round may well fail.
const maintainEvery = time.Minute

// maintain runs Maintain until the store closes. Several processes may do so: one at a time works, the others let it.
func (s *Store) maintain(ctx context.Context) {
	ticker := time.NewTicker(maintainEvery)
	defer ticker.Stop()
	for {
		if err := s.Maintain(ctx); err != nil && ctx.Err() == nil {
			s.logger.Warn("Maintenance of the log database failed and is tried again in a minute", zap.Error(cause(err)))
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Maintain does what is due: it makes the partitions of the coming days, and drops what Config.Retention does not keep. A
// store that is not ReadOnly does so by itself every minute; it is here for those who do not want to wait.
func (s *Store) Maintain(ctx context.Context) error {
	now := s.config.Now()
	if s.schema.Layout == LayoutPlain {
		today := uint64(now.Unix()) / uint64(day/time.Second)
		for d := today; d <= today+uint64(nearFuture/day); d++ {
			if _, err := s.ensureDay(ctx, d); err != nil {
				return fmt.Errorf("make partition: %w", err)
			}
		}
	}
	if s.config.Retention == (Retention{}) {
		return nil
	}
	retain := func() error {
		return s.withLock(ctx, func(tx pgx.Tx) error { return s.retain(ctx, tx, now) })
	}
	err := retain()
	for attempt := 0; isTransient(err) && attempt < maxAttempts; attempt++ { // TimescaleDB's own jobs lock chunks in another order
		err = retain()
	}
	if errors.Is(err, errBusy) {
		return nil
	}
	return err
}

var errBusy = errors.New("another process is at it")

// withLock runs a transaction while no other process does maintenance. It gives up rather than wait for a lock on a table, as
// those who come after would wait behind it.
func (s *Store) withLock(ctx context.Context, work func(tx pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, s.writers, func(tx pgx.Tx) error {
		var alone bool
		if err := tx.QueryRow(ctx, "SELECT pg_try_advisory_xact_lock($1)", int64(lockMaintain)).Scan(&alone); err != nil {
			return err
		}
		if !alone {
			return errBusy
		}
		if _, err := tx.Exec(ctx, "SELECT set_config('lock_timeout', '2s', true)"); err != nil {
			return err
		}
		return work(tx)
	})
}
