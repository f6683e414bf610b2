package timescaleexporter

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/instantdevlogs/devlogs/exporter/timescaleexporter/queue"
	"github.com/instantdevlogs/devlogs/storage"
)

// worker is one consumer of one shard.
type worker struct {
	*drain
	consumer *queue.Consumer
	batches  []storage.Batch
	rows     []*storage.Rows // kept between rounds for their memory
	most     []int           // about how many bytes each of them takes: it keeps the most that it ever had
	room     int             // the sum of most
	limit    int             // records of a transaction; below drain.max_rows after one that took too long
}

const (
	// blockFor is how long a read waits for the first entry; a stop waits no longer than that.
	blockFor = 500 * time.Millisecond
	// maxBatches bounds the entries of one transaction: each costs memory besides its records.
	maxBatches = 4096
	// maxUnpacked bounds the OTLP messages of one transaction: what compresses well would else take all memory.
	maxUnpacked = 32 << 20
	// maxRoom bounds what is kept between transactions.
	maxRoom = 2 * maxUnpacked
)

func (w *worker) run() {
	defer w.leave()
	pause := firstPause
	for w.ctx.Err() == nil {
		held, err := w.gather()
		if len(held) > 0 {
			w.settle(held)
			pause = firstPause
			continue
		}
		if err != nil && !w.wait(&pause) {
			return
		}
	}
}

// gather waits for an entry and then takes what else is there, up to a transaction's size. So transactions are small while
// drains keep up, and grow with the backlog: what comes while one is stored is in the next.
func (w *worker) gather() ([]queue.Delivery, error) {
	var held []queue.Delivery
	records, bytes, unpacked := 0, 0, 0
	block := blockFor
	for records < w.limit && bytes < w.config.Drain.MaxBytes && unpacked < maxUnpacked && len(held) < maxBatches {
		more, err := w.consumer.Read(w.ctx, w.limit-records, w.config.Drain.MaxBytes-bytes, block)
		if err != nil {
			// The health of Redis is the gauge's to tell. What was read before is stored all the same.
			return held, err
		}
		if len(more) == 0 {
			break
		}
		for i := range more {
			records += more[i].Records
			bytes += more[i].Size()
			unpacked += more[i].Unpacked()
		}
		held = append(held, more...)
		block = 0
	}
	return held, nil
}

// claim takes over, from time to time, what dead drains left.
func (w *worker) claim() {
	defer w.leave()
	tick := time.NewTicker(max(w.config.Drain.ClaimAfter/4, time.Second))
	defer tick.Stop()
	for {
		select {
		case <-w.ctx.Done():
			return
		case <-tick.C:
		}
		for w.ctx.Err() == nil {
			const atOnce = 16 // entries; each can be as large as a request
			held, err := w.consumer.Claim(w.ctx, w.config.Drain.ClaimAfter, atOnce)
			if err != nil || len(held) == 0 {
				break // the next tick tries again
			}
			w.logger.Info("Took over batches that another drain did not finish", zap.Int("batches", len(held)))
			w.settle(held)
		}
	}
}

// leave takes the consumer's name off the queue; it is not tried again, as the next drain cleans up.
func (w *worker) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), blockFor)
	defer cancel()
	if err := w.consumer.Leave(ctx); err != nil {
		w.logger.Debug("Could not take the consumer's name off the queue", zap.Error(err))
	}
}
