package queue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// FullError says that the queue takes nothing now, why, and when to come back.
type FullError struct {
	Reason string
	After  time.Duration // at least one second
	Err    error         // what Redis said; nil when a limit of our own was reached
}

func (e *FullError) Error() string { return e.Reason }
func (e *FullError) Unwrap() error { return e.Err }

// Depth is how full a shard is.
type Depth struct {
	Entries int64
	Bytes   int64         // as Redis estimates it (MEMORY USAGE)
	Grouped bool          // the consumer group is there
	Pending int64         // entries that drains have taken and not acknowledged
	Oldest  time.Duration // age of the oldest entry by the server's clock, 0 when there is none
	Dead    int64         // dead letters
	Added   int64         // entries ever added; with Entries it gives how many were removed
}

const (
	gaugeEvery = 500 * time.Millisecond
	// promisesEvery is in how many rounds Redis' settings are looked at: somebody may change them.
	promisesEvery = 20
	minRetry      = time.Second
	maxRetry      = 15 * time.Second // some clients give up after a minute or two of being told to wait
	defaultRetry  = 5 * time.Second  // while no drain has removed anything yet
	rateWeight    = 0.2              // of the newest measurement in the drain rate's moving average
)

// Gauge watches how full the queue is and how fast drains empty it. It asks Redis twice a second, and in between counts
// what its own process adds.
type Gauge struct {
	config Config
	client redis.UniversalClient
	shards []shardGauge
	onWarn func(string)
	unfit  atomic.Pointer[EvictsError] // why Redis can't be trusted with a queue; nil: it can, as far as is known

	cancel  context.CancelFunc
	stopped sync.WaitGroup
}

type shardGauge struct {
	mu      sync.Mutex
	depth   Depth
	fresh   bool // depth is what Redis said, not longer ago than a few rounds
	removed int64
	at      time.Time
	rate    float64 // bytes that drains remove in a second
}

// NewGauge starts to watch. onRound, when not nil, hears the outcome of each round, with nil when Redis can be used; onWarn,
// when not nil, hears what Redis is not set up for, once.
func NewGauge(config Config, client redis.UniversalClient, onRound func(error), onWarn func(string)) *Gauge {
	ctx, cancel := context.WithCancel(context.Background())
	g := &Gauge{config: config, client: client, shards: make([]shardGauge, config.Shards), onWarn: onWarn, cancel: cancel}
	g.stopped.Go(func() {
		tick := time.NewTicker(gaugeEvery)
		defer tick.Stop()
		warned := map[string]bool{}
		for n := 0; ; n++ {
			err := g.round(ctx)
			if err == nil && n%promisesEvery == 0 {
				err = g.promises(ctx, warned)
			}
			if err == nil {
				err = g.fit()
			}
			if err != nil {
				n = -1 // what answers next may be another server
			}
			if ctx.Err() != nil {
				return
			}
			if onRound != nil {
				onRound(err)
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
	return g
}

// promises looks at Redis' settings.
func (g *Gauge) promises(ctx context.Context, warned map[string]bool) error {
	warnings, err := Promises(ctx, g.config, g.client)
	if ctx.Err() != nil {
		return err
	}
	for _, w := range warnings {
		if !warned[w] && g.onWarn != nil {
			g.onWarn(w)
		}
		warned[w] = true
	}
	if evicts, ok := errors.AsType[*EvictsError](err); ok || err == nil {
		g.unfit.Store(evicts)
	}
	return err
}

// fit says why Redis can't be trusted with a queue.
func (g *Gauge) fit() error {
	if err := g.unfit.Load(); err != nil {
		return err
	}
	return nil
}

// Close stops watching.
func (g *Gauge) Close() {
	g.cancel()
	g.stopped.Wait()
}

// Depths gives what was seen last, by shard.
func (g *Gauge) Depths() []Depth {
	depths := make([]Depth, len(g.shards))
	for i := range g.shards {
		s := &g.shards[i]
		s.mu.Lock()
		depths[i] = s.depth
		s.mu.Unlock()
	}
	return depths
}

func (g *Gauge) round(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var first error
	for i := range g.shards { // all of them: in a cluster one node's failure says nothing of the others
		s := &g.shards[i]
		s.mu.Lock()
		before := s.depth
		s.mu.Unlock()
		depth, err := ReadDepth(ctx, g.config, g.client, i)
		s.mu.Lock()
		if err == nil {
			// What was added while Redis was asked may or may not be in its answer. Until the next round it counts as not:
			// rather refuse a client too early than take more than the limit.
			depth.Entries += s.depth.Entries - before.Entries
			depth.Bytes += s.depth.Bytes - before.Bytes
			depth.Added += s.depth.Added - before.Added
			s.update(depth, time.Now())
		} else {
			s.fresh = false
		}
		s.mu.Unlock()
		first = cmp.Or(first, err)
	}
	return first
}

// update is called with mu held.
func (s *shardGauge) update(depth Depth, now time.Time) {
	removed := depth.Added - depth.Entries
	if s.fresh && removed >= s.removed && depth.Entries+removed > 0 {
		size := 0.0 // of an average entry
		if depth.Entries > 0 {
			size = float64(depth.Bytes) / float64(depth.Entries)
		} else if s.depth.Entries > 0 {
			size = float64(s.depth.Bytes) / float64(s.depth.Entries)
		}
		rate := float64(removed-s.removed) * size / now.Sub(s.at).Seconds()
		s.rate += rateWeight * (rate - s.rate)
	}
	s.depth, s.removed, s.at, s.fresh = depth, removed, now, true
}

// admit says no when a shard is at its share of a high-water mark, or when Redis would not keep what it takes.
func (g *Gauge) admit(shard, size int) error {
	if err := g.fit(); err != nil {
		return err
	}
	s := &g.shards[shard]
	s.mu.Lock()
	entries, bytes := s.depth.Entries, s.depth.Bytes
	s.mu.Unlock()
	n := int64(len(g.shards))
	switch {
	case entries >= max(g.config.MaxEntries/n, 1):
		return &FullError{
			Reason: fmt.Sprintf("the queue holds %d batches, its limit redis.max_entries: the database does not keep up, or no drain runs", entries*n),
			After:  g.retryAfter(shard),
		}
	case bytes+int64(size) > g.config.MaxBytes/n && entries > 0:
		return &FullError{
			Reason: fmt.Sprintf("the queue holds %d MiB, its limit redis.max_bytes: the database does not keep up, or no drain runs", bytes*n>>20),
			After:  g.retryAfter(shard),
		}
	}
	return nil
}

// grouped tells whether the consumer group was there when Redis was asked last.
func (g *Gauge) grouped(shard int) bool {
	s := &g.shards[shard]
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fresh && s.depth.Grouped
}

func (g *Gauge) added(shard, size int) {
	s := &g.shards[shard]
	s.mu.Lock()
	s.depth.Entries++
	s.depth.Bytes += int64(size)
	s.depth.Added++
	s.mu.Unlock()
}

// retryAfter is the time in which drains, at the rate they showed, free a tenth of what the queue holds, with up to half as
// much again at random so that clients do not come back all at once.
func (g *Gauge) retryAfter(shard int) time.Duration {
	s := &g.shards[shard]
	s.mu.Lock()
	rate, tenth := s.rate, float64(s.depth.Bytes)/10
	s.mu.Unlock()
	after := defaultRetry
	if rate > 1 {
		after = time.Duration(min(tenth/rate, maxRetry.Seconds()) * float64(time.Second))
	}
	after += time.Duration(rand.Float64() * float64(after) / 2)
	return min(max(after, minRetry), maxRetry)
}
