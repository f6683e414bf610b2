package queue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

const (
	// What one pipeline holds at the most. A pipeline of 8 MiB takes Redis about 10 ms, so nobody waits long behind it.
	maxGroupBytes   = 8 << 20
	maxGroupEntries = 512
	// What may wait for pipelines. Each waiting request also holds its decoded form in memory.
	maxWaitingBytes = 64 << 20
)

// Producer adds entries. Calls that come together share a pipeline (group commit): one goroutine for each shard takes what
// is waiting, sends it in one round trip, and answers each caller by itself.
type Producer struct {
	config  Config
	client  redis.UniversalClient
	gauge   *Gauge
	shards  []chan *waiting
	next    atomic.Uint64
	queued  atomic.Int64 // bytes that wait
	onGroup func(entries int)

	stop    chan struct{}
	stopped sync.WaitGroup
	once    sync.Once
}

type waiting struct {
	entry  *Entry
	answer chan error
}

// NewProducer starts the goroutines; Close ends them. gauge tells how full the queue is. onGroup, when not nil, hears how
// many entries each pipeline held.
func NewProducer(config Config, client redis.UniversalClient, gauge *Gauge, onGroup func(entries int)) *Producer {
	p := &Producer{config: config, client: client, gauge: gauge, onGroup: onGroup, stop: make(chan struct{})}
	for shard := range config.Shards {
		requests := make(chan *waiting, maxGroupEntries)
		p.shards = append(p.shards, requests)
		p.stopped.Go(func() { p.run(config.logsKey(shard), shard, requests) })
	}
	return p
}

// Close waits for what is being sent. Entries that were not sent yet are answered with an error.
func (p *Producer) Close() {
	p.once.Do(func() { close(p.stop) })
	p.stopped.Wait()
}

// Add returns nil when Redis has the entry. An error that is a *FullError says that the queue is above a high-water mark,
// and ErrKeyTaken that nothing was added because something else came under the entry's idempotency key; any other means that
// the entry may or may not be there: adding it again is safe, because of the batch id.
func (p *Producer) Add(ctx context.Context, e *Entry) error {
	shard := int(p.next.Add(1) % uint64(len(p.shards)))
	if e.keyed() {
		shard = p.config.keyShard(e.Batch) // with what is remembered of the key
	}
	if err := p.gauge.admit(shard, e.Size()); err != nil {
		return err
	}
	size := int64(e.Size())
	if p.queued.Add(size) > maxWaitingBytes && size < maxWaitingBytes {
		p.queued.Add(-size)
		return &FullError{Reason: "too many requests wait for Redis", After: p.gauge.retryAfter(shard)}
	}
	defer p.queued.Add(-size)

	w := &waiting{entry: e, answer: make(chan error, 1)}
	select {
	case p.shards[shard] <- w:
	case <-p.stop:
		return errStopped
	case <-ctx.Done():
		return fmt.Errorf("wait for Redis: %w", ctx.Err())
	}
	select {
	case err := <-w.answer:
		return err
	case <-ctx.Done():
		return fmt.Errorf("wait for Redis: %w", ctx.Err())
	}
}

var errStopped = fmt.Errorf("the queue's sender has stopped: the process is shutting down")

func (p *Producer) run(key string, shard int, requests chan *waiting) {
	var batch []*waiting
	for {
		batch = batch[:0]
		select {
		case w := <-requests:
			batch = gather(append(batch, w), requests)
		case <-p.stop:
			for {
				select {
				case w := <-requests:
					w.answer <- errStopped
				default:
					return
				}
			}
		}
		p.send(key, shard, batch)
	}
}

// gather adds what is already waiting.
func gather(batch []*waiting, requests chan *waiting) []*waiting {
	size := batch[0].entry.Size()
	for size < maxGroupBytes && len(batch) < maxGroupEntries {
		select {
		case w := <-requests:
			size += w.entry.Size()
			batch = append(batch, w)
		default:
			return batch
		}
	}
	return batch
}

// send adds what was gathered in one round trip. The commands are not a transaction: each entry stands for itself, and Redis
// answers each. It also makes the consumer group where there is none: Redis makes none once its memory is full, and that is
// when drains must not need one.
func (p *Producer) send(key string, shard int, batch []*waiting) {
	pipe := p.client.Pipeline()
	added := make([]redis.Cmder, len(batch))
	for i, w := range batch {
		if w.entry.keyed() {
			added[i] = addKeyed(pipe, key, p.config.batchKey(w.entry.Batch), w.entry)
		} else {
			added[i] = pipe.XAdd(context.Background(), &redis.XAddArgs{Stream: key, Values: w.entry.values()})
		}
	}
	if !p.gauge.grouped(shard) {
		pipe.XGroupCreateMkStream(context.Background(), key, group, "0") // an error when it is there, or can't be made now
	}
	// The callers' contexts end their waiting, not the sending: one that gives up must not take the others with it. The
	// client's own timeouts bound it.
	unsent := exec(context.Background(), pipe)
	for i, w := range batch {
		err := cmp.Or(unsent, added[i].Err())
		if err == nil {
			p.gauge.added(shard, w.entry.Size())
		}
		w.answer <- p.explain(err, shard)
	}
	if p.onGroup != nil {
		p.onGroup(len(batch))
	}
}

func (p *Producer) explain(err error, shard int) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, redis.Nil): // the only command with such an answer
		return ErrKeyTaken
	case strings.HasPrefix(err.Error(), "OOM "):
		return &FullError{
			Reason: "Redis has reached its maxmemory: raise it, or lower redis.max_bytes so that this limit comes first",
			After:  p.gauge.retryAfter(shard), Err: err,
		}
	default:
		return fmt.Errorf("add to the queue: %w", nameRedis(err))
	}
}
