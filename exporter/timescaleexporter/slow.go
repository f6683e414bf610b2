package timescaleexporter

import (
	"context"
	"errors"
	"fmt"

	"github.com/instantdevlogs/devlogs/exporter/timescaleexporter/queue"
	"github.com/instantdevlogs/devlogs/storage"
)

// errTooSlow says that a transaction of several batches did not end within drain.timeout. The same one would need as long the
// next time, so it is tried in halves.
var errTooSlow = errors.New("the transaction did not end within drain.timeout")

// tooSlow tells whether a transaction ended because of its own time limit, and not because the drain stops.
func (w *worker) tooSlow(transaction context.Context) bool {
	return errors.Is(transaction.Err(), context.DeadlineExceeded) && w.finish.Err() == nil
}

// slowError is what a person reads about a batch that can't be divided further.
func (w *worker) slowError(batch *storage.Batch) error {
	return fmt.Errorf("storing one request of %d records takes longer than drain.timeout (%s): look what the database waits for "+
		"(locks, its disk, a network that swallows packets); if it is only slow, raise drain.timeout", batch.Rows.Len(), w.config.Drain.Timeout)
}

// halve stores the halves of what was too slow as a whole, each by itself, and acknowledges each. It returns false, always:
// there is nothing left for the caller to acknowledge.
func (w *worker) halve(held []queue.Delivery, batches []storage.Batch) bool {
	half := len(batches) / 2
	w.limit = max(records(batches[:half]), 1)
	for _, part := range [][2]int{{0, half}, {half, len(batches)}} {
		if w.storeAll(held[part[0]:part[1]], batches[part[0]:part[1]]) {
			w.acknowledge(held[part[0]:part[1]])
		}
		if w.ctx.Err() != nil {
			return false
		}
	}
	return false
}

// recover lets transactions grow again, slowly: a limit that was reached once is soon reached again.
func (w *worker) recover() {
	w.limit = min(w.limit+w.limit/8+1, w.config.Drain.MaxRows)
}

func records(batches []storage.Batch) (n int) {
	for i := range batches {
		n += batches[i].Rows.Len()
	}
	return n
}
