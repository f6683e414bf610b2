package duckdb

import (
	"encoding/binary"
	"fmt"

	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/duckdb/internal/engine"
)

// The places of the columns in logColumns.
const (
	colTime = iota
	colBatchSeq
	colRowNo
	colTenant
	colStream
	colTimeSource
	colObserved
	colSeverity
	colSeverityText
	colBody
	colBodyKind
	colAttributes
	colDropped
	colTraceID
	colSpanID
	colFlags
	colEventName
	colSignature // since version 3
	colWords     // since version 4
)

// logAppender moves the columns of batches into the columns of chunks.
type logAppender struct {
	*engine.Appender
	n int // rows in the chunk
}

func (l *logAppender) add(r *storage.Rows, seq uint64) error {
	for _, column := range [...][]byte{r.SeverityText.Bytes, r.Body.Bytes, r.Attributes.Bytes, r.EventName.Bytes, r.Words.Bytes} {
		l.Pin(column)
	}
	tenant := []byte(r.Tenant)
	l.Pin(tenant)
	for from := 0; from < r.Len(); {
		n := min(engine.ChunkRows-l.n, r.Len()-from)
		l.copy(r, from, n)
		l.fill(r, from, n, seq, tenant)
		l.n += n
		from += n
		if l.n == engine.ChunkRows {
			if err := l.next(); err != nil {
				return err
			}
		}
	}
	return nil
}

// copy takes the columns that are the same in both.
func (l *logAppender) copy(r *storage.Rows, from, n int) {
	copyColumn(l, colTime, r.Time[from:from+n])
	copyColumn(l, colStream, r.Stream[from:from+n])
	copyColumn(l, colTimeSource, r.TimeSource[from:from+n])
	copyColumn(l, colObserved, r.Observed[from:from+n])
	copyColumn(l, colSeverity, r.Severity[from:from+n])
	copyColumn(l, colBodyKind, r.BodyKind[from:from+n])
	copyColumn(l, colDropped, r.Dropped[from:from+n])
	copyColumn(l, colFlags, r.Flags[from:from+n])
	copyColumn(l, colSignature, r.Signature[from:from+n])
	l.copyTexts(colSeverityText, &r.SeverityText, from, n)
	l.copyTexts(colBody, &r.Body, from, n)
	l.copyTexts(colAttributes, &r.Attributes, from, n)
	l.copyTexts(colEventName, &r.EventName, from, n)
	l.copyTexts(colWords, &r.Words, from, n)
}

func copyColumn[T uint8 | int32 | uint32 | uint64](l *logAppender, column int, values []T) {
	copy(engine.Fill[T](l.Appender, column)[l.n:], values)
}

func (l *logAppender) copyTexts(column int, values *storage.Strings, from, n int) {
	texts := l.Texts(column)[l.n:]
	for i := range n {
		texts.Set(i, values.At(from+i))
	}
}

// fill makes the columns that are not the same.
func (l *logAppender) fill(r *storage.Rows, from, n int, seq uint64, tenant []byte) {
	seqs, rows := engine.Fill[uint64](l.Appender, colBatchSeq)[l.n:], engine.Fill[uint32](l.Appender, colRowNo)[l.n:]
	tenants, traces := l.Texts(colTenant)[l.n:], l.UUIDs(colTraceID)[l.n:]
	spans := engine.Fill[uint64](l.Appender, colSpanID)[l.n:]
	for i := range n {
		seqs[i], rows[i] = seq, uint32(from+i)
		tenants.Set(i, tenant)
		traces.Set(i, r.TraceID[from+i])
		spans[i] = binary.BigEndian.Uint64(r.SpanID[from+i][:])
	}
}

func (l *logAppender) next() error {
	n := l.n
	l.n = 0
	return l.Append(n)
}

func (l *logAppender) flush() error {
	if l.n > 0 {
		if err := l.next(); err != nil {
			return err
		}
	}
	return l.Flush()
}

// rowAppender appends row by row, for the small tables.
type rowAppender struct {
	*engine.Appender
	n int
}

func (b *rowAppender) add(values ...any) error {
	for i, value := range values {
		switch v := value.(type) {
		case uint64:
			engine.Fill[uint64](b.Appender, i)[b.n] = v
		case uint32:
			engine.Fill[uint32](b.Appender, i)[b.n] = v
		case uint8:
			engine.Fill[uint8](b.Appender, i)[b.n] = v
		case engine.UUID:
			b.UUIDs(i).Set(b.n, v)
		case string:
			text := []byte(v)
			b.Pin(text)
			b.Texts(i).Set(b.n, text)
		default:
			return fmt.Errorf("append column %d: no way to append a %T", i, value)
		}
	}
	if b.n++; b.n == engine.ChunkRows {
		return b.next()
	}
	return nil
}

func (b *rowAppender) next() error {
	n := b.n
	b.n = 0
	return b.Append(n)
}

func (b *rowAppender) flush() error {
	if b.n > 0 {
		if err := b.next(); err != nil {
			return err
		}
	}
	return b.Flush()
}
