package postgres

import (
	"encoding/binary"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/storage"
)

// column is one column of the tables logs and logs_far: how a row is put into COPY's binary format and how a value of
// PostgreSQL's binary format gets into a Record.
type column struct {
	name, kind string
	null       bool

	// put appends the field of row i: its length (32 bits) and its bytes.
	put func(dst []byte, b *copying, i int) []byte
	// get is not called for NULL. The value is valid until it returns. nil: only conditions read the column.
	get func(r *scan, value []byte)
}

// logColumns is the order of the columns everywhere: in the tables, in COPY, in SELECT and in scan. Columns of a fixed width
// come first and wide ones before narrow ones, so that a row has no padding. Those that are not for reading come last.
var logColumns = []column{
	{name: "time", kind: "timestamp with time zone",
		put: func(dst []byte, b *copying, i int) []byte { return put8(dst, uint64(toMicros(b.rows.Time[i]))) },
		get: func(r *scan, v []byte) { r.micros = int64(binary.BigEndian.Uint64(v)) }},
	{name: "batch_seq", kind: "bigint",
		put: func(dst []byte, b *copying, i int) []byte { return put8(dst, b.seq) },
		get: func(r *scan, v []byte) { r.record.Batch = binary.BigEndian.Uint64(v) }},
	{name: "stream", kind: "bigint",
		put: func(dst []byte, b *copying, i int) []byte { return put8(dst, b.rows.Stream[i]) },
		get: func(r *scan, v []byte) { r.stream = binary.BigEndian.Uint64(v) }},
	{name: "observed", kind: "bigint",
		put: func(dst []byte, b *copying, i int) []byte { return put8(dst, b.rows.Observed[i]) },
		get: func(r *scan, v []byte) { r.record.Observed = pcommon.Timestamp(binary.BigEndian.Uint64(v)) }},
	{name: "span_id", kind: "bigint", null: true,
		put: func(dst []byte, b *copying, i int) []byte {
			if id := b.rows.SpanID[i]; id != [8]byte{} {
				return append(append(dst, 0, 0, 0, 8), id[:]...)
			}
			return putNull(dst)
		},
		get: func(r *scan, v []byte) { copy(r.record.SpanID[:], v) }},
	{name: "trace_id", kind: "uuid", null: true,
		put: func(dst []byte, b *copying, i int) []byte {
			if id := b.rows.TraceID[i]; id != [16]byte{} {
				return append(append(dst, 0, 0, 0, 16), id[:]...)
			}
			return putNull(dst)
		},
		get: func(r *scan, v []byte) { copy(r.record.TraceID[:], v) }},
	{name: "row_no", kind: "integer",
		put: func(dst []byte, b *copying, i int) []byte { return put4(dst, uint32(i)) },
		get: func(r *scan, v []byte) { r.record.Row = binary.BigEndian.Uint32(v) }},
	{name: "severity", kind: "integer",
		put: func(dst []byte, b *copying, i int) []byte { return put4(dst, uint32(b.rows.Severity[i])) },
		get: func(r *scan, v []byte) { r.record.Severity = int32(binary.BigEndian.Uint32(v)) }},
	{name: "flags", kind: "integer",
		put: func(dst []byte, b *copying, i int) []byte { return put4(dst, b.rows.Flags[i]) },
		get: func(r *scan, v []byte) { r.record.Flags = binary.BigEndian.Uint32(v) }},
	{name: "dropped", kind: "integer",
		put: func(dst []byte, b *copying, i int) []byte { return put4(dst, b.rows.Dropped[i]) },
		get: func(r *scan, v []byte) { r.record.Dropped = binary.BigEndian.Uint32(v) }},
	{name: "time_ns", kind: "smallint",
		put: func(dst []byte, b *copying, i int) []byte { return put2(dst, uint16(b.rows.Time[i]%1000)) },
		get: func(r *scan, v []byte) { r.nanos = binary.BigEndian.Uint16(v) }},
	{name: "time_source", kind: "smallint",
		put: func(dst []byte, b *copying, i int) []byte { return put2(dst, uint16(b.rows.TimeSource[i])) },
		get: func(r *scan, v []byte) { r.record.TimeSource = storage.TimeSource(v[1]) }},
	{name: "body_kind", kind: "smallint",
		put: func(dst []byte, b *copying, i int) []byte { return put2(dst, uint16(b.rows.BodyKind[i])) },
		get: func(r *scan, v []byte) { r.record.BodyKind = storage.BodyKind(v[1]) }},
	{name: "tenant", kind: "text",
		put: func(dst []byte, b *copying, i int) []byte { return putText(dst, b.tenant) },
		get: func(*scan, []byte) {}},
	{name: "service", kind: "text",
		put: func(dst []byte, b *copying, i int) []byte { return putText(dst, b.services[b.rows.Stream[i]]) },
		get: func(*scan, []byte) {}},
	{name: "severity_text", kind: "text",
		put: func(dst []byte, b *copying, i int) []byte { return b.putText(dst, b.rows.SeverityText.At(i)) },
		get: func(r *scan, v []byte) { r.record.SeverityText = r.repeated(v) }},
	{name: "event_name", kind: "text",
		put: func(dst []byte, b *copying, i int) []byte { return b.putText(dst, b.rows.EventName.At(i)) },
		get: func(r *scan, v []byte) { r.record.EventName = r.repeated(v) }},
	{name: "body", kind: "text",
		put: func(dst []byte, b *copying, i int) []byte { return b.putText(dst, b.rows.Body.At(i)) },
		get: func(r *scan, v []byte) { r.record.Body = string(v) }},
	{name: "attributes", kind: "text",
		put: func(dst []byte, b *copying, i int) []byte { return putText(dst, b.rows.Attributes.At(i)) },
		get: func(r *scan, v []byte) { r.record.Attributes = string(v) }},
	{name: "raw", kind: "bytea", null: true,
		put: func(dst []byte, b *copying, i int) []byte { return b.putRaw(dst, i) },
		get: func(r *scan, v []byte) { r.raw = append(r.raw, v...) }},
	{name: "words", kind: "text",
		put: func(dst []byte, b *copying, i int) []byte { return putText(dst, b.rows.Words.At(i)) }},
}

// The columns' names: allColumns for COPY, readColumns for SELECT and scan.
var allColumns, readColumns = func() (string, string) {
	var all, read []string
	for _, c := range logColumns {
		all = append(all, c.name)
		if c.get != nil {
			read = append(read, c.name)
		}
	}
	return strings.Join(all, ", "), strings.Join(read, ", ")
}()

// microsTo2000 is how far PostgreSQL's epoch is from Unix's.
const microsTo2000 = 946_684_800_000_000

// toMicros is a time as PostgreSQL has it: microseconds since 2000. All of OTLP's range fits.
func toMicros(unixNano uint64) int64 { return int64(unixNano/1000) - microsTo2000 }

func fromMicros(micros int64, nanos uint16) pcommon.Timestamp {
	return pcommon.Timestamp(uint64(micros+microsTo2000)*1000 + uint64(nanos))
}

func put8(dst []byte, v uint64) []byte {
	dst = append(dst, 0, 0, 0, 8)
	return binary.BigEndian.AppendUint64(dst, v)
}

func put4(dst []byte, v uint32) []byte {
	dst = append(dst, 0, 0, 0, 4)
	return binary.BigEndian.AppendUint32(dst, v)
}

func put2(dst []byte, v uint16) []byte {
	return append(dst, 0, 0, 0, 2, byte(v>>8), byte(v))
}

func putNull(dst []byte) []byte { return append(dst, 0xff, 0xff, 0xff, 0xff) }

func putText[T string | []byte](dst []byte, s T) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(s)))
	return append(dst, s...)
}
