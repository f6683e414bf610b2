package play

import (
	"container/heap"
	"context"
	"errors"
	"io"
	"runtime"
	"sync"
	"time"

	"github.com/instantdevlogs/devlogs/replay/pace"
	"github.com/instantdevlogs/devlogs/replay/prepare"
)

// maxPhase spreads replicas at the original pace: all at once would be bursts that the recording never had.
const maxPhase = 100 * time.Millisecond

const (
	// lead is how long before it is due a request is on its way to the socket. That takes some hundred microseconds, and
	// tens of milliseconds where others want the processors.
	lead = 30 * time.Millisecond
	// headStart is how long after its beginning the first request of a run is due.
	headStart = 2 * lead
	// maxHeld bounds how many are held back there at once, each of which takes a thread and a place (see InFlight).
	maxHeld = 32
	// spare is how many more goroutines may run than there are processors. Whoever holds a request back keeps another from
	// running until Go notices that it sleeps, which takes milliseconds.
	spare = 6
)

// makeRoom is for the whole process, and done once: runs may overlap, and those that follow may have it too.
var makeRoom = sync.OnceFunc(func() { runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + spare) })

// schedule sends every request when it is due. soft ends it between two requests.
type schedule struct {
	run     *run
	load    pace.Load
	nextID  uint64
	delayed dueHeap
	free    chan *worker
	workers int
	waiter  pace.Waiter
}

func (s *schedule) sendAll(soft, hard context.Context) error {
	if !s.run.config.asap() {
		makeRoom()
	}
	for {
		f, err := s.run.feed.next(soft)
		if errors.Is(err, io.EOF) {
			return s.flush(soft, hard)
		}
		if err != nil {
			if soft.Err() != nil {
				return nil
			}
			return err
		}
		if !s.send(soft, hard, f) {
			return nil
		}
	}
}

// send schedules all replicas of a request; false ends the run.
func (s *schedule) send(soft, hard context.Context, f *fed) bool {
	config := s.run.config
	replicas := config.Settings.Replicas
	_, original := config.Pace.(*pace.Original)
	offset := s.run.offset(f)
	due := config.Pace.Due(s.load, offset)
	for replica := range replicas {
		it := &item{fed: f, due: due, copy: prepare.Copy{Number: uint32(f.loop*replicas + replica)}}
		s.load.Requests++
		s.load.Records += int64(f.Records)
		s.load.Bytes += int64(f.Size())
		switch {
		case replica == 0:
			if !s.sendDelayed(soft, hard, due) || !s.dispatch(soft, hard, it) {
				return false
			}
		case original:
			it.due = due + phase(replica, replicas)
			heap.Push(&s.delayed, it)
		default:
			it.due = config.Pace.Due(s.load, offset)
			if !s.dispatch(soft, hard, it) {
				return false
			}
		}
		due = it.due
	}
	return true
}

func phase(replica, replicas int) time.Duration {
	return maxPhase * time.Duration(replica) / time.Duration(replicas)
}

// sendDelayed sends the replicas that are due before the next request.
func (s *schedule) sendDelayed(soft, hard context.Context, before time.Duration) bool {
	for len(s.delayed) > 0 && s.delayed[0].due <= before {
		if !s.dispatch(soft, hard, heap.Pop(&s.delayed).(*item)) {
			return false
		}
	}
	return true
}

func (s *schedule) flush(soft, hard context.Context) error {
	for len(s.delayed) > 0 {
		if !s.dispatch(soft, hard, heap.Pop(&s.delayed).(*item)) {
			return nil
		}
	}
	return nil
}

// dispatch waits until the item is due and hands it to a worker; false ends the run.
func (s *schedule) dispatch(soft, hard context.Context, it *item) bool {
	r := s.run
	if r.config.asap() {
		w := s.wait(soft)
		if w == nil {
			return false
		}
		it.due = r.since()
		s.hand(hard, w, it)
		return r.config.Duration == 0 || it.due < r.config.Duration
	}
	if r.config.Duration > 0 && it.due >= r.config.Duration {
		return false
	}
	w := s.early(it)
	if w != nil && s.punctual(it) {
		if !pace.Roughly(soft, r.started.Add(it.due-lead)) {
			return false
		}
		it.early = true
		s.hand(hard, w, it)
		return true
	}
	if !s.waiter.Until(soft, r.started.Add(it.due)) {
		return false
	}
	if w == nil {
		w = s.take()
	}
	if w == nil {
		if r.config.Late == LateDrop {
			r.stats.schedule(it.Records)
			r.stats.drop(it.Records)
			it.done()
			return true
		}
		began := r.since()
		if w = s.wait(soft); w == nil {
			return false
		}
		r.stats.waited(r.since() - began)
	}
	s.hand(hard, w, it)
	return true
}

// early gets a worker ready while there is time, so that nothing is left to do at the moment but to send; nil when there is
// none, or no time: then workers do it beside each other.
func (s *schedule) early(it *item) *worker {
	if s.run.since() >= it.due {
		return nil
	}
	w := s.take()
	if w == nil {
		return nil
	}
	it.copy.Shift = s.run.shift(it)
	w.prepare(it) // if it fails it ends the run, and so the wait
	return w
}

// punctual says whether the sender can hold the item's first byte back until it is due.
func (s *schedule) punctual(it *item) bool {
	return (it.Raw || s.run.config.Target.Protocol != GRPC) && s.run.held.Load() < maxHeld
}

func (s *schedule) hand(hard context.Context, w *worker, it *item) {
	it.id = s.nextID
	s.nextID++
	if w.ready != it {
		it.copy.Shift = s.run.shift(it)
	}
	s.run.stats.schedule(it.Records)
	if it.early {
		s.run.held.Add(1)
	}
	s.run.busy.Go(func() {
		w.do(hard, it)
		it.done()
		s.free <- w
	})
}

// take returns a worker that is free or may yet be made, nil when as many are on their way as may be.
func (s *schedule) take() *worker {
	select {
	case w := <-s.free:
		return w
	default:
	}
	if s.workers == s.run.config.InFlight {
		return nil
	}
	w, err := s.run.newWorker()
	if err != nil {
		s.run.fail(err)
		return nil
	}
	s.workers++
	return w
}

// wait returns a worker as soon as there is one, nil when the run ends first.
func (s *schedule) wait(soft context.Context) *worker {
	if w := s.take(); w != nil {
		return w
	}
	select {
	case w := <-s.free:
		return w
	case <-soft.Done():
		return nil
	}
}

// dueHeap has the item that is due first on top.
type dueHeap []*item

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].due < h[j].due }
func (h dueHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *dueHeap) Push(x any)        { *h = append(*h, x.(*item)) }
func (h *dueHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}
