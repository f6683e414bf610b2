package queryapi

import (
	"context"
	"errors"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/storage"
)

const openAgain = time.Second

// lateStore is a store that may come up after this process. Until it is open every question is answered with
// a *storage.UnavailableError.
type lateStore struct {
	open   func(context.Context) (store, error)
	opened atomic.Pointer[store]
	reason atomic.Pointer[storage.UnavailableError] // why it is not open

	stop context.CancelFunc
	work sync.WaitGroup
}

// newLateStore opens a store, now if it is there, and else in the background; came is called when it is. An error will not go
// away by trying; one that is found in the background is told to failed.
func newLateStore(ctx context.Context, open func(context.Context) (store, error), came func(), failed func(error)) (*lateStore, error) {
	l := &lateStore{open: open}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	l.stop = stop
	if err := l.attempt(ctx); err != nil || l.opened.Load() != nil {
		return l, err
	}
	l.work.Go(func() {
		again := time.NewTicker(openAgain)
		defer again.Stop()
		for {
			select {
			case <-background.Done():
				return
			case <-again.C:
			}
			if err := l.attempt(background); err != nil {
				if background.Err() == nil {
					failed(err)
				}
				return
			}
			if l.opened.Load() != nil {
				came()
				return
			}
		}
	})
	return l, nil
}

// attempt returns nil also when the store is not there yet.
func (l *lateStore) attempt(ctx context.Context) error {
	s, err := l.open(ctx)
	if err == nil {
		l.opened.Store(&s)
		return nil
	}
	if unavailable, ok := errors.AsType[*storage.UnavailableError](err); ok {
		l.reason.Store(unavailable)
		return nil
	}
	return err
}

// Close stops waiting for the store, or closes it.
func (l *lateStore) Close() error {
	l.stop()
	l.work.Wait()
	if s := l.opened.Load(); s != nil {
		return (*s).Close()
	}
	return nil
}

// now is the store when it is open.
func (l *lateStore) now() (store, error) {
	if s := l.opened.Load(); s != nil {
		return *s, nil
	}
	return nil, l.reason.Load()
}

func through[T any](l *lateStore, ask func(store) (T, error)) (answer T, _ error) {
	s, err := l.now()
	if err != nil {
		return answer, err
	}
	return ask(s)
}

func stream[T any](l *lateStore, ask func(store) iter.Seq2[T, error]) iter.Seq2[T, error] {
	s, err := l.now()
	if err == nil {
		return ask(s)
	}
	return func(yield func(T, error) bool) {
		var none T
		yield(none, err)
	}
}

func (l *lateStore) Search(ctx context.Context, q storage.Query) iter.Seq2[storage.Record, error] {
	return stream(l, func(s store) iter.Seq2[storage.Record, error] { return s.Search(ctx, q) })
}

func (l *lateStore) Aggregate(ctx context.Context, a storage.Aggregation) iter.Seq2[storage.Point, error] {
	return stream(l, func(s store) iter.Seq2[storage.Point, error] { return s.Aggregate(ctx, a) })
}

func (l *lateStore) Streams(ctx context.Context, tenant string, start, end pcommon.Timestamp) iter.Seq2[storage.Stream, error] {
	return stream(l, func(s store) iter.Seq2[storage.Stream, error] { return s.Streams(ctx, tenant, start, end) })
}

func (l *lateStore) Fields(ctx context.Context, tenant, service string) ([]storage.Field, error) {
	return through(l, func(s store) ([]storage.Field, error) { return s.Fields(ctx, tenant, service) })
}

func (l *lateStore) Tail(ctx context.Context, q storage.Query, from uint64) iter.Seq2[storage.Record, error] {
	return stream(l, func(s store) iter.Seq2[storage.Record, error] { return s.Tail(ctx, q, from) })
}

func (l *lateStore) Batches(ctx context.Context, q storage.Query, after storage.ID, to uint64) iter.Seq2[storage.Record, error] {
	return stream(l, func(s store) iter.Seq2[storage.Record, error] { return s.Batches(ctx, q, after, to) })
}

func (l *lateStore) Head(ctx context.Context) (uint64, error) {
	return through(l, func(s store) (uint64, error) { return s.Head(ctx) })
}

func (l *lateStore) Get(ctx context.Context, tenant string, id storage.ID) (storage.Record, error) {
	return through(l, func(s store) (storage.Record, error) { return s.Get(ctx, tenant, id) })
}

func (l *lateStore) Stats(ctx context.Context) (storage.Stats, error) {
	return through(l, func(s store) (storage.Stats, error) { return s.Stats(ctx) })
}
