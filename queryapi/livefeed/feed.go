package livefeed

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/instantdevlogs/devlogs/storage"
)

// gather is how long records are gathered before readers that wait are woken: waking each of them for each record would cost
// more than all the rest.
const gather = 5 * time.Millisecond

// feed holds the newest records of a tenant, in the order of commits.
type feed struct {
	tenant string
	keep   int // bytes
	stop   context.CancelFunc
	ended  chan struct{} // closed when nothing runs any more

	readers int // guarded by Feeds.mu

	mu     sync.Mutex
	begun  bool
	before storage.ID    // what is held comes behind it
	last   storage.ID    // nothing behind it has come yet
	pieces []piece       // what is held, oldest first
	size   int           // bytes of pieces
	news   chan struct{} // closed when there is something new
	waking bool          // news will be closed soon
	err    error         // why nothing more comes
}

// piece is a part of what is held, in one block of memory: what is written does not change, and more is only added behind it.
type piece struct {
	records []storage.Record
	size    int
}

const (
	pieces       = 64  // of a feed that is full, or more
	pieceRecords = 256 // at most
	recordBytes  = 256 // of a record beside its texts, about
)

func newFeed(tenant string, keep int) *feed {
	return &feed{tenant: tenant, keep: keep, ended: make(chan struct{}), news: make(chan struct{})}
}

// follow reads the store until ctx ends or the store fails.
func (f *feed) follow(ctx context.Context, store Store) error {
	head, err := store.Head(ctx)
	if err != nil {
		return fmt.Errorf("find where to begin: %w", err)
	}
	f.begin(head)
	for record, err := range store.Tail(ctx, storage.Query{Tenant: f.tenant, End: storage.EndOfTime}, head) {
		if err != nil {
			return err
		}
		f.add(&record)
	}
	return errors.Join(ctx.Err(), errors.New("the store ended the tail"))
}

func (f *feed) begin(head uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.begun = true
	f.before = storage.EndOf(head)
	f.last = f.before
	f.wake()
}

func (f *feed) add(r *storage.Record) {
	size := sizeOf(r)
	f.mu.Lock()
	defer f.mu.Unlock()
	n := len(f.pieces)
	if n == 0 || len(f.pieces[n-1].records) == pieceRecords || f.pieces[n-1].size+size > f.keep/pieces {
		f.pieces = append(f.pieces, piece{records: make([]storage.Record, 0, pieceRecords)})
		n++
	}
	newest := &f.pieces[n-1]
	newest.records = append(newest.records, *r)
	newest.size += size
	f.size += size
	f.last = r.ID
	drop := 0
	for ; f.size > f.keep && drop < n-1; drop++ {
		oldest := f.pieces[drop]
		f.size -= oldest.size
		f.before = oldest.records[len(oldest.records)-1].ID
	}
	f.pieces = slices.Delete(f.pieces, 0, drop)
	if !f.waking {
		f.waking = true
		time.AfterFunc(gather, func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.wake()
		})
	}
}

func sizeOf(r *storage.Record) int {
	return recordBytes + len(r.Body) + len(r.Attributes) + len(r.SeverityText) + len(r.EventName)
}

// wake is called with f.mu held.
func (f *feed) wake() {
	close(f.news)
	f.news, f.waking = make(chan struct{}), false
}

func (f *feed) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
	f.wake()
}

// next is what a reader does next; one of the fields is set.
type next struct {
	records []storage.Record // look at these
	upTo    uint64           // ask the store for what comes up to this batch
	wait    <-chan struct{}  // wait until it is closed
	err     error            // end
}

// behind tells what comes behind a position.
func (f *feed) behind(position storage.ID) next {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.begun && position.Compare(f.before) < 0:
		return next{upTo: f.last.Batch}
	case position.Compare(f.last) < 0 && f.begun:
		i, _ := slices.BinarySearchFunc(f.pieces, position, func(p piece, position storage.ID) int {
			if p.records[len(p.records)-1].Compare(position) > 0 {
				return 1
			}
			return -1
		})
		held := f.pieces[i].records
		from, found := slices.BinarySearchFunc(held, position, func(r storage.Record, position storage.ID) int { return r.ID.Compare(position) })
		if found {
			from++
		}
		return next{records: held[from:len(held):len(held)]}
	case f.err != nil:
		return next{err: f.err}
	}
	return next{wait: f.news}
}
