package duckdb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/duckdb/internal/engine"
)

// lane commits what waits, again and again, beside the other lanes.
type lane struct {
	*core
	number int
}

// run ends when the queue is closed and empty.
func (l lane) run(ctx context.Context) {
	ctx = context.WithoutCancel(ctx) // accepted batches are stored also while the store closes
	for group := l.queue.next(l.number); len(group) > 0; group = l.queue.next(l.number) {
		start := time.Now()
		l.commitGroup(ctx, group)
		l.queue.finish(l.number, group, time.Since(start))
	}
}

// commitGroup stores the group in one transaction and sets each waiter's outcome.
func (l lane) commitGroup(ctx context.Context, group []*waiter) {
	err := l.tryCommit(ctx, group)
	if err != nil && len(group) > 1 && !isImpaired(err) {
		for _, w := range group { // one of them can't be stored: find out which
			l.commitGroup(ctx, []*waiter{w})
		}
		return
	}
	for _, w := range group {
		if err != nil {
			w.err = l.refusal(err)
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

func (l lane) tryCommit(ctx context.Context, group []*waiter) error {
	if err := l.repair(ctx); err != nil {
		return err
	}
	l.life.RLock()
	defer l.life.RUnlock()
	if l.instance == nil {
		return ErrClosed
	}
	fresh, err := l.markDuplicates(ctx, group)
	if err == nil && len(fresh) > 0 {
		err = l.store(ctx, fresh)
	}
	if err != nil && isImpaired(err) {
		l.impaired.Store(true)
	}
	return err
}

// store commits batches that are new.
func (l lane) store(ctx context.Context, fresh []*waiter) error {
	p, err := l.claim(ctx)
	if err != nil {
		return err
	}
	p.catalogue.begin()
	t := &transaction{
		conn: l.instance.writers[l.number], partition: p.name, catalogue: &p.catalogue,
		seq: l.partitions.begin(l.number, len(fresh)), committed: now(),
	}
	if err := t.run(ctx, fresh); err != nil {
		// A machine that fails may have stored them all the same. Until the store is opened again, head stays before them.
		l.partitions.failed(l.number, p, isImpaired(err))
		return err
	}
	if p.catalogue.keep() {
		l.known.forget()
	}
	l.partitions.committed(l.number, p, fresh, t)
	l.commits.send()
	return nil
}

// repair opens the store again after a failure of the machine: DuckDB may have given up on the file, and what it holds of
// it in memory may not be what is on disk.
func (c *core) repair(ctx context.Context) error {
	if !c.impaired.Load() {
		return nil
	}
	c.life.Lock()
	defer c.life.Unlock()
	if !c.impaired.Load() {
		return nil // another lane did
	}
	if err := c.reopenLocked(ctx); err != nil {
		return fmt.Errorf("open the store again: %w", err)
	}
	c.impaired.Store(false)
	return nil
}

// claim returns a partition for a lane to write to, and begins one when there is none.
func (c *core) claim(ctx context.Context) (*partition, error) {
	c.admin.Lock()
	defer c.admin.Unlock()
	if p := c.partitions.claim(dayOf(now()), c.config.partitionBytes()); p != nil {
		return p, nil
	}
	p, err := c.begin(ctx)
	if err != nil {
		return nil, err
	}
	p.busy = true
	c.partitions.add(p)
	return p, nil
}

// begin makes the next partition; the caller adds it.
func (c *core) begin(ctx context.Context) (*partition, error) {
	number, given := c.partitions.last()
	p := newPartition(c.path, number+1, now())
	if err := c.instance.create(ctx, p, given); err != nil {
		return nil, err
	}
	return p, nil
}

// markDuplicates sets the outcome of the batches that are stored already, or twice in the group, and returns the others.
func (l lane) markDuplicates(ctx context.Context, group []*waiter) ([]*waiter, error) {
	known, err := l.stored(ctx, group)
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
