package storage

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// ID names one stored record for ever: the ledger sequence of its batch and its row in the batch. Sequences start at 1, so
// the zero ID names nothing.
type ID struct {
	Batch uint64
	Row   uint32
}

// String gives the form that ParseID reads and that URLs carry: "batch-row" in decimal.
func (id ID) String() string {
	return strconv.FormatUint(id.Batch, 10) + "-" + strconv.FormatUint(uint64(id.Row), 10)
}

// EndOf is behind every record of a batch and before those of the next.
func EndOf(batch uint64) ID { return ID{Batch: batch, Row: math.MaxUint32} }

// Compare orders ids as batches were committed: -1 when id comes before o, 0 when they are the same, +1 when it comes after.
func (id ID) Compare(o ID) int {
	return cmp.Or(cmp.Compare(id.Batch, o.Batch), cmp.Compare(id.Row, o.Row))
}

// ErrBadID is returned by ParseID; match it with errors.Is.
var ErrBadID = errors.New(`a record id looks like "42-7"`)

// ParseID reads the form that ID.String writes.
func ParseID(s string) (ID, error) {
	batch, row, ok := strings.Cut(s, "-")
	b, err1 := strconv.ParseUint(batch, 10, 64)
	r, err2 := strconv.ParseUint(row, 10, 32)
	if !ok || err1 != nil || err2 != nil || b == 0 {
		return ID{}, fmt.Errorf("%w, got %q", ErrBadID, s)
	}
	return ID{Batch: b, Row: uint32(r)}, nil
}

// Position is a record's place in the total order of all records: time, then batch, then row. It is what a paging cursor
// holds.
type Position struct {
	Time pcommon.Timestamp
	ID
}

// Compare orders positions: -1 when p is before o, 0 when they are the same record, +1 after.
func (p Position) Compare(o Position) int {
	return cmp.Or(cmp.Compare(p.Time, o.Time), p.ID.Compare(o.ID))
}

// TimeSource tells which of OTLP's times Record.Time is. OTLP lets a record have no time of its own; it is then ordered by
// the time it was observed, or by its arrival, and still given back as it came.
type TimeSource uint8

const (
	TimeOwn      TimeSource = iota // LogRecord.time_unix_nano
	TimeObserved                   // LogRecord.observed_time_unix_nano, as time_unix_nano was 0
	TimeArrival                    // the batch's arrival, as both were 0
)

// BodyKind tells how to read Record.Body.
type BodyKind uint8

const (
	BodyText  BodyKind = iota // a string body, as it is
	BodyJSON                  // any other value (and text that is not UTF-8), in the typed JSON of value.go
	BodyEmpty                 // no body; Body is ""
)

// Record is one stored log record as readers give it. Attributes and structured bodies stay in the typed JSON they are
// stored in (see AppendValue): most readers pass them on unread.
type Record struct {
	ID
	Time       pcommon.Timestamp // never 0 for records that arrived through Encode; see TimeSource
	TimeSource TimeSource
	Observed   pcommon.Timestamp // as sent, 0 when not sent

	Severity     int32 // OTLP SeverityNumber; 0 is "unspecified"
	SeverityText string
	Body         string
	BodyKind     BodyKind
	Attributes   string // typed JSON object, "{}" when there are none
	Dropped      uint32 // dropped_attributes_count
	TraceID      pcommon.TraceID
	SpanID       pcommon.SpanID
	Flags        uint32
	EventName    string

	Stream *Stream // shared between records: read-only
}

// Position is where the record stands in the total order.
func (r *Record) Position() Position { return Position{Time: r.Time, ID: r.ID} }

// Stream is one distinct (tenant, resource, scope). All strings of JSON are typed JSON objects. The other texts are as sent
// unless they are not UTF-8 or begin with NUL: then a NUL stands before their typed JSON, as in Record.SeverityText and
// Record.EventName.
type Stream struct {
	ID                uint64 // 64-bit hash of everything below but First and Last
	Tenant            string
	Service           string // the resource's service.name as text, "" when it has none
	Resource          string
	ResourceDropped   uint32
	ResourceSchemaURL string
	ScopeName         string
	ScopeVersion      string
	Scope             string // the scope's attributes
	ScopeDropped      uint32
	ScopeSchemaURL    string

	// First and Last bound the times of the stream's records; they may be wider than the truth by StreamSlack, never
	// narrower.
	First, Last pcommon.Timestamp
}
