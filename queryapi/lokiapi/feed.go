package lokiapi

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/instantdevlogs/devlogs/logql/pipeline"
	"github.com/instantdevlogs/devlogs/queryapi/logplan"
)

const (
	feedBytes  = 1 << 20 // that may wait for a tail's reader
	maxDropped = 1000    // entries that one frame names as left out
)

// droppedEntry is an entry that a slow reader does not get.
type droppedEntry struct {
	Labels    map[string]string `json:"labels"`
	Timestamp string            `json:"timestamp"` // nanoseconds
}

// feed holds the entries that wait for a tail's reader. One goroutine puts, another takes.
type feed struct {
	patience time.Duration // how long to wait for room before entries are left out
	delay    time.Duration // how long each entry is held back
	filled   chan struct{} // has a token when there is something to take
	emptied  chan struct{} // has a token when there is room again
	closed   chan struct{} // closed when nothing more is put

	mu      sync.Mutex
	entries []waiting
	bytes   int
	dropped []droppedEntry
	behind  bool // used by the putting goroutine: the last entry was left out
}

type waiting struct {
	*logplan.Entry
	came time.Time
	size int
}

func newFeed(patience, delay time.Duration) *feed {
	return &feed{
		patience: patience, delay: delay,
		filled: make(chan struct{}, 1), emptied: make(chan struct{}, 1), closed: make(chan struct{}),
	}
}

// put adds an entry, which is copied. When there is no room it waits for it with patience, and then leaves the entry out.
func (f *feed) put(ctx context.Context, e *logplan.Entry) {
	if f.tryPut(e) {
		f.behind = false
		return
	}
	if !f.behind {
		patient, cancel := context.WithTimeout(ctx, f.patience)
		defer cancel()
		if f.wait(patient, e) {
			return
		}
	}
	if ctx.Err() == nil {
		f.behind = true
		f.drop(e)
	}
}

// wait adds an entry when there is room. It is false when ctx ended first.
func (f *feed) wait(ctx context.Context, e *logplan.Entry) bool {
	for !f.tryPut(e) {
		select {
		case <-f.emptied:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

func (f *feed) tryPut(e *logplan.Entry) bool {
	size := entrySize(e)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.bytes > 0 && f.bytes+size > feedBytes {
		return false
	}
	f.entries = append(f.entries, waiting{cloneEntry(e), time.Now(), size})
	f.bytes += size
	signal(f.filled)
	return true
}

// entrySize is how many bytes a copy of an entry takes, about.
func entrySize(e *logplan.Entry) int {
	return fixedBytes + len(e.Line) + sizeOf(e.Labels, func(pipeline.Label) bool { return true })
}

func (f *feed) drop(e *logplan.Entry) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.dropped) >= maxDropped {
		return
	}
	labels := map[string]string{}
	for _, l := range e.Labels {
		if l.Kind == pipeline.Stream {
			labels[strings.Clone(l.Name)] = strings.Clone(l.Value)
		}
	}
	f.dropped = append(f.dropped, droppedEntry{labels, strconv.FormatInt(e.Time, 10)})
	signal(f.filled)
}

// take gives the entries that have been held back long enough, with those of earlier times that came behind them, in order of
// time; without a delay in the order they came; all of them at the end. next is how long the first of the others still has to
// wait; 0: there are none.
func (f *feed) take(now time.Time, all bool) (entries []*logplan.Entry, dropped []droppedEntry, next time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	due, latest := 0, int64(math.MinInt64)
	for ; due < len(f.entries); due++ {
		w := f.entries[due]
		if next = f.delay - now.Sub(w.came); next > 0 && !all {
			break
		}
		next, latest = 0, max(latest, w.Time)
	}
	f.entries = slices.DeleteFunc(f.entries, func(w waiting) bool {
		due--
		if due < 0 && w.Time > latest {
			return false
		}
		entries = append(entries, w.Entry)
		f.bytes -= w.size
		return true
	})
	if f.delay > 0 {
		slices.SortStableFunc(entries, func(a, b *logplan.Entry) int { return cmp.Compare(a.Time, b.Time) })
	}
	dropped, f.dropped = f.dropped, nil
	signal(f.emptied)
	return entries, dropped, next
}

// signal leaves a token unless there is one.
func signal(to chan struct{}) {
	select {
	case to <- struct{}{}:
	default:
	}
}
