package timescaleexporter

import (
	"context"
	"errors"
	"time"

	"github.com/instantdevlogs/devlogs/exporter/timescaleexporter/queue"
	"github.com/instantdevlogs/devlogs/storage"
)

// decode makes w.batches of what is held. Entries that can't be read go to the dead letters and out of the list.
func (w *worker) decode(held []queue.Delivery) []queue.Delivery {
	w.batches = w.batches[:0]
	if w.room > maxRoom {
		w.rows, w.most, w.room = nil, nil, 0
	}
	readable := make([]queue.Delivery, 0, len(held))
	for i := range held {
		d := &held[i]
		if err := w.decodeOne(d); err != nil {
			w.bury([]queue.Delivery{*d}, []queue.Letter{d.Whole(err.Error())})
			continue
		}
		readable = append(readable, *d)
	}
	return readable
}

func (w *worker) decodeOne(d *queue.Delivery) error {
	if d.Err != nil {
		return d.Err
	}
	logs, err := queue.Unpack(d.Payload)
	if err != nil {
		return err
	}
	i := len(w.batches)
	if i == len(w.rows) {
		w.rows, w.most = append(w.rows, new(storage.Rows)), append(w.most, 0)
	}
	rows := w.rows[i]
	rows.Reset()
	storage.Encode(rows, logs, d.Tenant, d.Arrival)
	if size := rows.Size(); size > w.most[i] {
		w.room += size - w.most[i]
		w.most[i] = size
	}
	w.batches = append(w.batches, storage.Batch{ID: d.Batch, Rows: rows, Payload: d.Sent})
	return nil
}

// storeAll stores batches in one transaction, trying again for as long as the database is unavailable. When that takes too long
// it stores halves; when the database refuses what they hold it stores them one by one and leaves out what is refused. true:
// all are stored and none is acknowledged. false: what could be stored was acknowledged too, or the drain was stopped first.
func (w *worker) storeAll(held []queue.Delivery, batches []storage.Batch) bool {
	outcomes, err := w.write(batches)
	switch {
	case err == nil:
		w.count(outcomes, batches)
		w.recover()
		return w.buryConflicts(held, outcomes)
	case w.ctx.Err() != nil:
		return false
	case errors.Is(err, errTooSlow):
		return w.halve(held, batches)
	default:
		return w.isolate(held, batches)
	}
}

// write is one transaction, repeated until the database answers; one of several batches that takes too long is not. A
// transaction that was begun is finished also when the drain is being stopped.
func (w *worker) write(batches []storage.Batch) ([]storage.Outcome, error) {
	pause := firstPause
	for {
		began := time.Now()
		ctx, cancel := context.WithTimeout(w.finish, w.config.Drain.Timeout)
		outcomes, err := w.store.WriteAll(ctx, batches)
		slow := w.tooSlow(ctx)
		cancel()
		switch {
		case err == nil:
			w.health.set(postgresPart, nil)
			w.telemetry.TimescaleDrainTransactionDuration.Record(context.Background(), time.Since(began).Seconds())
			return outcomes, nil
		case !passing(err):
			return nil, err
		case slow && len(batches) > 1:
			return nil, errTooSlow
		case slow:
			err = w.slowError(&batches[0])
		}
		w.health.set(postgresPart, err)
		if !w.wait(&pause) {
			return nil, w.ctx.Err()
		}
	}
}

// passing says that an error is about the database or the network, not about what a batch holds.
func passing(err error) bool {
	_, unavailable := errors.AsType[*storage.UnavailableError](err)
	return unavailable || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

func (w *worker) count(outcomes []storage.Outcome, batches []storage.Batch) {
	ctx := context.Background()
	var records, stored, duplicates, conflicts int64
	for i, outcome := range outcomes {
		switch outcome {
		case storage.Stored:
			stored++
			records += int64(batches[i].Rows.Len())
		case storage.Duplicate:
			duplicates++
		case storage.Conflict:
			conflicts++
		}
	}
	w.telemetry.TimescaleDrainRecords.Add(ctx, records)
	w.telemetry.TimescaleDrainTransactionRecords.Record(ctx, records)
	w.telemetry.TimescaleDrainBatches.Add(ctx, stored, batchStored)
	w.telemetry.TimescaleDrainBatches.Add(ctx, duplicates, batchDuplicate)
	w.telemetry.TimescaleDrainBatches.Add(ctx, conflicts, batchConflict)
}
