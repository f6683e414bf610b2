package queryapi

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/instantdevlogs/devlogs/storage"
)

// outboxBytes is how much may wait to be written to a tail's reader.
const outboxBytes = 256 << 10

// outbox holds the events that wait to be written to a tail's reader: one goroutine puts, another takes.
type outbox struct {
	filled  chan struct{} // has a token when there is something to take
	emptied chan struct{} // has a token when there is room again

	mu     sync.Mutex
	events []byte
	gap    *gap // what was left out behind events
}

func newOutbox() *outbox {
	return &outbox{filled: make(chan struct{}, 1), emptied: make(chan struct{}, 1)}
}

// gap tells a reader what it does not get. /api/v1/logs gives it, with start and end and the filters of the tail.
type gap struct {
	Reason   string `json:"reason"` // slow_reader, or unknown_position when the store does not know where to go on
	Position string `json:"position"`
	LeftOut  uint64 `json:"left_out"`
	First    string `json:"first,omitempty"` // record ids
	Last     string `json:"last,omitempty"`
	Start    string `json:"start,omitempty"` // times of the records left out: start <= time < end
	End      string `json:"end,omitempty"`

	times timeRange
	last  storage.ID
}

// put adds an event. When there is no room it waits, at most as long as patience, and then leaves the event out. It tells
// how long it waited.
func (b *outbox) put(ctx context.Context, event []byte, record *storage.Record, patience time.Duration) (waited time.Duration) {
	for !b.tryPut(event) {
		if waited >= patience {
			b.leaveOut(record)
			return waited
		}
		since := time.Now()
		timeout := time.NewTimer(patience - waited)
		select {
		case <-b.emptied:
		case <-timeout.C:
		case <-ctx.Done():
			timeout.Stop()
			return waited
		}
		timeout.Stop()
		waited += time.Since(since)
	}
	return waited
}

func (b *outbox) tryPut(event []byte) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gap != nil || len(b.events) > 0 && len(b.events)+len(event) > outboxBytes {
		return false
	}
	b.events = append(b.events, event...)
	b.signal(b.filled)
	return true
}

func (b *outbox) leaveOut(record *storage.Record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gap == nil {
		b.gap = &gap{Reason: "slow_reader", First: record.ID.String(), times: timeRange{record.Time, record.Time}}
	}
	b.gap.LeftOut++
	b.gap.last = record.ID
	b.gap.times.Start, b.gap.times.End = min(b.gap.times.Start, record.Time), max(b.gap.times.End, record.Time)
	b.signal(b.filled)
}

// take appends what waits to dst and makes room.
func (b *outbox) take(dst []byte) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	dst = append(dst, b.events...)
	b.events = b.events[:0]
	if g := b.gap; g != nil {
		g.Last, g.Position = g.last.String(), g.last.String()
		g.Start, g.End = formatTime(g.times.Start), formatTime(min(g.times.End, storage.EndOfTime-1)+1)
		dst = appendEvent(dst, "gap", g.last, g)
		b.gap = nil
	}
	b.signal(b.emptied)
	return dst
}

// signal leaves a token unless there is one.
func (b *outbox) signal(to chan struct{}) {
	select {
	case to <- struct{}{}:
	default:
	}
}

// appendEvent appends a server-sent event that is not a record. The zero id leaves the reader's position as it is.
func appendEvent(dst []byte, name string, id storage.ID, data any) []byte {
	if id.Batch != 0 || id.Row != 0 {
		dst = append(append(append(dst, "id: "...), id.String()...), '\n')
	}
	dst = append(append(append(dst, "event: "...), name...), "\ndata: "...)
	text, err := json.Marshal(data)
	if err != nil {
		panic(err) // it fails for no value that is passed here
	}
	return append(append(dst, text...), "\n\n"...)
}
