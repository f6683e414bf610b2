package pace

import (
	"context"
	"runtime"
	"slices"
	"time"
)

// Waiter waits for moments to come. A sleep ends late, by some ten microseconds on a quiet machine and by milliseconds on a
// virtual one, so it sleeps until a margin before the moment and stays awake from there. The margin is how late 99 of 100 of
// its own sleeps were of late, so that hardly anything is spent where sleeping is exact. The zero value is ready. Not safe
// for concurrent use.
//
// Staying awake the whole time, as load generators that spin do, would take a core from the target that is measured.
type Waiter struct {
	late   []time.Duration // of the last sleeps, in a ring
	next   int
	margin time.Duration
	runs   int // waits in a row without a sleep
	awake  time.Duration
}

const (
	// coarse is how much before its time a runtime timer is trusted to wake us; the rest is slept precisely.
	coarse = 2 * time.Millisecond
	// maxMargin bounds what is spent for one moment.
	maxMargin = 5 * time.Millisecond
	// crowded is how late the median of sleeps is where more wants to run than there are processors: staying awake would not
	// help there, and would take from others.
	crowded = time.Millisecond
	// memory is how many sleeps are remembered, and after how many waits without one sleeping is tried again.
	memory = 256
)

// Until returns true when the moment has come, at once when it is past, and false when ctx ends first.
func (w *Waiter) Until(ctx context.Context, moment time.Time) bool {
	if time.Until(moment) <= 0 {
		return ctx.Err() == nil
	}
	runtime.Gosched() // what was begun before goes first: a precise sleep keeps the processor
	sleepTo := moment.Add(-w.margin)
	if d := time.Until(sleepTo) - coarse; d > 0 && !sleepCoarsely(ctx, d) {
		return false
	}
	if d := time.Until(sleepTo); d > 0 {
		sleepPrecisely(d)
		w.learn(max(0, time.Since(sleepTo)))
	} else if w.runs++; w.runs == memory {
		w.forget()
	}
	return w.stayAwake(ctx, moment)
}

// Awake is how long it stayed awake, which costs processor time.
func (w *Waiter) Awake() time.Duration { return w.awake }

func (w *Waiter) stayAwake(ctx context.Context, moment time.Time) bool {
	began := time.Now()
	for now := began; ; now = time.Now() {
		if ctx.Err() != nil {
			return false
		}
		if !now.Before(moment) {
			w.awake += now.Sub(began)
			return true
		}
		runtime.Gosched() // the answers to what was sent are read meanwhile
	}
}

func (w *Waiter) learn(late time.Duration) {
	w.runs = 0
	if len(w.late) < memory {
		w.late = append(w.late, late)
	} else {
		w.late[w.next] = late
		w.next = (w.next + 1) % memory
	}
	sorted := slices.Clone(w.late)
	slices.Sort(sorted)
	w.margin = min(sorted[len(sorted)*99/100], maxMargin)
	if sorted[len(sorted)/2] > crowded {
		w.margin = 0
	}
}

// forget lets it sleep again: the margin may be longer than the time between moments, and then no sleep would ever show that
// it need not be.
func (w *Waiter) forget() { *w = Waiter{awake: w.awake} }

func sleepCoarsely(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
