package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/zap"

	"github.com/instantdevlogs/devlogs/storage"
)

// Records with times from nearPast ago to nearFuture ahead go into the table logs, which is cut by day. The others go into
// logs_far: clocks and units get mixed up, and a partition for each day of five centuries would bring any database down.
const (
	nearPast   = 10 * 365 * day
	nearFuture = 2 * day
)

const dayNanos = uint64(day)

// nearTimes tells which times go into logs.
type nearTimes struct {
	first, end uint64 // the range; with days, each day in it must also be there
	days       map[uint64]struct{}
}

func (n nearTimes) has(t uint64) bool {
	if t < n.first || t >= n.end {
		return false
	}
	if n.days == nil {
		return true
	}
	_, ok := n.days[t/dayNanos]
	return ok
}

// holds tells whether all times from low to high are near, as far as that is seen at a glance.
func (n nearTimes) holds(low, high uint64) bool {
	if n.days == nil {
		return n.has(low) && n.has(high)
	}
	return low/dayNanos == high/dayNanos && n.has(low)
}

// maxDays is how many days' partitions one transaction touches: each takes locks, and the first record of a day makes tables. Of
// more days those with the most records count as near. Who writes of many days has few of each, and logs_far is the better place.
const maxDays = 31

// nearTimes makes, in the plain layout, the partitions that the batches need. One that can't be made now (somebody holds a
// lock) is no obstacle: its rows go into logs_far. So do those that retention would drop at its next round.
func (s *Store) nearTimes(ctx context.Context, batches []storage.Batch) (nearTimes, error) {
	now, past := s.config.Now(), nearPast
	if age := s.config.Retention.MaxAge; age > 0 {
		past = min(past, age+day)
	}
	n := nearTimes{first: uint64(now.Add(-past).UnixNano()), end: uint64(now.Add(nearFuture).UnixNano())}
	counts := daysOf(batches, n)
	few := len(counts) <= maxDays
	if few && s.schema.Layout.hypertable() {
		return n, nil // TimescaleDB makes chunks by itself
	}
	days := slices.Collect(maps.Keys(counts))
	if !few {
		slices.SortFunc(days, func(a, b uint64) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(b, a)) })
		days = days[:maxDays]
	}
	n.days = map[uint64]struct{}{}
	for _, d := range days {
		made := true
		if s.schema.Layout == LayoutPlain {
			var err error
			if made, err = s.ensureDay(ctx, d); err != nil {
				return n, err
			}
		}
		if made {
			n.days[d] = struct{}{}
		}
	}
	return n, nil
}

// daysOf counts the batches' rows by their days, as far as these lie in the near range.
func daysOf(batches []storage.Batch, near nearTimes) map[uint64]int {
	days := map[uint64]int{}
	near.days = nil
	for i := range batches {
		rows := batches[i].Rows
		if rows.Len() == 0 {
			continue
		}
		if near.holds(rows.MinTime, rows.MaxTime) && rows.MinTime/dayNanos == rows.MaxTime/dayNanos {
			days[rows.MinTime/dayNanos] += rows.Len()
			continue
		}
		for _, t := range rows.Time {
			if near.has(t) {
				days[t/dayNanos]++
			}
		}
	}
	return days
}

// days are the partitions that are known to be there, by the number of their day since 1970.
type days struct {
	mu    sync.Mutex
	known map[uint64]struct{}
}

func (d *days) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.known)
}

func (d *days) has(number uint64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, ok := d.known[number]
	return ok
}

func (d *days) add(number uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.known == nil {
		d.known = map[uint64]struct{}{}
	}
	d.known[number] = struct{}{}
}

// makeDay makes a partition by itself and then attaches it: that locks the parent so lightly that nobody waits. Batches that
// have records of that day had them in an older partition, which is gone: their tallies are no longer true.
const makeDay = `DO $$ BEGIN
	PERFORM set_config('lock_timeout', '2s', true);
	PERFORM pg_advisory_xact_lock(%d);
	IF to_regclass('logs_%s') IS NULL THEN
		CREATE TABLE logs_%[2]s (LIKE logs INCLUDING ALL);
		ALTER TABLE logs ATTACH PARTITION logs_%[2]s FOR VALUES FROM ('%[3]s') TO ('%[4]s');
		UPDATE log_batches SET tally = NULL WHERE rows > 0 AND max_time >= '%[3]s' AND min_time < '%[4]s' AND tally IS NOT NULL;
	END IF;
END $$`

// ensureDay makes a day's partition, unless it is there. false: somebody's lock is in the way.
func (s *Store) ensureDay(ctx context.Context, number uint64) (bool, error) {
	if s.days.has(number) {
		return true, nil
	}
	start := dayStart(number)
	_, err := s.writers.Exec(ctx, fmt.Sprintf(makeDay, int64(lockPartitions), dayName(start), dayBound(start), dayBound(start.Add(day))))
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == pgerrcode.LockNotAvailable {
		s.logger.Warn("A day's partition could not be made: its records go into logs_far", zap.Time("day", start))
		return false, nil
	}
	if err != nil {
		return false, err
	}
	s.days.add(number)
	return true, nil
}

func dayStart(number uint64) time.Time {
	return time.Unix(int64(number)*int64(day/time.Second), 0).UTC()
}

func dayName(start time.Time) string { return start.Format("20060102") }

func dayBound(start time.Time) string { return start.Format("2006-01-02 15:04:05+00") }
