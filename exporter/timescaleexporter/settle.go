package timescaleexporter

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/instantdevlogs/devlogs/exporter/timescaleexporter/queue"
	"github.com/instantdevlogs/devlogs/storage"
)

// settle stores what is held and acknowledges it. It returns when that is done, or when the drain is stopped: then the
// entries stay pending.
func (w *worker) settle(held []queue.Delivery) {
	stop := w.touch(held)
	defer stop()
	for len(held) > 0 && w.ctx.Err() == nil {
		n := w.fit(held)
		part := w.decode(held[:n])
		if len(part) > 0 && w.storeAll(part, w.batches) {
			w.acknowledge(part)
		}
		held = held[n:]
	}
}

// fit is how many entries go into the next transaction. What was read can be more: only who has entries knows their sizes.
func (w *worker) fit(held []queue.Delivery) (n int) {
	records, unpacked := 0, 0
	for n < len(held) {
		records, unpacked = records+held[n].Records, unpacked+held[n].Unpacked()
		if n > 0 && (records > w.limit || unpacked > maxUnpacked) {
			break
		}
		n++
	}
	return n
}

// touch keeps the entries from being taken over while they are worked on.
func (w *worker) touch(held []queue.Delivery) (stop func()) {
	ctx, cancel := context.WithCancel(w.ctx)
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(w.config.Drain.ClaimAfter / 3)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				// When it fails another drain may store the same batches: double work, but the ledger takes care of it.
				_ = w.consumer.Touch(ctx, held)
			}
		}
	})
	return func() {
		cancel()
		done.Wait()
	}
}

// acknowledge tries until Redis answers or the drain is stopped. If it never does, the batches come again and the ledger
// knows them.
func (w *worker) acknowledge(held []queue.Delivery) {
	w.insist(func(ctx context.Context) error { return w.consumer.Ack(ctx, held) })
}

// bury moves entries to the dead letters, trying as acknowledge does. false: the drain was stopped before Redis had them.
func (w *worker) bury(done []queue.Delivery, letters []queue.Letter) bool {
	if !w.insist(func(ctx context.Context) error { return w.consumer.Bury(ctx, done, letters) }) {
		return false
	}
	w.telemetry.TimescaleDeadLetters.Add(context.Background(), int64(len(letters)))
	for i := range letters {
		w.logger.Warn("What could not be stored is a dead letter now, see: devlogs queue dead-letters",
			zap.Stringer("batch", letters[i].Batch), zap.Int("record", letters[i].Record), zap.String("reason", letters[i].Reason))
	}
	return true
}

// reusedReason is what a person reads about a batch that came under the idempotency key of another one.
const reusedReason = "its Idempotency-Key was used before with another body, which is stored; nothing is lost: " +
	"devlogs queue requeue stores this one too, under an id of its own"

// buryConflicts makes dead letters of the batches whose key is taken; their clients heard 2xx. false: the drain was stopped before
// Redis had them.
func (w *worker) buryConflicts(held []queue.Delivery, outcomes []storage.Outcome) bool {
	var done []queue.Delivery
	var letters []queue.Letter
	for i, outcome := range outcomes {
		if outcome == storage.Conflict {
			done = append(done, held[i])
			letters = append(letters, held[i].Whole(reusedReason))
		}
	}
	return len(letters) == 0 || w.bury(done, letters)
}

func (w *worker) insist(do func(context.Context) error) bool {
	pause := firstPause
	for {
		ctx, cancel := context.WithTimeout(w.finish, maxPause)
		err := do(ctx)
		cancel()
		if err == nil {
			return true
		}
		if !w.wait(&pause) {
			return false
		}
	}
}
