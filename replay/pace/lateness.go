package pace

import "time"

// lateness learns from sleeps how much before its time one must end, so that hardly any ends too late. A sleep that does
// puts two distances between requests off, the one before and the one after: for 99 of 100 distances to be kept, the margin
// has to be right 199 times of 200. So it follows the latest sleeps, and forgets them slowly.
type lateness struct {
	longest time.Duration // half again as much as the latest sleep was late, less what was forgotten since
	usual   time.Duration // a moving mean
	tried   bool
}

const (
	// firstMargin is taken before anything is known.
	firstMargin = 2 * time.Millisecond
	// maxMargin bounds what is spent for one moment.
	maxMargin = 5 * time.Millisecond
	// maxAwake bounds how much of that is spent awake. Who stays awake for long has used up its turn: the next who wants the
	// processor gets it, for longer than a short sleep would have been late.
	maxAwake = 200 * time.Microsecond
	// crowded is how late sleeps are by habit where more wants to run than there are processors: margins would not help
	// there, and would take from others.
	crowded = time.Millisecond
	// forgetting is the part of the margin that each sleep takes off, and meaning the part that it has in the mean.
	forgetting = 256
	meaning    = 32
)

func (l *lateness) margin() time.Duration {
	switch {
	case !l.tried:
		return firstMargin
	case l.usual > crowded:
		return 0
	}
	return l.longest
}

func (l *lateness) learn(late time.Duration) {
	l.tried = true
	l.usual += (min(late, 2*crowded) - l.usual) / meaning
	l.longest = min(max(late*3/2, l.longest-l.longest/forgetting), maxMargin)
}
