package verify

import (
	"context"
	"fmt"
	"time"
)

// settle waits until the source's count has stood still for quiet, and at most for timeout. It says whether it did.
func settle(ctx context.Context, source Source, quiet, timeout time.Duration) (settled bool, err error) {
	if !source.Traits().Live {
		return true, nil
	}
	deadline := time.Now().Add(timeout)
	pause := min(max(quiet/10, 20*time.Millisecond), time.Second)
	ticks := time.NewTicker(pause)
	defer ticks.Stop()
	last, since := uint64(0), time.Time{}
	for {
		n, err := source.Count(ctx)
		if err != nil {
			return false, fmt.Errorf("count the records of %s: %w", source.Traits().Name, err)
		}
		now := time.Now()
		if since.IsZero() || n != last {
			last, since = n, now
		}
		if now.Sub(since) >= quiet {
			return true, nil
		}
		if now.After(deadline) {
			return false, nil
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-ticks.C:
		}
	}
}
