package timescaleexporter

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"github.com/instantdevlogs/devlogs/exporter/timescaleexporter/internal/metadata"
	"github.com/instantdevlogs/devlogs/exporter/timescaleexporter/queue"
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
	config := *d.config.Postgres.Get()
	config.Logger = d.logger
	for pause := firstPause; ; {
		store, err := postgres.Open(d.ctx, config)
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
	return &worker{
		drain: d, consumer: queue.NewConsumer(d.config.Redis.Queue, d.redis, shard, name), limit: d.config.Drain.MaxRows,
	}
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

const (
	firstPause = 100 * time.Millisecond
	maxPause   = 2 * time.Second
)

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
