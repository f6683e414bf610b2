package verify

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/instantdevlogs/devlogs/replay/ledger"
)

// layout gives each record that the ledger knows a slot: copy after copy, in each by ordinal.
type layout struct {
	accounts []ledger.Account
	perCopy  uint64
	slots    uint64
	bySlot   []uint32 // indexes into accounts, ordered by first slot
}

func newLayout(accounts []ledger.Account) (*layout, error) {
	l := &layout{accounts: accounts}
	copies := uint64(0)
	for i := range accounts {
		r := &accounts[i].Request
		l.perCopy = max(l.perCopy, r.First+uint64(r.Records))
		copies = max(copies, uint64(r.Copy)+1)
	}
	l.slots = l.perCopy * copies
	if l.slots > math.MaxUint32 {
		return nil, fmt.Errorf("the run has room for %d records, more than one verification can hold (%d): verify shorter runs",
			l.slots, uint64(math.MaxUint32))
	}
	l.bySlot = make([]uint32, len(accounts))
	for i := range l.bySlot {
		l.bySlot[i] = uint32(i)
	}
	slices.SortFunc(l.bySlot, func(a, b uint32) int {
		return cmp.Compare(l.first(&accounts[a].Request), l.first(&accounts[b].Request))
	})
	return l, nil
}

func (l *layout) slot(copy uint32, ordinal uint64) (slot uint64, ok bool) {
	slot = uint64(copy)*l.perCopy + ordinal
	return slot, ordinal < l.perCopy && slot < l.slots
}

// first is the slot of a request's first record.
func (l *layout) first(r *ledger.Request) uint64 { return uint64(r.Copy)*l.perCopy + r.First }

// uid is the identity that belongs to a slot.
func (l *layout) uid(run ledger.Run, slot uint64) ledger.UID {
	return ledger.UID{Run: run, Copy: uint32(slot / l.perCopy), Ordinal: slot % l.perCopy}
}

// owner is the request that a slot belongs to, nil when there is none.
func (l *layout) owner(slot uint64) *ledger.Account {
	i, found := slices.BinarySearchFunc(l.bySlot, slot, func(i uint32, slot uint64) int {
		return cmp.Compare(l.first(&l.accounts[i].Request), slot)
	})
	if !found {
		i--
	}
	if i < 0 {
		return nil
	}
	a := &l.accounts[l.bySlot[i]]
	if slot >= l.first(&a.Request)+uint64(a.Request.Records) {
		return nil
	}
	return a
}
