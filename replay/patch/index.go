package patch

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/instantdevlogs/devlogs/replay/ledger"
	"github.com/instantdevlogs/devlogs/replay/wire"
)

// Index says where, in one request, the things lie that Apply overwrites. Read-only once made.
type Index struct {
	Records []Record
	slots   []uint32 // where the digits of a replica suffix lie
}

// Record holds the offsets of one record's values; 0 means that it has none. 20 bytes a record.
type Record struct {
	Time, Observed uint32 // fixed64, little-endian, not 0
	Trace, Span    uint32 // 16 and 8 bytes
	UID            uint32 // the 26 characters
}

var errTooLarge = errors.New("the request is larger than 4 GiB")

// NewIndex finds the offsets in body, a request that Stamp made with the same layout.
func NewIndex(body []byte, layout Layout) (*Index, error) {
	if uint64(len(body)) > math.MaxUint32 {
		return nil, errTooLarge
	}
	const usual = 200 // bytes a record, at least: a guess that saves growing
	x := &Index{Records: make([]Record, 0, len(body)/usual+1)}
	v := wire.Visitor{Record: func(start, end int) error { return x.record(body, start, end, layout.Run != "") }}
	if layout.Replicas > 1 {
		v.Resource = func(start, end int) error { return x.resource(body, start, end) }
	}
	return x, wire.Walk(body, v)
}

// record follows protobuf's rule that of a field that is there twice the last one counts.
func (x *Index) record(b []byte, start, end int, uid bool) error {
	var r Record
	var f wire.Field
	c := wire.NewCursor(b, start, end)
	for c.Next(&f) {
		switch f.Num {
		case wire.RecordTime:
			r.Time = timeOffset(b, &f)
		case wire.RecordObserved:
			r.Observed = timeOffset(b, &f)
		case wire.RecordTraceID:
			r.Trace = idOffset(&f, 16)
		case wire.RecordSpanID:
			r.Span = idOffset(&f, 8)
		case wire.RecordAttributes:
			// The uid is the last attribute, but looking at each keeps this right for any order.
			if uid && f.Type == wire.Len && f.End-f.Start == uidPair {
				if key, value, ok := stringAttribute(b, f.Start, f.End); ok && string(key) == ledger.UIDAttribute &&
					len(value) == ledger.UIDLength {
					r.UID = uint32(f.End - ledger.UIDLength)
				}
			}
		}
	}
	x.Records = append(x.Records, r)
	return c.Err()
}

// uidPair is the length of the KeyValue that holds a uid.
const uidPair = 1 + 1 + len(ledger.UIDAttribute) + 1 + 1 + 1 + 1 + ledger.UIDLength

func timeOffset(b []byte, f *wire.Field) uint32 {
	if f.Type != wire.Fixed64 || binary.LittleEndian.Uint64(b[f.Start:]) == 0 {
		return 0
	}
	return uint32(f.Start)
}

func idOffset(f *wire.Field, size int) uint32 {
	if f.Type != wire.Len || f.End-f.Start != size {
		return 0
	}
	return uint32(f.Start)
}

func (x *Index) resource(b []byte, start, end int) error {
	var f wire.Field
	c := wire.NewCursor(b, start, end)
	for c.Next(&f) {
		if f.Num != wire.ResourceAttributes || f.Type != wire.Len {
			continue
		}
		if key, value, ok := stringAttribute(b, f.Start, f.End); ok && perInstance[string(key)] && len(value) >= len(replicaSuffix) {
			x.slots = append(x.slots, uint32(f.End-replicaDigits))
		}
	}
	return c.Err()
}
