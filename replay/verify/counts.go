package verify

// counts holds a small number for each slot: two bits, and a map for the few that need more.
type counts struct {
	bits []uint64
	more map[uint64]uint32 // slots whose two bits say 3
}

func newCounts(slots uint64) *counts {
	return &counts{bits: make([]uint64, (slots+31)/32), more: map[uint64]uint32{}}
}

func (c *counts) get(slot uint64) uint32 {
	n := uint32(c.bits[slot/32] >> (slot % 32 * 2) & 3)
	if n == 3 {
		return c.more[slot]
	}
	return n
}

func (c *counts) add(slot uint64, n uint32) {
	if n == 0 {
		return
	}
	shift := slot % 32 * 2
	word := &c.bits[slot/32]
	now := c.get(slot) + n
	*word &^= 3 << shift
	*word |= uint64(min(now, 3)) << shift
	if now >= 3 {
		c.more[slot] = now
	}
}
