package pace

import (
	"context"
	"runtime"
	"time"
)

// Waiter waits for moments to come. A sleep ends late, by some ten microseconds on a quiet machine and by milliseconds on a
// virtual one, and the longer the processor has slept, the later. So it sleeps until a margin before the moment, from there
// in short steps, which keep the machine's host from giving the processor away, and stays awake for the last piece. Both
// margins are learned from how late its own sleeps were, so that hardly anything is spent where sleeping is exact. The zero
// value is ready. Not safe for concurrent use.
//
// Staying awake the whole time, as load generators that spin do, would take a core from the target that is measured.
type Waiter struct {
	long, short lateness
	runs        int // waits in a row without a long sleep
	awake       time.Duration
}

const (
	// coarse is how much before its time a runtime timer is trusted to wake us; the rest is slept precisely.
	coarse = 2 * time.Millisecond
	// step is how long a short sleep is.
	step = 50 * time.Microsecond
	// patience is after how many waits without a long sleep one is tried again.
	patience = 256
)

// Until returns true when the moment has come, at once when it is past, and false when ctx ends first.
func (w *Waiter) Until(ctx context.Context, moment time.Time) bool {
	if time.Until(moment) <= 0 {
		return ctx.Err() == nil
	}
	runtime.Gosched() // what was begun before goes first: a precise sleep keeps the processor
	sleepTo := moment.Add(-w.long.margin())
	if early := sleepTo.Add(-coarse); time.Until(early) > 0 && !Roughly(ctx, early) {
		return false
	}
	if d := time.Until(sleepTo); d > 0 {
		w.runs = 0
		w.long.learn(sleepLate(d))
	} else if w.runs++; w.runs == patience {
		w.runs, w.long = 0, lateness{tried: true}
	}
	return w.inSteps(ctx, moment) && w.stayAwake(ctx, moment)
}

// Awake is how long it stayed awake, which costs processor time.
func (w *Waiter) Awake() time.Duration { return w.awake }

func (w *Waiter) inSteps(ctx context.Context, moment time.Time) bool {
	for time.Until(moment)-min(w.short.margin(), maxAwake) > step {
		w.short.learn(sleepLate(step))
		if ctx.Err() != nil {
			return false
		}
		runtime.Gosched() // the answers to what was sent are read meanwhile
	}
	return true
}

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
		runtime.Gosched()
	}
}

// sleepLate sleeps precisely, and says how much longer that took.
func sleepLate(d time.Duration) time.Duration {
	end := time.Now().Add(d)
	sleepPrecisely(d)
	return max(0, time.Since(end))
}

// Roughly returns true some time after the moment, at once when it is past, and false when ctx ends first.
func Roughly(ctx context.Context, moment time.Time) bool {
	d := time.Until(moment)
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
