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
		sizes := c.partitions.sizes()
		var total int64
		for _, size := range sizes {
			total += size
		}
		for _, size := range sizes[:len(sizes)-1] {
			if total <= maxBytes {
				break
			}
			c.partitions.drop()
			total -= size
		}
	}
	return c.deleteDropped(ctx)
}

// dropOlderThan drops the partitions whose last batch arrived before a time. When that is all of them, an empty one is begun.
func (c *core) dropOlderThan(ctx context.Context, limit uint64) error {
	all := c.partitions.snapshot()
	old := 0
	for old < len(all) && all[old].batches > 0 && all[old].lastCommit < limit {
		old++
	}
	if old == len(all) {
		if _, err := c.begin(ctx, c.partitions.current()); err != nil {
			return err
		}
	}
	for range old {
		c.partitions.drop()
	}
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
