package duckdb

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/instantdevlogs/devlogs/storage"
)

// commitRows is up to how many rows share one commit, unless a single batch has more: enough to make the cost of a commit
// small, few enough to keep its time short.
const commitRows = 64 << 10

// queue holds the batches that wait for the writer.
type queue struct {
	mu      sync.Mutex
	waiting []*waiter
	size    int // bytes waiting or being written
	limit   int
	closed  bool
	wake    chan struct{}

	// How fast batches are stored lately, in bytes per second: what Retry-After is computed from.
	rate float64
}

// waiter is a Write that waits for its outcome.
type waiter struct {
	batch   storage.Batch
	size    int
	outcome storage.Outcome
	err     error
	done    chan struct{} // closed when outcome and err are set
}

func (q *queue) init(config Config) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.limit = config.MaxPending << 20
	if q.wake == nil {
		q.wake = make(chan struct{}, 1)
	}
}

// Write implements storage.Writer.
func (c *core) Write(ctx context.Context, b storage.Batch) (storage.Outcome, error) {
	if b.Rows.Len() == 0 {
		return storage.Stored, nil
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if !utf8.ValidString(b.Rows.Tenant) {
		return 0, fmt.Errorf("store a batch: the tenant %q is not UTF-8", b.Rows.Tenant)
	}
	w := &waiter{batch: b, size: b.Rows.Size(), done: make(chan struct{})}
	if err := c.queue.add(w); err != nil {
		return 0, err
	}
	select {
	case <-w.done:
	case <-ctx.Done():
		if c.queue.withdraw(w) {
			return 0, ctx.Err()
		}
		<-w.done // the writer is reading the rows
	}
	return w.outcome, w.err
}

func (q *queue) add(w *waiter) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return ErrClosed
	}
	if q.size > 0 && q.size+w.size > q.limit {
		return &storage.UnavailableError{
			Reason: fmt.Sprintf("too much is waiting to be stored: the limit is max_pending_mib = %d; send more slowly or raise it",
				q.limit>>20),
			Overloaded: true,
			RetryAfter: q.drainTime(),
		}
	}
	q.waiting = append(q.waiting, w)
	q.size += w.size
	select {
	case q.wake <- struct{}{}:
	default:
	}
	return nil
}

// drainTime is how long what waits will take.
func (q *queue) drainTime() time.Duration {
	if q.rate == 0 {
		return time.Second
	}
	seconds := min(float64(q.size)/q.rate, 60)
	return max(time.Second, time.Duration(seconds*float64(time.Second)))
}

// withdraw takes a waiter back, unless the writer has it.
func (q *queue) withdraw(w *waiter) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting, w)
	if i < 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, i, i+1)
	q.size -= w.size
	return true
}

// take returns the batches of the next commit, none when nothing waits.
func (q *queue) take() []*waiter {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, rows := 0, 0
	for n < len(q.waiting) {
		rows += q.waiting[n].batch.Rows.Len()
		if n > 0 && rows > commitRows {
			break
		}
		n++
	}
	group := slices.Clone(q.waiting[:n])
	q.waiting = slices.Delete(q.waiting, 0, n)
	return group
}

// finish answers the waiters of a group and notes how fast it went.
func (q *queue) finish(group []*waiter, took time.Duration) {
	size := 0
	for _, w := range group {
		size += w.size
		close(w.done)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.size -= size
	if rate := float64(size) / max(took.Seconds(), 1e-6); q.rate == 0 {
		q.rate = rate
	} else {
		q.rate += (rate - q.rate) / 8
	}
}

// close refuses new batches; those that wait are still stored.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	close(q.wake)
}
