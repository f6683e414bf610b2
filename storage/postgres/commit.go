package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/instantdevlogs/devlogs/storage"
)

// pending are the Writes that wait. Each of Config.MaxConcurrentWrites committers takes as many as fit into one transaction.
type pending struct {
	mu     sync.Mutex
	some   sync.Cond // signalled when queue or closed change
	queue  []*waiting
	size   int // bytes of all that wait or are being stored
	closed bool
}

// waiting is one Write.
type waiting struct {
	ctx   context.Context
	batch storage.Batch
	size  int

	done    chan struct{} // closed when outcome and err are set
	outcome storage.Outcome
	err     error
}

// Write implements storage.Writer.
func (s *Store) Write(ctx context.Context, b storage.Batch) (storage.Outcome, error) {
	w := &waiting{ctx: ctx, batch: b, size: b.Rows.Size(), done: make(chan struct{})}
	if err := s.enqueue(w); err != nil {
		return 0, err
	}
	select {
	case <-w.done:
	case <-ctx.Done():
		if s.pending.withdraw(w) {
			return 0, fmt.Errorf("store batch: %w", ctx.Err())
		}
		<-w.done // its rows are being read
	}
	return w.outcome, w.err
}

func (s *Store) enqueue(w *waiting) error {
	p := &s.pending
	p.mu.Lock()
	defer p.mu.Unlock()
	switch limit := s.config.MaxPending << 20; {
	case p.closed:
		return errClosed
	case p.size > 0 && p.size+w.size > limit:
		return &storage.UnavailableError{
			Reason:     fmt.Sprintf("%d MiB of logs wait for the database already (setting max_pending_mib)", s.config.MaxPending),
			Overloaded: true, RetryAfter: time.Second,
		}
	}
	p.queue = append(p.queue, w)
	p.size += w.size
	p.some.Signal()
	return nil
}

// withdraw takes back a Write that no committer has taken.
func (p *pending) withdraw(w *waiting) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.Index(p.queue, w)
	if i < 0 {
		return false
	}
	p.queue = slices.Delete(p.queue, i, i+1)
	p.size -= w.size
	return true
}

func (s *Store) startCommits() {
	s.pending.some.L = &s.pending.mu
	for range s.config.MaxConcurrentWrites {
		s.work.Go(func() {
			for group := s.pending.take(s.config.MaxCommitRows); group != nil; group = s.pending.take(s.config.MaxCommitRows) {
				s.commit(group)
			}
		})
	}
}

// take waits for Writes and gives as many as have maxRows rows, at least one; nil when the store was closed and none wait.
func (p *pending) take(maxRows int) []*waiting {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.queue) == 0 {
		if p.closed {
			return nil
		}
		p.some.Wait()
	}
	n, rows := 0, 0
	for n < len(p.queue) && (n == 0 || rows+p.queue[n].batch.Rows.Len() <= maxRows) {
		rows += p.queue[n].batch.Rows.Len()
		n++
	}
	group := slices.Clone(p.queue[:n])
	p.queue = slices.Delete(p.queue, 0, n)
	if len(p.queue) > 0 {
		p.some.Signal() // for the next committer
	}
	return group
}

func (p *pending) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.some.Broadcast()
}

// commit stores a group and answers each of its Writes.
func (s *Store) commit(group []*waiting) {
	ctx, cancel := contextOfAll(group)
	defer cancel()
	s.commitApart(ctx, group)
	size := 0
	for _, w := range group {
		size += w.size
	}
	s.pending.mu.Lock()
	s.pending.size -= size
	s.pending.mu.Unlock()
	for _, w := range group {
		close(w.done)
	}
}

// commitApart stores the group in one transaction, or, when the content of one is refused, the halves apart, so that nobody
// suffers from another's content.
func (s *Store) commitApart(ctx context.Context, group []*waiting) {
	batches := make([]storage.Batch, len(group))
	for i, w := range group {
		batches[i] = w.batch
	}
	outcomes, err := s.WriteAll(ctx, batches)
	if content := (*ContentError)(nil); errors.As(err, &content) && len(group) > 1 {
		s.commitApart(ctx, group[:len(group)/2])
		s.commitApart(ctx, group[len(group)/2:])
		return
	}
	for i, w := range group {
		if err != nil {
			w.err = err
		} else {
			w.outcome = outcomes[i]
			if w.outcome == storage.Conflict {
				w.err = storage.ErrOtherPayload
			}
		}
	}
}

// contextOfAll ends when the contexts of all have ended: while one still waits, the transaction is wanted.
func contextOfAll(group []*waiting) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(group[0].ctx))
	var left atomic.Int64
	left.Store(int64(len(group)))
	stops := make([]func() bool, len(group))
	for i, w := range group {
		stops[i] = context.AfterFunc(w.ctx, func() {
			if left.Add(-1) == 0 {
				cancel()
			}
		})
	}
	return ctx, func() {
		for _, stop := range stops {
			stop()
		}
		cancel()
	}
}
