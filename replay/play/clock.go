package play

import (
	"context"
	"time"
)

// coarse is how much before its time a timer is trusted to wake us; the rest is slept precisely.
const coarse = 2 * time.Millisecond

// sleepUntil returns true when due has come, false when ctx ended first. It wakes within some tens of microseconds without
// spinning, which on few cores would take from the target what it measures.
func sleepUntil(ctx context.Context, due time.Time) bool {
	if d := time.Until(due) - coarse; d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return false
		}
	}
	for {
		d := time.Until(due)
		if d <= 0 {
			return ctx.Err() == nil
		}
		sleepPrecisely(d)
	}
}
