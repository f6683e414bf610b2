package duckdb

import (
	"context"
	"errors"
	"time"
)

// retainEvery is how often retention looks.
const retainEvery = time.Minute

// retain drops partitions that are too old or too much, until ctx ends.
func (c *core) retain(ctx context.Context) {
	tick := time.NewTicker(retainEvery)
	defer tick.Stop()
	for {
		// What can't be deleted now is tried again at the next round.
		_ = c.dropExpired(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// dropExpired applies Config.Retention once.
func (c *core) dropExpired(ctx context.Context) error {
	c.life.RLock()
	defer c.life.RUnlock()
	if c.instance == nil {
		return ErrClosed
	}
	c.admin.Lock()
	defer c.admin.Unlock()
	defer c.known.forget()

	if maxAge := c.config.Retention.MaxAge; maxAge > 0 {
		if err := c.dropOlderThan(ctx, now()-min(now(), uint64(maxAge))); err != nil {
			return err
		}
	}
	if maxBytes := c.config.Retention.MaxBytes; maxBytes > 0 {
		total := c.partitions.bytes()
		c.partitions.drop(func(p *partition) bool {
			if total <= maxBytes {
				return false
			}
			total -= p.bytes()
			return true
		})
	}
	return c.deleteDropped(ctx)
}

// dropOlderThan drops the partitions whose last batch arrived before a time. When the newest is one, an empty one is begun.
func (c *core) dropOlderThan(ctx context.Context, limit uint64) error {
	expired := func(p *partition) bool { return p.batches > 0 && p.lastCommit < limit }
	if c.partitions.allGo(expired) {
		next, err := c.begin(ctx)
		if err != nil {
			return err
		}
		c.partitions.add(next)
	}
	c.partitions.drop(expired)
	return nil
}

// deleteDropped deletes the dropped partitions that no reader uses.
func (c *core) deleteDropped(ctx context.Context) error {
	var errs []error
	for _, p := range c.partitions.takeIdle() {
		if err := c.instance.drop(ctx, p); err != nil {
			errs = append(errs, err)
			c.partitions.putIdle(p)
		}
	}
	return errors.Join(errs...)
}
