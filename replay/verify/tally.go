package verify

import (
	"cmp"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/replay/canon"
	"github.com/instantdevlogs/devlogs/replay/ledger"
)

// tally is one scan of a source.
type tally struct {
	*expectation
	traits   Traits
	delivery ledger.Delivery
	hasher   *canon.Hasher
	checks   []check
	samples  int

	counts  *counts
	groups  map[int]uint32   // of the records that share an identity: how many were found, by place in the index
	streams map[uint64]place // for order

	found   uint64 // records of this run
	others  uint64 // records of no run or of another
	totals  map[Kind]uint64
	partial partialSums
	order   Ordering
	list    []Finding
	watched map[watch]bool // what SelfTest waits for
	changed map[uint64]*canon.Record
}

type watch struct {
	kind Kind
	slot uint64
}

// place is how far a stream has come.
type place struct {
	time    pcommon.Timestamp
	ordinal uint64
}

// partialSums are about requests of which some records were rejected, which OTLP gives as a number only.
type partialSums struct{ missing, excess uint64 }

// Ordering says how far streams (one resource and scope) kept the order in which they were sent.
type Ordering struct {
	Streams         int    `json:"streams"`
	Inversions      uint64 `json:"inversions"` // records after one of their stream that was sent later
	MaxDisplacement uint64 `json:"max_displacement"`
}

func newTally(e *expectation, traits Traits, delivery ledger.Delivery, samples int, checks []check) *tally {
	return &tally{
		expectation: e, traits: traits, delivery: delivery, hasher: canon.NewHasher(traits.Keeps),
		checks: checks, samples: samples,
		counts: newCounts(e.slots), groups: map[int]uint32{}, streams: map[uint64]place{},
		totals: map[Kind]uint64{}, changed: map[uint64]*canon.Record{},
	}
}

// observed is a record of the scan, recognised.
type observed struct {
	record *canon.Record
	hash   canon.Hash
	known  bool // it has a slot
	claims bool // it says it is of this run
	slot   uint64
	place  int  // of its identity in the index
	shared bool // others have its identity
	twins  bool // and can't be told from it, since they are equal or this one was changed
	same   bool // it is as it was sent
	first  bool // no copy of it was seen before
}

// see counts one record of the source.
func (t *tally) see(r *canon.Record) {
	o := t.recognise(r)
	if o.claims {
		t.found++
	} else {
		t.others++
	}
	for _, c := range t.checks {
		if c.record != nil {
			c.record(t, &o)
		}
	}
	switch {
	case o.twins:
		t.groups[o.place]++
	case o.known:
		t.counts.add(o.slot, 1)
	}
}

// recognise finds out which record it is. It counts nothing.
func (t *tally) recognise(r *canon.Record) observed {
	o := observed{record: r, hash: t.hasher.Record(r)}
	if t.identity == ledger.ByUID {
		uid, err := ledger.ParseUID(r.Text(ledger.UIDAttribute))
		if o.claims = err == nil && uid.Run == t.run; o.claims {
			o.slot, o.known = t.slot(uid.Copy, uid.Ordinal)
			o.known = o.known && t.sent(o.slot)
			o.same = o.known && uint32(o.hash.Lo) == t.hashes[o.slot]
		}
	} else if key, ok := keyOf(t.identity, r, o.hash); ok {
		var slots []uint32
		o.place, slots = t.index.find(key)
		o.known = len(slots) > 0
		o.claims = o.known || t.traits.Exclusive
		if o.known {
			o.shared = len(slots) > 1
			equal := t.index.equal(slots, uint32(o.hash.Lo))
			if o.same = len(equal) > 0; o.same {
				slots = equal
			}
			o.slot, o.twins = uint64(slots[0]), len(slots) > 1
		}
	}
	o.first = o.known && t.counts.get(o.slot) == 0
	return o
}

// sent says whether a slot belongs to a request that was made.
func (t *tally) sent(slot uint64) bool { return t.present[slot/64]>>(slot%64)&1 == 1 }

// spread gives the copies found of records that can't be told apart to their slots, in the way that is best for the
// target: what must be there first, then what may be, and what is left over to the first.
func (t *tally) spread() {
	for at, found := range t.groups {
		_, slots := t.index.find(t.index.keys[at])
		give := func(most func(lo, hi uint32) uint32) {
			for _, s := range slots {
				there, upTo := t.counts.get(uint64(s)), most(t.owner(uint64(s)).Copies())
				n := min(upTo-min(upTo, there), found)
				t.counts.add(uint64(s), n)
				found -= n
			}
		}
		give(func(lo, _ uint32) uint32 { return lo })
		give(func(_, hi uint32) uint32 { return hi })
		t.counts.add(uint64(slots[0]), found)
	}
	clear(t.groups)
}

// judge runs the checks that need all counts.
func (t *tally) judge() {
	t.spread()
	for i := range t.accounts {
		for _, c := range t.checks {
			if c.request != nil {
				c.request(t, &t.accounts[i])
			}
		}
	}
}

// report counts a finding and keeps the first ones of its kind.
func (t *tally) report(f Finding) {
	t.totals[f.Kind]++
	if _, ok := t.watched[watch{f.Kind, f.slot}]; ok {
		t.watched[watch{f.Kind, f.slot}] = true
	}
	if t.totals[f.Kind] > uint64(t.samples) {
		return
	}
	if a := t.owner(f.slot); a != nil && f.Kind != Foreign {
		f.Request = a.Request.ID
	}
	t.list = append(t.list, f)
}

func (t *tally) finding(kind Kind, slot uint64) Finding {
	uid := t.uid(t.run, slot)
	return Finding{Kind: kind, UID: uid.String(), Copy: uid.Copy, Ordinal: uid.Ordinal, slot: slot}
}

func (p place) compare(o place) int {
	return cmp.Or(cmp.Compare(p.time, o.time), cmp.Compare(p.ordinal, o.ordinal))
}
