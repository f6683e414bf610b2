package queue

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/google/uuid"
	"github.com/klauspost/compress/s2"
	"github.com/zeebo/xxh3"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/storage"
)

// Entry is one batch on its way: the fields of a stream entry.
type Entry struct {
	Batch   uuid.UUID           // "b", 16 bytes: the id in the ledger
	Tenant  string              // "t", absent when empty
	Records int                 // "n", decimal
	Arrival pcommon.Timestamp   // "a", nanoseconds in decimal: the time of records that have none
	Sent    storage.Fingerprint // "f", 16 bytes, absent when zero: what the client sent under its idempotency key
	Payload []byte              // "d": see Pack
}

// The names of an entry's fields are short because every entry repeats them.
const (
	fieldBatch   = "b"
	fieldTenant  = "t"
	fieldRecords = "n"
	fieldArrival = "a"
	fieldSent    = "f"
	fieldPayload = "d"
)

// Size is about how many bytes the entry takes in Redis.
func (e *Entry) Size() int { return len(e.Payload) + len(e.Tenant) + 96 }

// Unpacked is how many bytes the message has that Unpack reads; 0 when the payload is damaged.
func (e *Entry) Unpacked() int {
	if len(e.Payload) < sumSize {
		return 0
	}
	n, err := s2.DecodedLen(e.Payload[sumSize:])
	if err != nil || n > maxPayload {
		return 0
	}
	return n
}

func (e *Entry) values() []any {
	values := []any{
		fieldBatch, e.Batch[:], fieldRecords, e.Records, fieldArrival, strconv.FormatUint(uint64(e.Arrival), 10),
		fieldPayload, e.Payload,
	}
	if e.Tenant != "" {
		values = append(values, fieldTenant, e.Tenant)
	}
	if e.Sent != (storage.Fingerprint{}) {
		values = append(values, fieldSent, e.Sent[:])
	}
	return values
}

// parseEntry reads the fields of a stream entry. An error means that something else than this package wrote it.
func parseEntry(values map[string]any) (Entry, error) {
	text := func(field string) string { s, _ := values[field].(string); return s }
	batch, err := uuid.FromBytes([]byte(text(fieldBatch)))
	if err != nil {
		return Entry{}, fmt.Errorf("field %q is no batch id: %w", fieldBatch, err)
	}
	records, err := strconv.Atoi(text(fieldRecords))
	if err != nil {
		return Entry{}, fmt.Errorf("field %q is no number of records: %w", fieldRecords, err)
	}
	arrival, err := strconv.ParseUint(text(fieldArrival), 10, 64)
	if err != nil {
		return Entry{}, fmt.Errorf("field %q is no time of arrival: %w", fieldArrival, err)
	}
	var sent storage.Fingerprint
	if print := text(fieldSent); len(print) == len(sent) {
		sent = storage.Fingerprint([]byte(print))
	}
	return Entry{
		Batch: batch, Sent: sent, Tenant: text(fieldTenant), Records: records, Arrival: pcommon.Timestamp(arrival),
		Payload: []byte(text(fieldPayload)),
	}, nil
}

// maxPayload bounds what one payload may unpack to, so that a forged one can't take all memory.
const maxPayload = 512 << 20

// sumSize is what a payload begins with: the XXH3 of the message, as the compression has no checksum of its own.
const sumSize = 8

// Pack makes the payload of an OTLP LogsData message: a checksum and an S2 block. S2 rather than zstd, because compressing is
// what a gateway would spend most of its time on: a fifth of the time for an eighth more memory in Redis.
func Pack(message []byte) []byte {
	b := buffers.Get().(*[]byte)
	defer keep(b)
	*b = slices.Grow((*b)[:0], sumSize+s2.MaxEncodedLen(len(message)))
	payload := binary.BigEndian.AppendUint64(*b, xxh3.Hash(message))
	block := s2.EncodeBetter(payload[sumSize:cap(payload)], message)
	return slices.Clone(payload[:sumSize+len(block)])
}

// Unpack reads a payload. Its error says that the payload is damaged: trying again will not help.
func Unpack(payload []byte) (plog.Logs, error) {
	if len(payload) < sumSize {
		return plog.Logs{}, fmt.Errorf("the entry's payload has only %d bytes", len(payload))
	}
	if n, err := s2.DecodedLen(payload[sumSize:]); err == nil && n > maxPayload {
		return plog.Logs{}, fmt.Errorf("the entry would unpack to %d bytes: at most %d are read", n, maxPayload)
	}
	b := buffers.Get().(*[]byte)
	defer keep(b)
	message, err := s2.Decode((*b)[:cap(*b)], payload[sumSize:])
	if err != nil {
		return plog.Logs{}, fmt.Errorf("decompress the entry: %w", err)
	}
	*b = message
	if xxh3.Hash(message) != binary.BigEndian.Uint64(payload) {
		return plog.Logs{}, errors.New("the entry's checksum is wrong: it was damaged")
	}
	logs, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(message) // it copies all that it keeps
	if err != nil {
		return plog.Logs{}, fmt.Errorf("read the entry's OTLP message: %w", err)
	}
	return logs, nil
}

// buffers are messages and blocks between calls: clearing new ones costs more than the compression.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

func keep(b *[]byte) {
	const most = 8 << 20 // requests that are larger are rare
	if cap(*b) <= most {
		buffers.Put(b)
	}
}
