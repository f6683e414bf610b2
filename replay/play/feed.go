package play

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/instantdevlogs/devlogs/replay/prepare"
	"github.com/instantdevlogs/devlogs/replay/recording"
)

// feed makes requests ready ahead of their time. A recording that fits into the budget is read once and kept for all
// loops; a larger one flows through, and is read again for each loop.
type feed struct {
	settings prepare.Settings
	open     opener
	loops    int // 0: for ever
	budget   int64
	room     *semaphore.Weighted
	source   *prepare.Source
	kept     []*fed
	held     *fed // read, but did not fit in beside kept
	whole    bool // kept is the whole recording
	out      chan *fed
	cancel   context.CancelFunc
	ended    chan struct{}
	err      error // why out was closed; nil at the end
	starved  atomic.Int64

	// Of the first loop; counting is over before anything of the second is handed out.
	counting     bool
	unidentified int64
	first        *prepare.Request
	last         int64 // arrival of the last request
	requests     int64
}

// opener opens the recording, for each loop.
type opener func(prepare.Settings) (*prepare.Source, error)

// fed is a request on loan; done gives its memory back.
type fed struct {
	*prepare.Request
	loop   int
	weight int64
	uses   atomic.Int32
	room   *semaphore.Weighted // nil: kept for the next loop
}

// done is called once for each replica.
func (f *fed) done() {
	if f.room != nil && f.uses.Add(-1) == 0 {
		f.room.Release(f.weight)
	}
}

// openFeed reads until the budget is full or the recording has ended, so that sending starts from memory.
func openFeed(settings prepare.Settings, open opener, loops int, budget int64) (*feed, error) {
	source, err := open(settings)
	if err != nil {
		return nil, err
	}
	f := &feed{
		settings: source.Settings(), open: open, loops: loops, budget: budget, room: semaphore.NewWeighted(budget), source: source,
		out: make(chan *fed), ended: make(chan struct{}), counting: true,
	}
	for {
		r, err := f.read()
		if errors.Is(err, io.EOF) {
			f.whole = true
			break
		}
		if err != nil {
			source.Close()
			return nil, err
		}
		if !f.room.TryAcquire(r.weight) {
			f.held = r
			break
		}
		f.kept = append(f.kept, r)
	}
	return f, nil
}

// read returns the next request of the open source and keeps the books of the first loop.
func (f *feed) read() (*fed, error) {
	r, err := f.source.Next()
	if err != nil {
		f.counting = false
		return nil, err
	}
	if f.counting {
		if f.first == nil {
			f.first = r
		}
		f.last = max(f.last, r.Arrival)
		f.requests++
		f.unidentified = f.source.Unidentified
	}
	return &fed{Request: r, weight: min(int64(r.Memory()), f.budget)}, nil
}

// start begins to hand out. close must be called.
func (f *feed) start(ctx context.Context) {
	ctx, f.cancel = context.WithCancel(ctx)
	go func() {
		defer close(f.ended)
		defer close(f.out)
		defer func() { f.source.Close() }()
		f.err = f.run(ctx)
	}()
}

// notes are those of reading; call it after close.
func (f *feed) notes() recording.Notes { return f.source.Notes() }

// close may be called twice.
func (f *feed) close() {
	if f.cancel == nil {
		f.source.Close()
		return
	}
	f.cancel()
	<-f.ended
}

// next waits for the next request; io.EOF after the last.
func (f *feed) next(ctx context.Context) (*fed, error) {
	select {
	case r, ok := <-f.out:
		return f.got(r, ok)
	default:
	}
	began := time.Now()
	defer func() { f.starved.Add(int64(time.Since(began))) }()
	select {
	case r, ok := <-f.out:
		return f.got(r, ok)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (f *feed) got(r *fed, ok bool) (*fed, error) {
	if ok {
		return r, nil
	}
	<-f.ended
	if f.err != nil {
		return nil, f.err
	}
	return nil, io.EOF
}

func (f *feed) run(ctx context.Context) error {
	if f.whole {
		return f.fromMemory(ctx)
	}
	for loop := 0; f.loops == 0 || loop < f.loops; loop++ {
		if loop > 0 {
			f.source.Close()
			source, err := f.open(f.settings)
			if err != nil {
				return err
			}
			f.source = source
		}
		if err := f.through(ctx, loop); err != nil {
			return err
		}
	}
	return nil
}

func (f *feed) fromMemory(ctx context.Context) error {
	for loop := 0; (f.loops == 0 || loop < f.loops) && len(f.kept) > 0; loop++ {
		for _, r := range f.kept {
			if err := f.hand(ctx, &fed{Request: r.Request, loop: loop}); err != nil {
				return err
			}
		}
	}
	return nil
}

// through hands out one loop of a recording that is larger than the budget.
func (f *feed) through(ctx context.Context, loop int) error {
	ready := f.kept
	f.kept = nil
	for _, r := range ready {
		r.room = f.room
		if err := f.hand(ctx, r); err != nil {
			return err
		}
	}
	for {
		r := f.held
		if f.held = nil; r == nil {
			var err error
			if r, err = f.read(); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return err
			}
		}
		if err := f.room.Acquire(ctx, r.weight); err != nil {
			return err
		}
		r.loop, r.room = loop, f.room
		if err := f.hand(ctx, r); err != nil {
			return err
		}
	}
}

func (f *feed) hand(ctx context.Context, r *fed) error {
	r.uses.Store(int32(max(f.settings.Replicas, 1)))
	select {
	case f.out <- r:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
