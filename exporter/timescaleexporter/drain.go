package timescaleexporter

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/instantdevlogs/devlogs/exporter/timescaleexporter/internal/metadata"
	"github.com/instantdevlogs/devlogs/exporter/timescaleexporter/queue"
	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/postgres"
)

// drain moves batches from the queue to the database. Each shard has a few workers that read, decode, store and
// acknowledge by themselves, and one that takes over the batches of drains that died.
type drain struct {
	config    *Config
	redis     redis.UniversalClient
	store     *postgres.Store // nil until it is open
	telemetry *metadata.TelemetryBuilder
	health    *health
	logger    *zap.Logger

	ctx     context.Context // ends when stop is called
	cancel  context.CancelFunc
	finish  context.Context // ends some time after ctx: for what was begun
	workers sync.WaitGroup
}

func newDrain(config *Config, client redis.UniversalClient, telemetry *metadata.TelemetryBuilder, h *health, logger *zap.Logger) *drain {
	ctx, cancel := context.WithCancel(context.Background())
	finish, abandon := context.WithCancel(context.Background())
	context.AfterFunc(ctx, func() { time.AfterFunc(finishFor, abandon) })
	return &drain{
		config: config, redis: client, telemetry: telemetry, health: h, logger: logger, ctx: ctx, cancel: cancel, finish: finish,
	}
}

// finishFor is how long what was begun may go on after a stop: a transaction, its acknowledgement.
const finishFor = 10 * time.Second

// start returns at once: the database may come up later than this process, and the queue holds what comes until then.
func (d *drain) start() {
	d.workers.Go(func() {
		if d.open() {
			d.startWorkers()
		}
	})
}

// open tries until the database answers. What will not go away by trying ends the process.
func (d *drain) open() bool {
	for pause := firstPause; ; {
		store, err := postgres.Open(d.ctx, *d.config.Postgres.Get())
		if err == nil {
			d.health.set(postgresPart, nil)
			d.store = store
			return true
		}
		if d.ctx.Err() != nil {
			return false
		}
		if !passing(err) {
			d.health.fatal(fmt.Errorf("opening the log store: %w", err))
			return false
		}
		d.health.set(postgresPart, err)
		if !d.wait(&pause) {
			return false
		}
	}
}

func (d *drain) startWorkers() {
	// The name says where the drain runs, for who looks at the queue; the random part makes it one process's own.
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	base := fmt.Sprintf("%s/%d/%s", host, os.Getpid(), uuid.NewString()[:8])
	for shard := range d.config.Redis.Queue.Shards {
		for i := range d.config.Drain.Consumers {
			d.workers.Go(d.worker(shard, fmt.Sprintf("%s/%d", base, i)).run)
		}
		d.workers.Go(d.worker(shard, base+"/claim").claim)
	}
}

func (d *drain) worker(shard int, name string) *worker {
	return &worker{drain: d, consumer: queue.NewConsumer(d.config.Redis.Queue, d.redis, shard, name)}
}

// stop lets workers finish what they are storing, as long as ctx allows. What they hold and have not stored goes to other
// drains, or to this one when it starts again.
func (d *drain) stop(ctx context.Context) error {
	d.cancel()
	done := make(chan struct{})
	go func() {
		d.workers.Wait()
		close(done)
	}()
	select {
	case <-done:
		if d.store == nil {
			return nil
		}
		return d.store.Close()
	case <-ctx.Done():
		return fmt.Errorf("stop the drain: a transaction still runs: %w", ctx.Err())
	}
}

// worker is one consumer of one shard.
type worker struct {
	*drain
	consumer *queue.Consumer
	batches  []storage.Batch
	rows     []*storage.Rows // kept between rounds for their memory
}

const (
	blockFor   = 500 * time.Millisecond // how long a read waits for the first entry; a stop waits no longer than that
	firstPause = 100 * time.Millisecond
	maxPause   = 5 * time.Second
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
	records, bytes := 0, 0
	block := blockFor
	for records < w.config.Drain.MaxRows && bytes < w.config.Drain.MaxBytes {
		more, err := w.consumer.Read(w.ctx, w.config.Drain.MaxRows-records, w.config.Drain.MaxBytes-bytes, block)
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

// settle stores what is held and acknowledges it. It returns when that is done, or when the drain is stopped: then the
// entries stay pending.
func (w *worker) settle(held []queue.Delivery) {
	stop := w.touch(held)
	defer stop()
	held = w.decode(held)
	if len(held) == 0 || !w.storeAll(held) {
		return
	}
	w.acknowledge(held)
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

// decode makes w.batches of what is held. Entries that can't be read go to the dead letters and out of the list.
func (w *worker) decode(held []queue.Delivery) []queue.Delivery {
	w.batches = w.batches[:0]
	readable := make([]queue.Delivery, 0, len(held))
	for i := range held {
		d := &held[i]
		if err := w.decodeOne(d); err != nil {
			w.bury([]queue.Delivery{*d}, []queue.Letter{{Entry: d.Entry, Reason: err.Error(), Record: -1}})
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
		w.rows = append(w.rows, new(storage.Rows))
	}
	rows := w.rows[i]
	rows.Reset()
	storage.Encode(rows, logs, d.Tenant, d.Arrival)
	w.batches = append(w.batches, storage.Batch{ID: d.Batch, Rows: rows})
	return nil
}

// storeAll stores w.batches in one transaction, trying again for as long as the database is unavailable. When the database
// refuses what they hold it stores them one by one and leaves out what is refused. false: the drain was stopped first.
func (w *worker) storeAll(held []queue.Delivery) bool {
	outcomes, err := w.write(w.batches)
	switch {
	case err == nil:
		w.count(outcomes, w.batches)
		return true
	case w.ctx.Err() != nil:
		return false
	default:
		return w.isolate(held)
	}
}

// write is one transaction, repeated until the database answers. A transaction that was begun is finished also when the
// drain is being stopped.
func (w *worker) write(batches []storage.Batch) ([]storage.Outcome, error) {
	pause := firstPause
	for {
		began := time.Now()
		ctx, cancel := context.WithTimeout(w.finish, w.config.Drain.Timeout)
		outcomes, err := w.store.WriteAll(ctx, batches)
		cancel()
		if err == nil {
			w.health.set(postgresPart, nil)
			w.telemetry.TimescaleDrainTransactionDuration.Record(context.Background(), time.Since(began).Seconds())
			return outcomes, nil
		}
		if !passing(err) {
			return nil, err
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

// wait pauses, twice as long each time. false: the drain was stopped.
func (d *drain) wait(pause *time.Duration) bool {
	select {
	case <-d.ctx.Done():
		return false
	case <-time.After(*pause):
		*pause = min(2**pause, maxPause)
		return true
	}
}

func (w *worker) count(outcomes []storage.Outcome, batches []storage.Batch) {
	ctx := context.Background()
	var records, stored, duplicates int64
	for i, outcome := range outcomes {
		if outcome == storage.Duplicate {
			duplicates++
			continue
		}
		stored++
		records += int64(batches[i].Rows.Len())
	}
	w.telemetry.TimescaleDrainRecords.Add(ctx, records)
	w.telemetry.TimescaleDrainTransactionRecords.Record(ctx, records)
	w.telemetry.TimescaleDrainBatches.Add(ctx, stored, batchStored)
	w.telemetry.TimescaleDrainBatches.Add(ctx, duplicates, batchDuplicate)
}

// acknowledge tries until Redis answers or the drain is stopped. If it never does, the batches come again and the ledger
// knows them.
func (w *worker) acknowledge(held []queue.Delivery) {
	w.insist(func(ctx context.Context) error { return w.consumer.Ack(ctx, held) })
}

// bury moves entries to the dead letters, trying as acknowledge does.
func (w *worker) bury(done []queue.Delivery, letters []queue.Letter) {
	buried := w.insist(func(ctx context.Context) error { return w.consumer.Bury(ctx, done, letters) })
	if !buried {
		return
	}
	w.telemetry.TimescaleDeadLetters.Add(context.Background(), int64(len(letters)))
	for i := range letters {
		w.logger.Warn("The database refused a record; it is a dead letter now, see: devlogs queue dead-letters",
			zap.Stringer("batch", letters[i].Batch), zap.Int("record", letters[i].Record), zap.String("reason", letters[i].Reason))
	}
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

// leave takes the consumer's name off the queue; it is not tried again, as the next drain cleans up.
func (w *worker) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), blockFor)
	defer cancel()
	if err := w.consumer.Leave(ctx); err != nil {
		w.logger.Debug("Could not take the consumer's name off the queue", zap.Error(err))
	}
}
