package patch

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/instantdevlogs/devlogs/replay/ledger"
)

// timeSlot is the span, in nanoseconds, within which ByTime numbers records; a power of two, about 1 ms.
const timeSlot = 1 << 20

// copyStride spreads the numbers of copies over a slot: the golden ratio of it, so that the ranges of any few copies keep
// clear of each other.
const copyStride = 648057

// UniqueTime is the time that ByTime gives a record: its low 20 bits say which record it is. Two records share a time only
// if they are a million records apart and within a millisecond of each other.
func UniqueTime(t int64, copyNumber uint32, ordinal uint64) int64 {
	number := ordinal + uint64(copyNumber)*copyStride
	return t&^(timeSlot-1) | int64(number&(timeSlot-1))
}

func (x *Index) uniqueTimes(b []byte, p *Patch) {
	for i := range x.Records {
		if at := x.Records[i].Time; at != 0 {
			t := int64(binary.LittleEndian.Uint64(b[at:]))
			binary.LittleEndian.PutUint64(b[at:], uint64(UniqueTime(t, p.Copy, p.Ordinal+uint64(i))))
		}
	}
}

// IDs are the trace and span id that ByIDs gives a record. The trace id is a sum of the run, the copy, and the ordinal,
// big-endian, 4, 4 and 8 bytes; the span id is 2 bytes of copy, 6 of ordinal, plus one as zero means no span.
func IDs(run ledger.Run, copyNumber uint32, ordinal uint64) (trace [16]byte, span [8]byte) {
	be := binary.BigEndian
	be.PutUint32(trace[:], runSum(run))
	be.PutUint32(trace[4:], copyNumber)
	be.PutUint64(trace[8:], ordinal)
	be.PutUint64(span[:], (uint64(copyNumber)<<48|ordinal)+1)
	return trace, span
}

// ParseTrace reads a trace id that IDs made; ok is false when another run, or nobody here, made it.
func ParseTrace(run ledger.Run, trace [16]byte) (copyNumber uint32, ordinal uint64, ok bool) {
	be := binary.BigEndian
	return be.Uint32(trace[4:]), be.Uint64(trace[8:]), be.Uint32(trace[:]) == runSum(run)
}

func runSum(run ledger.Run) uint32 { return crc32.ChecksumIEEE([]byte(run)) | 1 }

func (x *Index) uniqueIDs(b []byte, p *Patch) {
	for i := range x.Records {
		r := &x.Records[i]
		trace, span := IDs(p.Run, p.Copy, p.Ordinal+uint64(i))
		if at := r.Trace; at != 0 {
			copy(b[at:at+16], trace[:])
		}
		if at := r.Span; at != 0 {
			copy(b[at:at+8], span[:])
		}
	}
}

// Unidentified counts the records that an identity cannot mark, as they lack the field.
func (x *Index) Unidentified(identity ledger.Identity) (n int) {
	for i := range x.Records {
		r := &x.Records[i]
		switch {
		case identity == ledger.ByTime && r.Time == 0,
			identity == ledger.ByIDs && r.Trace == 0,
			identity == ledger.ByUID && r.UID == 0:
			n++
		}
	}
	return n
}
