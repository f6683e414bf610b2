package verify

import (
	"context"
	"fmt"
	"time"
)

// settle waits until the source's count has stood still for as long as the options say, or until their timeout. It says
// whether it did.
func (v *verification) settle(ctx context.Context) (settled bool, err error) {
	source, quiet, timeout := v.options.Source, v.options.Settle, v.options.Timeout
	if !source.Traits().Live {
		return true, nil
	}
	deadline := time.Now().Add(timeout)
	pause := min(max(quiet/10, 20*time.Millisecond), time.Second)
	ticks := time.NewTicker(pause)
	defer ticks.Stop()
	last, since := uint64(0), time.Time{}
	for {
		n, err := countAll(ctx, source, v.expectation.window.counted(v.options.Ledger.Meta().Started))
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

func countAll(ctx context.Context, source Source, windows []Window) (all uint64, err error) {
	for _, w := range windows {
		n, err := source.Count(ctx, w)
		if err != nil {
			return 0, err
		}
		all += n
	}
	return all, nil
}
