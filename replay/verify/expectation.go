package verify

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"sort"
	"time"

	"github.com/zeebo/xxh3"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/replay/canon"
	"github.com/instantdevlogs/devlogs/replay/ledger"
)

// expectation is what stays in memory of the records that were sent.
type expectation struct {
	*layout
	run      ledger.Run
	identity ledger.Identity
	window   Window
	// hashes has the low 32 bits of each slot's hash: a changed record goes unnoticed once in four thousand million.
	hashes  []uint32
	present []uint64 // one bit for each slot that has a hash
	index   index    // of all identities but uid
}

// expect reads what was sent.
func expect(ctx context.Context, meta ledger.Meta, l *layout, expected Expected, keeps canon.Projection) (*expectation, error) {
	e := &expectation{
		layout: l, run: meta.Run, identity: meta.Identity,
		hashes: make([]uint32, l.slots), present: make([]uint64, (l.slots+63)/64),
	}
	if e.identity != ledger.ByUID {
		e.index = index{keys: make([]uint64, 0, l.slots), slots: make([]uint32, 0, l.slots), hashes: e.hashes} // growing would take twice as much
	}
	hasher := canon.NewHasher(keeps)
	var from, to pcommon.Timestamp
	seen := make([]bool, len(l.accounts))
	for sent, err := range expected(ctx) {
		if err != nil {
			return nil, fmt.Errorf("read what was sent: %w", err)
		}
		if err := e.mark(&sent, seen); err != nil {
			return nil, err
		}
		slot := l.first(&sent.Request)
		for r := range canon.Records(sent.Logs) {
			e.add(slot, r, hasher.Record(r))
			if t := eventTime(r); t != 0 {
				if from == 0 || t < from {
					from = t
				}
				to = max(to, t)
			}
			slot++
		}
		hasher.Forget()
	}
	if i := slices.Index(seen, false); i >= 0 {
		return nil, fmt.Errorf("read what was sent: the ledger's request %d is not in the recording: "+
			"is this the recording that was played?", l.accounts[i].Request.ID)
	}
	e.window = Window{From: from, To: to}
	e.index.sort()
	return e, nil
}

// mark checks that a request is one of the ledger's and has as many records.
func (e *expectation) mark(sent *Sent, seen []bool) error {
	r := sent.Request
	i, ok := slices.BinarySearchFunc(e.accounts, r.ID, func(a ledger.Account, id uint64) int {
		return compareUint64(a.Request.ID, id)
	})
	if !ok {
		return fmt.Errorf("read what was sent: request %d is not in the ledger", r.ID)
	}
	if n := sent.Logs.LogRecordCount(); n != int(e.accounts[i].Request.Records) {
		return fmt.Errorf("read what was sent: request %d has %d records, but the ledger says %d: has the recording changed?",
			r.ID, n, e.accounts[i].Request.Records)
	}
	seen[i] = true
	return nil
}

func (e *expectation) add(slot uint64, r *canon.Record, hash canon.Hash) {
	e.hashes[slot] = uint32(hash.Lo)
	e.present[slot/64] |= 1 << (slot % 64)
	if e.identity != ledger.ByUID {
		if key, ok := keyOf(e.identity, r, hash); ok {
			e.index.add(key, uint32(slot))
		}
	}
}

// eventTime is when the record happened, or else was observed; 0 when it says neither.
func eventTime(r *canon.Record) pcommon.Timestamp {
	if t := r.Log.Timestamp(); t != 0 {
		return t
	}
	return r.Log.ObservedTimestamp()
}

// keyOf is what a record is recognised by when it has no uid.
func keyOf(identity ledger.Identity, r *canon.Record, hash canon.Hash) (key uint64, ok bool) {
	switch identity {
	case ledger.ByTime:
		return uint64(r.Log.Timestamp()), r.Log.Timestamp() != 0
	case ledger.ByIDs:
		trace, span := r.Log.TraceID(), r.Log.SpanID()
		var ids [24]byte
		copy(ids[:], trace[:])
		copy(ids[16:], span[:])
		return xxh3.Hash(ids[:]), !trace.IsEmpty() || !span.IsEmpty()
	default:
		return hash.Lo, true
	}
}

// index finds slots by key. Slots with an equal key follow each other, and those of them with an equal hash.
type index struct {
	keys   []uint64
	slots  []uint32
	hashes []uint32 // by slot
}

func (x *index) add(key uint64, slot uint32) {
	x.keys = append(x.keys, key)
	x.slots = append(x.slots, slot)
}

func (x *index) sort() { sort.Sort(x) }

func (x *index) Len() int { return len(x.keys) }
func (x *index) Less(i, j int) bool {
	a, b := x.slots[i], x.slots[j]
	return cmp.Or(cmp.Compare(x.keys[i], x.keys[j]), cmp.Compare(x.hashes[a], x.hashes[b]), cmp.Compare(a, b)) < 0
}
func (x *index) Swap(i, j int) {
	x.keys[i], x.keys[j] = x.keys[j], x.keys[i]
	x.slots[i], x.slots[j] = x.slots[j], x.slots[i]
}

// find returns the slots of a key; there are several when records have the same identity.
func (x *index) find(key uint64) (at int, slots []uint32) {
	at, found := slices.BinarySearch(x.keys, key)
	if !found {
		return 0, nil
	}
	n := sort.Search(len(x.keys)-at, func(i int) bool { return x.keys[at+i] != key })
	return at, x.slots[at : at+n]
}

// equal returns those slots of a key whose records have a hash; there are several when they can't be told apart.
func (x *index) equal(slots []uint32, hash uint32) []uint32 {
	from, found := slices.BinarySearchFunc(slots, hash, func(slot, hash uint32) int { return cmp.Compare(x.hashes[slot], hash) })
	if !found {
		return nil
	}
	return slots[from : from+sort.Search(len(slots)-from, func(i int) bool { return x.hashes[slots[from+i]] != hash })]
}

func compareUint64(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// counted is where records of the run may be: about their event times, and, as records without one get it when they arrive,
// from the run's start on. These are two windows when a recording of long ago is played with its own times: to count all
// that lies between would take Loki minutes.
func (w Window) counted(started time.Time) []Window {
	now := Window{From: pcommon.NewTimestampFromTime(started), To: pcommon.NewTimestampFromTime(time.Now())}.padded()
	if w.From == 0 {
		return []Window{now}
	}
	if w = w.padded(); w.To < now.From || now.To < w.From {
		return []Window{w, now}
	}
	return []Window{{From: min(w.From, now.From), To: max(w.To, now.To)}}
}

// wider makes room for clocks that differ, for stores that round, and for records that had no time and got one when they
// arrived.
func (w Window) wider(started time.Time) Window {
	begin, now := pcommon.NewTimestampFromTime(started), pcommon.NewTimestampFromTime(time.Now())
	if w.From == 0 || begin < w.From {
		w.From = begin
	}
	w.To = max(w.To, now)
	return w.padded()
}

func (w Window) padded() Window {
	const slack = pcommon.Timestamp(time.Minute)
	w.From -= min(w.From, slack)
	w.To += min(math.MaxUint64-w.To, slack)
	return w
}
