package storage

import (
	"encoding/binary"
	"unsafe"

	"github.com/google/uuid"
	"github.com/zeebo/xxh3"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// Rows holds a batch's records as columns: element i of every column belongs to record i. Stores append columns as they
// are. Encode fills them; a Rows may be used again after Reset, which keeps its memory.
type Rows struct {
	Time         []uint64
	TimeSource   []uint8
	Observed     []uint64
	Severity     []int32
	SeverityText Strings
	Stream       []uint64
	Body         Strings
	BodyKind     []uint8
	Attributes   Strings
	Signature    []uint64 // of the attributes, see SignaturesOf
	Words        Strings  // among the attributes, see WordOf
	Dropped      []uint32
	TraceID      [][16]byte
	SpanID       [][8]byte
	Flags        []uint32
	EventName    Strings

	Tenant  string
	Streams []Stream // the distinct streams of the batch, with First and Last over the batch
	Fields  []Field  // the distinct attribute keys of the batch

	MinTime, MaxTime uint64 // over Time; 0 and 0 when there are no rows

	streams map[uint64]int // index into Streams
	fields  map[Field]struct{}
	shape   []Field // the fields of the last record, see noteField
	scratch []byte
}

// Field is one record-attribute key seen in the logs of a service.
type Field struct {
	Service string
	Name    string // the path joined by dots
	Path    string // the path as a JSON pointer (RFC 6901), which tells "a.b" from a/b
	Type    FieldType
}

// FieldType is the type of an attribute's value.
type FieldType uint8

const (
	TypeNull FieldType = iota
	TypeString
	TypeBool
	TypeInt
	TypeDouble
	TypeBytes
	TypeMap
	TypeArray
)

var fieldTypeNames = [...]string{"null", "string", "bool", "int", "double", "bytes", "map", "array"}

func (t FieldType) String() string { return fieldTypeNames[t] }

// Strings is a column of strings in one piece of memory.
type Strings struct {
	Bytes []byte
	Ends  []uint32 // string i is Bytes[Ends[i-1]:Ends[i]]
}

// At returns string i; it is valid until the column changes.
func (t *Strings) At(i int) []byte {
	start := uint32(0)
	if i > 0 {
		start = t.Ends[i-1]
	}
	return t.Bytes[start:t.Ends[i]]
}

func (t *Strings) reset() { t.Bytes, t.Ends = t.Bytes[:0], t.Ends[:0] }

// end closes the string whose bytes were appended to t.Bytes.
func (t *Strings) end() { t.Ends = append(t.Ends, uint32(len(t.Bytes))) }

func (t *Strings) add(s string) {
	t.Bytes = append(t.Bytes, s...)
	t.end()
}

// Len is the number of records.
func (r *Rows) Len() int { return len(r.Time) }

// Size is about how many bytes the columns hold.
func (r *Rows) Size() int {
	const fixed = 8 + 1 + 8 + 4 + 8 + 1 + 4 + 16 + 8 + 4 + 8 + 5*4
	return r.Len()*fixed + len(r.SeverityText.Bytes) + len(r.Body.Bytes) + len(r.Attributes.Bytes) + len(r.Words.Bytes) +
		len(r.EventName.Bytes)
}

// Reset empties the rows and keeps their memory.
func (r *Rows) Reset() {
	r.Time, r.TimeSource, r.Observed = r.Time[:0], r.TimeSource[:0], r.Observed[:0]
	r.Severity, r.Stream, r.BodyKind, r.Dropped = r.Severity[:0], r.Stream[:0], r.BodyKind[:0], r.Dropped[:0]
	r.TraceID, r.SpanID, r.Flags, r.Signature = r.TraceID[:0], r.SpanID[:0], r.Flags[:0], r.Signature[:0]
	r.SeverityText.reset()
	r.Body.reset()
	r.Attributes.reset()
	r.Words.reset()
	r.EventName.reset()
	r.Tenant, r.Streams, r.Fields = "", r.Streams[:0], r.Fields[:0]
	r.MinTime, r.MaxTime = 0, 0
	clear(r.streams)
	clear(r.fields)
	r.shape = r.shape[:0]
}

// ContentID is a batch id made from the content, for producers that have no id of their own: a client that sends the same
// bytes again gets the same id. It is random when a record carries no time, not even when somebody saw it first, as two such records
// may be alike and still be two.
func (r *Rows) ContentID() uuid.UUID {
	for _, source := range r.TimeSource {
		if TimeSource(source) == TimeArrival {
			return uuid.New()
		}
	}
	h := xxh3.New()
	_, _ = h.Write(bytesOf(r.Time)) // a hash takes everything
	r.hashContent(h)
	return uuid.UUID(h.Sum128().Bytes())
}

// hashContent adds all but the times, and the signature and words, which follow from the attributes.
func (r *Rows) hashContent(h *xxh3.Hasher) {
	for _, column := range [...][]byte{
		bytesOf(r.Observed), bytesOf(r.Severity), bytesOf(r.Stream), r.BodyKind, bytesOf(r.Dropped),
		bytesOf(r.TraceID), bytesOf(r.SpanID), bytesOf(r.Flags),
		bytesOf(r.SeverityText.Ends), r.SeverityText.Bytes, bytesOf(r.Body.Ends), r.Body.Bytes,
		bytesOf(r.Attributes.Ends), r.Attributes.Bytes, bytesOf(r.EventName.Ends), r.EventName.Bytes,
	} {
		_, _ = h.Write(column)
	}
}

// KeyID is the batch id of a producer's own idempotency key. Keys of different tenants never meet.
func KeyID(tenant, key string) uuid.UUID {
	h := xxh3.New()
	h.Write(binary.AppendUvarint(nil, uint64(len(tenant))))
	h.WriteString(tenant)
	h.WriteString(key)
	return uuid.UUID(h.Sum128().Bytes())
}

// bytesOf views a column as raw memory. The hash is compared only with hashes made on the same machine type: ledgers move
// between little-endian machines, which are all that the stores support.
func bytesOf[T uint32 | uint64 | int32 | [16]byte | [8]byte](column []T) []byte {
	if len(column) == 0 {
		return nil
	}
	var zero T
	return unsafe.Slice((*byte)(unsafe.Pointer(&column[0])), len(column)*int(unsafe.Sizeof(zero)))
}

// span widens [First, Last] to hold t.
func (s *Stream) span(t pcommon.Timestamp) {
	if t < s.First {
		s.First = t
	}
	if t > s.Last {
		s.Last = t
	}
}
