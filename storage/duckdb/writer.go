package duckdb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/duckdb/internal/engine"
)

// commitBatches is the one writer: it commits what waits, again and again, until the queue is closed and empty.
func (c *core) commitBatches(ctx context.Context) {
	ctx = context.WithoutCancel(ctx) // accepted batches are stored also while the store closes
	for open := true; open; {
		_, open = <-c.queue.wake
		for group := c.queue.take(); len(group) > 0; group = c.queue.take() {
			start := time.Now()
			c.commitGroup(ctx, group)
			c.queue.finish(group, time.Since(start))
		}
	}
}

// commitGroup stores the group in one transaction and sets each waiter's outcome.
func (c *core) commitGroup(ctx context.Context, group []*waiter) {
	err := c.tryCommit(ctx, group)
	if err != nil && len(group) > 1 && !isImpaired(err) {
		for _, w := range group { // one of them can't be stored: find out which
			c.commitGroup(ctx, []*waiter{w})
		}
		return
	}
	for _, w := range group {
		if err != nil {
			w.err = c.refusal(err)
		}
	}
}

// refusal is the error that a Write returns for a failed commit.
func (c *core) refusal(err error) error {
	if !isImpaired(err) {
		return fmt.Errorf("store a batch: %w", err)
	}
	return &storage.UnavailableError{
		Reason:     fmt.Sprintf("the store in %s can't write now; check free space and permissions there", c.config.Path),
		RetryAfter: retryImpaired,
		Err:        err,
	}
}

const retryImpaired = 5 * time.Second

// isImpaired tells an error of the machine from one of the batch.
func isImpaired(err error) bool {
	e, ok := errors.AsType[*engine.Error](err)
	return !ok || !e.IsOfData()
}

func (c *core) tryCommit(ctx context.Context, group []*waiter) error {
	if err := c.repair(ctx); err != nil {
		return err
	}
	c.life.RLock()
	defer c.life.RUnlock()
	if c.instance == nil {
		return ErrClosed
	}
	fresh, err := c.markDuplicates(ctx, group)
	if err == nil && len(fresh) > 0 {
		err = c.store(ctx, fresh)
	}
	if err != nil && isImpaired(err) {
		c.impaired = true
	}
	return err
}

// store commits batches that are new.
func (c *core) store(ctx context.Context, fresh []*waiter) error {
	c.admin.Lock()
	defer c.admin.Unlock()
	p, err := c.writable(ctx)
	if err != nil {
		return err
	}
	c.catalogue.begin(p.name)
	t := &transaction{
		conn: c.instance.writer, partition: p.name, catalogue: &c.catalogue, seq: c.partitions.lastSeq(), committed: now(),
	}
	if err := t.run(ctx, fresh); err != nil {
		return err
	}
	if c.catalogue.keep() {
		c.known.forget()
	}
	for _, w := range fresh {
		p.ids.add(w.batch.ID)
	}
	c.partitions.committed(p, fresh, t.committed)
	c.commits.send()
	return nil
}

// repair opens the store again after a failure of the machine: DuckDB may have given up on the file, and what it holds of
// it in memory may not be what is on disk.
func (c *core) repair(ctx context.Context) error {
	if !c.impaired {
		return nil
	}
	if err := c.reopen(ctx); err != nil {
		return fmt.Errorf("open the store again: %w", err)
	}
	c.impaired = false
	return nil
}

// writable returns the partition that the next batch goes to, and begins one when it is time.
func (c *core) writable(ctx context.Context) (*partition, error) {
	p := c.partitions.current()
	if p.batches == 0 || p.day == dayOf(now()) && p.bytes() < c.config.partitionBytes() {
		return p, nil
	}
	return c.begin(ctx, p)
}

// begin adds a partition after p, the last one.
func (c *core) begin(ctx context.Context, p *partition) (*partition, error) {
	next := newPartition(c.path, p.number+1, now())
	if err := c.instance.create(ctx, next, p.lastSeq); err != nil {
		return nil, err
	}
	c.partitions.add(next)
	return next, nil
}

// markDuplicates sets the outcome of the batches that are stored already, or twice in the group, and returns the others.
func (c *core) markDuplicates(ctx context.Context, group []*waiter) ([]*waiter, error) {
	known, err := c.stored(ctx, group)
	if err != nil {
		return nil, fmt.Errorf("look for the batches in the ledger: %w", err)
	}
	var fresh []*waiter
	for _, w := range group {
		w.outcome, w.err = storage.Stored, nil
		if payload, ok := known[w.batch.ID]; ok {
			w.outcome = storage.Duplicate
			if payload.Differs(w.batch.Payload) {
				w.outcome, w.err = storage.Conflict, storage.ErrOtherPayload
			}
			continue
		}
		known[w.batch.ID] = w.batch.Payload
		fresh = append(fresh, w)
	}
	return fresh, nil
}
