package duckdb

import (
	"context"
	"errors"

	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/duckdb/internal/engine"
)

// reading runs fn with a connection and the partitions that pass keep, held so that they are not dropped meanwhile. Statements
// that run at once share DuckDB's memory: when it does not do for one, fn is run a second time with no other beside it.
func (c *core) reading(ctx context.Context, keep func(*sums) bool, fn func(*engine.Conn, []held) error) error {
	err := c.readingBeside(ctx, 1, keep, fn)
	if engine.IsOutOfMemory(err) {
		err = c.readingBeside(ctx, int64(c.config.MaxConcurrentQueries), keep, fn)
	}
	if engine.IsOutOfMemory(err) {
		return &storage.MemoryError{Setting: "memory_limit_mib", MiB: c.config.MemoryLimit, Err: err}
	}
	return err
}

// readingBeside runs fn while it has so many of the slots.
func (c *core) readingBeside(ctx context.Context, slots int64, keep func(*sums) bool, fn func(*engine.Conn, []held) error) error {
	c.life.RLock()
	defer c.life.RUnlock()
	i := c.instance
	if i == nil {
		return ErrClosed
	}
	if err := i.slots.Acquire(ctx, slots); err != nil {
		return err
	}
	defer i.slots.Release(slots)
	conn := <-i.readers
	defer func() { i.readers <- conn }()
	held := c.partitions.hold(keep)
	defer c.partitions.release(held)
	if err := fn(conn, held); err != nil {
		if ctxErr := ctx.Err(); ctxErr != nil && !errors.Is(err, ctxErr) {
			return ctxErr
		}
		return err
	}
	return nil
}
