package livefeed

import (
	"context"
	"iter"
	"sync"
	"time"

	"github.com/instantdevlogs/devlogs/storage"
)

// Store is what is followed. The methods are storage.Reader's.
type Store interface {
	Head(ctx context.Context) (uint64, error)
	Tail(ctx context.Context, q storage.Query, from uint64) iter.Seq2[storage.Record, error]
	Batches(ctx context.Context, q storage.Query, after storage.ID, to uint64) iter.Seq2[storage.Record, error]
}

// Feeds are the feeds of one store. Safe for concurrent use.
type Feeds struct {
	store Store
	keep  int // bytes that each feed holds

	mu      sync.Mutex
	feeds   map[string]*feed // by tenant
	respite respite
}

// keep is how many bytes of the newest records a feed holds, about: some seconds of a busy tenant.
const keep = 16 << 20

// New makes the feeds of a store. They hold nothing that would have to be closed: what runs ends with the last reader.
func New(store Store) *Feeds { return &Feeds{store: store, keep: keep, feeds: map[string]*feed{}} }

// Query selects what a reader gets. Limit, After and Direction do not apply.
type Query struct {
	storage.Query
	// Streams tells whether any record of a stream is wanted; nil: of all. It is asked about a stream once, or again after long.
	Streams func(*storage.Stream) bool
}

// Tail is storage.Reader's Tail. The records are shared: they are only read. When the store fails, all readers of the feed get
// its error; whoever follows again gets a new feed, which waits a little longer after each failure.
func (f *Feeds) Tail(ctx context.Context, q Query, from uint64) iter.Seq2[storage.Record, error] {
	return func(yield func(storage.Record, error) bool) {
		feed := f.join(q.Tenant)
		defer f.leave(feed)
		r := &reader{store: f.store, feed: feed, filter: newFilter(&q), position: storage.EndOf(from)}
		if err := r.follow(ctx, yield); err != nil {
			yield(storage.Record{}, err)
		}
	}
}

func (f *Feeds) join(tenant string) *feed {
	f.mu.Lock()
	defer f.mu.Unlock()
	joined := f.feeds[tenant]
	if joined == nil {
		joined = newFeed(tenant, f.keep)
		f.feeds[tenant] = joined
		ctx, stop := context.WithCancel(context.Background())
		joined.stop = stop
		go f.run(ctx, joined)
	}
	joined.readers++
	return joined
}

// leave returns when nothing of the feed runs any more, if this was its last reader.
func (f *Feeds) leave(left *feed) {
	f.mu.Lock()
	left.readers--
	last := left.readers == 0
	if last {
		f.forget(left)
	}
	f.mu.Unlock()
	if last {
		left.stop()
		<-left.ended
	}
}

func (f *Feeds) forget(old *feed) {
	if f.feeds[old.tenant] == old {
		delete(f.feeds, old.tenant)
	}
}

// run follows the store until the last reader has left or the store fails.
func (f *Feeds) run(ctx context.Context, feed *feed) {
	defer close(feed.ended)
	err := f.respite.wait(ctx)
	began := time.Now()
	if err == nil {
		err = feed.follow(ctx, f.store)
	}
	if ctx.Err() == nil {
		f.respite.begin(time.Since(began))
	}
	f.mu.Lock()
	f.forget(feed)
	f.mu.Unlock()
	feed.fail(err)
}
