package livefeed

import (
	"context"
	"sync"
	"time"
)

// The time that a store gets to recover: it doubles from one failure to the next.
const (
	firstRespite = 100 * time.Millisecond
	maxRespite   = 5 * time.Second
)

// respite spares a store that fails: after each failure in a row new feeds wait longer.
type respite struct {
	mu    sync.Mutex
	last  time.Duration
	until time.Time
}

// begin is told of a failure, and how long the store had worked before.
func (r *respite) begin(worked time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if worked > maxRespite {
		r.last = 0
	}
	r.last = min(max(firstRespite, 2*r.last), maxRespite)
	r.until = time.Now().Add(r.last)
}

func (r *respite) wait(ctx context.Context) error {
	r.mu.Lock()
	left := time.Until(r.until)
	r.mu.Unlock()
	if left <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
