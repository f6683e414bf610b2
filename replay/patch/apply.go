package patch

import (
	"encoding/binary"

	"github.com/instantdevlogs/devlogs/replay/ledger"
)

// Patch is what one copy of a request gets.
type Patch struct {
	Clock   Clock
	Shift   int64  // ns, see Clock
	Copy    uint32 // which copy of the recording it is part of: 0 keeps trace and span ids, others change them
	Replica int    // below Layout.Replicas
	Ordinal uint64 // of the first record

	Identity ledger.Identity
	Run      ledger.Run
}

// Clock maps event times: a time t becomes Base + (t-Base)/Speed + Shift. A speed of 0 or 1 only adds the shift.
type Clock struct {
	Base  int64 // ns since 1970
	Speed float64
}

// At maps one time.
func (c Clock) At(t, shift int64) int64 {
	if c.Speed == 0 || c.Speed == 1 {
		return t + shift
	}
	return c.Base + int64(float64(t-c.Base)/c.Speed) + shift
}

// Apply overwrites, in b, a copy of the request that x indexes. It allocates nothing.
func (x *Index) Apply(b []byte, p *Patch) {
	for _, slot := range x.slots {
		digits := b[slot : slot+replicaDigits]
		digits[0], digits[1], digits[2] = byte('0'+p.Replica/100%10), byte('0'+p.Replica/10%10), byte('0'+p.Replica%10)
	}
	if p.Clock.Speed != 0 && p.Clock.Speed != 1 || p.Shift != 0 {
		x.times(b, p)
	}
	switch p.Identity {
	case ledger.ByUID:
		x.uids(b, p)
	case ledger.ByTime:
		x.uniqueTimes(b, p)
	case ledger.ByIDs:
		x.uniqueIDs(b, p)
		return // nothing of the original ids is left
	}
	if p.Copy != 0 {
		x.otherIDs(b, p)
	}
}

func (x *Index) times(b []byte, p *Patch) {
	scaled := p.Clock.Speed != 0 && p.Clock.Speed != 1
	for i := range x.Records {
		r := &x.Records[i]
		for _, at := range [2]uint32{r.Time, r.Observed} {
			if at == 0 {
				continue
			}
			t := int64(binary.LittleEndian.Uint64(b[at:]))
			if scaled {
				t = p.Clock.At(t, p.Shift)
			} else {
				t += p.Shift
			}
			binary.LittleEndian.PutUint64(b[at:], uint64(t))
		}
	}
}

// uidTail is what PutUID writes; the run before it is there from Stamp.
const uidTail = 11

var lastDigit = func() (digits [32]byte) {
	var text [uidTail]byte
	for i := range digits {
		ledger.PutUID(text[:], 0, uint64(i))
		digits[i] = text[uidTail-1]
	}
	return digits
}()

// uids writes what follows the run. Of neighbours only the last digit differs, 31 times out of 32.
func (x *Index) uids(b []byte, p *Patch) {
	var text [uidTail]byte
	for i := range x.Records {
		ordinal := p.Ordinal + uint64(i)
		if i == 0 || ordinal&31 == 0 {
			ledger.PutUID(text[:], p.Copy, ordinal)
		} else {
			text[uidTail-1] = lastDigit[ordinal&31]
		}
		if at := x.Records[i].UID; at != 0 {
			*(*[uidTail]byte)(b[at+ledger.UIDLength-uidTail:]) = text
		}
	}
}

// otherIDs gives a copy trace and span ids of its own. XOR with one key keeps equal ids equal, so records that were
// joined by an id stay joined.
func (x *Index) otherIDs(b []byte, p *Patch) {
	high, low, span := copyKeys(p.Copy)
	le := binary.LittleEndian
	for i := range x.Records {
		r := &x.Records[i]
		if at := r.Trace; at != 0 {
			le.PutUint64(b[at:], le.Uint64(b[at:])^high)
			le.PutUint64(b[at+8:], le.Uint64(b[at+8:])^low)
		}
		if at := r.Span; at != 0 {
			le.PutUint64(b[at:], le.Uint64(b[at:])^span)
		}
	}
}

// CopyIDs is what a copy's records get in place of ids.
func CopyIDs(copyNumber uint32, trace [16]byte, span [8]byte) ([16]byte, [8]byte) {
	high, low, spanKey := copyKeys(copyNumber)
	le := binary.LittleEndian
	le.PutUint64(trace[:], le.Uint64(trace[:])^high)
	le.PutUint64(trace[8:], le.Uint64(trace[8:])^low)
	le.PutUint64(span[:], le.Uint64(span[:])^spanKey)
	return trace, span
}

func copyKeys(number uint32) (high, low, span uint64) {
	return mix(uint64(number) * 3), mix(uint64(number)*3 + 1), mix(uint64(number)*3 + 2)
}

// mix is splitmix64's output function: every number gives another, and none is near its neighbours'.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
