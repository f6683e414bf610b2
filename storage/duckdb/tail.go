package duckdb

import (
	"context"
	"fmt"
	"iter"
	"math"
	"time"

	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/duckdb/internal/engine"
)

// tailBatches is how many batches a tail that lags first takes at once.
const tailBatches = 64

// tailPause is the least time from one read of a tail to the next: on a busy store commits gather in it. A record that comes
// after a quiet time is read at once.
const tailPause = 50 * time.Millisecond

// Tail implements storage.Reader. It reads up to the head of the ledger, so that what it has passed never gets a late batch.
func (c *core) Tail(ctx context.Context, q storage.Query, from uint64) iter.Seq2[storage.Record, error] {
	return func(yield func(storage.Record, error) bool) {
		t := c.tail(q, storage.EndOf(from), math.MaxUint64)
		for {
			committed, earliest := c.commits.next(), time.After(tailPause)
			records, more, err := t.read(ctx)
			if err != nil {
				yield(storage.Record{}, err)
				return
			}
			for i := range records {
				if !yield(records[i], nil) {
					return
				}
			}
			if more {
				continue
			}
			if err := sleepUntil(ctx, committed, earliest); err != nil {
				yield(storage.Record{}, err)
				return
			}
		}
	}
}

// Batches implements storage.Reader.
func (c *core) Batches(ctx context.Context, q storage.Query, after storage.ID, to uint64) iter.Seq2[storage.Record, error] {
	return func(yield func(storage.Record, error) bool) {
		t := c.tail(q, after, to)
		for more := true; more; {
			var records []storage.Record
			var err error
			if records, more, err = t.read(ctx); err != nil {
				yield(storage.Record{}, err)
				return
			}
			for i := range records {
				if !yield(records[i], nil) {
					return
				}
			}
		}
	}
}

// Head implements storage.Reader.
func (c *core) Head(context.Context) (uint64, error) {
	c.life.RLock()
	defer c.life.RUnlock()
	if c.instance == nil {
		return 0, ErrClosed
	}
	return c.partitions.head(), nil
}

// sleepUntil waits for a commit and for the earliest time to read again.
func sleepUntil(ctx context.Context, committed <-chan struct{}, earliest <-chan time.Time) error {
	select {
	case <-committed:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-earliest:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

type tail struct {
	*core
	query    storage.Query
	last     uint64     // nanosecond, included
	until    uint64     // batches beyond it are not read
	position storage.ID // everything up to it was read
	step     uint64     // how many batches to read at once
}

func (c *core) tail(q storage.Query, after storage.ID, until uint64) tail {
	last, ok := lastNano(&q)
	if !ok {
		last = 0 // nothing will match; a tail still lasts until its context ends
	}
	return tail{core: c, query: q, last: last, until: until, position: after, step: tailBatches}
}

// read returns the next records in the order of commit; more is false when nothing newer is stored.
func (t *tail) read(ctx context.Context) (records []storage.Record, more bool, err error) {
	newest := min(t.partitions.head(), t.until)
	if newest <= t.position.Batch && t.position.Row == math.MaxUint32 {
		return nil, false, nil
	}
	to := newest
	if newest > t.position.Batch && newest-t.position.Batch > t.step {
		to = t.position.Batch + t.step
	}
	keep := func(p *sums) bool { return p.lastSeq >= t.position.Batch && p.firstSeq < to && p.batches > 0 }
	err = t.reading(ctx, keep, func(conn *engine.Conn, parts []held) error {
		if len(parts) == 0 {
			return nil
		}
		var b statement
		where, err := b.conditions(t.query.Where)
		if err != nil {
			return err
		}
		batch, row := b.arg(t.position.Batch), b.arg(uint64(t.position.Row))
		batches := fmt.Sprintf("batch_seq BETWEEN %s AND %s", batch, b.arg(to))
		for i := range where {
			where[i].scan = conjunction(batches, where[i].scan)
			where[i].narrow(fmt.Sprintf("batch_seq > %s OR row_no > %s", batch, row))
		}
		b.addf("SELECT * FROM ")
		b.fromLogs(parts, recordColumns, t.query.Tenant, where, uint64(t.query.Start), t.last)
		b.addf(" ORDER BY batch_seq, row_no LIMIT %d", chunkRecords)
		records, err = t.queryRecords(ctx, conn, t.query.Tenant, b.String(), b.args...)
		return err
	})
	if err != nil {
		return nil, false, err
	}
	switch n := len(records); {
	case n == chunkRecords:
		t.position = records[n-1].ID
		t.step = max(t.step/2, 1)
		return records, true, nil
	case n < chunkRecords/4:
		t.step = min(t.step, math.MaxUint64/4) * 2
	}
	t.position = storage.EndOf(to)
	return records, to < newest, nil
}
