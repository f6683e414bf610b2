package duckdb

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/instantdevlogs/devlogs/storage"
)

// commitRows is up to how many rows share one commit, unless a single batch has more: enough to make the cost of a commit
// small, few enough to keep its time short.
const commitRows = 64 << 10

// besideRows is how many rows must wait for a second lane to take part: fewer are cheaper in the next commit of the first.
const besideRows = 2048

// queue holds the batches that wait for a lane.
type queue struct {
	mu      sync.Mutex
	changed sync.Cond // something came or went, or the queue was closed
	waiting []*waiter
	rows    int // of those that wait
	size    int // bytes waiting or being written
	limit   int
	closed  bool

	flying map[uuid.UUID]struct{} // the ids that a lane has taken
	busy   [lanes]bool

	// How fast a lane stored batches lately, in bytes per second: what Retry-After is computed from.
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
	if q.flying == nil {
		q.flying, q.changed.L = map[uuid.UUID]struct{}{}, &q.mu
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
		<-w.done // a lane is reading the rows
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
	q.rows += w.batch.Rows.Len()
	q.size += w.size
	q.changed.Broadcast()
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

// withdraw takes a waiter back, unless a lane has it.
func (q *queue) withdraw(w *waiter) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting, w)
	if i < 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, i, i+1)
	q.rows -= w.batch.Rows.Len()
	q.size -= w.size
	q.changed.Broadcast()
	return true
}

// next waits for the batches of a lane's next commit; none when the queue is closed and empty. The first lane takes whatever
// there is, the others what is worth a commit of its own while those before them are busy.
func (q *queue) next(lane int) []*waiter {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		if lane == 0 || q.rows >= besideRows && !slices.Contains(q.busy[:lane], false) {
			if group := q.take(); len(group) > 0 {
				q.busy[lane] = true
				return group
			}
		}
		if q.closed && len(q.waiting) == 0 {
			return nil
		}
		q.changed.Wait()
	}
}

// take returns the oldest batches, as many as share one commit. It leaves those whose id a lane has already: what comes of
// that one says whether they are duplicates.
func (q *queue) take() []*waiter {
	var group, left []*waiter
	rows := 0
	for i, w := range q.waiting {
		n := w.batch.Rows.Len()
		if len(group) > 0 && rows+n > commitRows {
			left = append(left, q.waiting[i:]...)
			break
		}
		if _, ok := q.flying[w.batch.ID]; ok {
			left = append(left, w)
			continue
		}
		group = append(group, w)
		rows += n
	}
	for _, w := range group {
		q.flying[w.batch.ID] = struct{}{}
	}
	q.waiting = left
	q.rows -= rows
	return group
}

// finish answers the waiters of a lane's group and notes how fast it went.
func (q *queue) finish(lane int, group []*waiter, took time.Duration) {
	size := 0
	for _, w := range group {
		size += w.size
		close(w.done)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, w := range group {
		delete(q.flying, w.batch.ID)
	}
	q.busy[lane] = false
	q.size -= size
	if rate := float64(size) / max(took.Seconds(), 1e-6); q.rate == 0 {
		q.rate = rate
	} else {
		q.rate += (rate - q.rate) / 8
	}
	q.changed.Broadcast()
}

// close refuses new batches; those that wait are still stored.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.changed.Broadcast()
}
