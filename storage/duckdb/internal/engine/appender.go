package engine

import (
	"runtime"
	"unsafe"

	"github.com/duckdb/duckdb-go/v2/mapping"
)

// Appender adds rows to a table, in the transaction that is open on its connection.
type Appender struct {
	appender mapping.Appender
	chunk    mapping.DataChunk
	types    []mapping.LogicalType
	pinner   runtime.Pinner
}

// ChunkRows is how many rows one chunk holds.
var ChunkRows = int(mapping.VectorSize())

// NewAppender starts to append to a table of an attached file. The caller closes it, whatever happens.
func (c *Conn) NewAppender(database, table string) (*Appender, error) {
	a := &Appender{}
	if mapping.AppenderCreateExt(c.conn, database, "main", table, &a.appender) == mapping.StateError {
		err := a.lastError()
		mapping.AppenderDestroy(&a.appender)
		return nil, err
	}
	for i := range mapping.AppenderColumnCount(a.appender) {
		a.types = append(a.types, mapping.AppenderColumnType(a.appender, i))
	}
	a.chunk = mapping.CreateDataChunk(a.types)
	return a, nil
}

// Fill gives the vector of column i to be written, for at most ChunkRows rows. T must have the column's physical type.
func Fill[T uint8 | int32 | uint32 | uint64 | int64](a *Appender, i int) []T {
	return unsafe.Slice((*T)(a.data(i)), ChunkRows)
}

func (a *Appender) data(i int) unsafe.Pointer {
	return mapping.VectorGetData(mapping.DataChunkGetVector(a.chunk, mapping.IdxT(i)))
}

// UUIDWriter writes a column of UUIDs.
type UUIDWriter []stored

func (a *Appender) UUIDs(i int) UUIDWriter { return unsafe.Slice((*stored)(a.data(i)), ChunkRows) }

func (w UUIDWriter) Set(row int, u UUID) { w[row] = u.stored() }

// TextWriter writes a column of strings.
type TextWriter []text

func (a *Appender) Texts(i int) TextWriter { return unsafe.Slice((*text)(a.data(i)), ChunkRows) }

// Set makes row the string b, which must be UTF-8, and must be pinned (see Pin) and unchanged until the next Append.
func (w TextWriter) Set(row int, b []byte) { w[row].set(b) }

// Pin keeps the memory of b where it is until Close, so that the chunk can point into it: DuckDB copies strings when a chunk
// is appended, and copying them into the chunk first would be twice.
func (a *Appender) Pin(b []byte) {
	if len(b) > 0 {
		a.pinner.Pin(unsafe.SliceData(b))
	}
}

// Append appends the first n rows of the chunk.
func (a *Appender) Append(n int) error {
	mapping.DataChunkSetSize(a.chunk, mapping.IdxT(n))
	if mapping.AppendDataChunk(a.appender, a.chunk) == mapping.StateError {
		return a.lastError()
	}
	return nil
}

// Flush hands what was appended to the transaction.
func (a *Appender) Flush() error {
	if mapping.AppenderFlush(a.appender) == mapping.StateError {
		return a.lastError()
	}
	return nil
}

// Close frees the appender and discards what was not flushed.
func (a *Appender) Close() {
	mapping.AppenderClear(a.appender)
	mapping.DestroyDataChunk(&a.chunk)
	for i := range a.types {
		mapping.DestroyLogicalType(&a.types[i])
	}
	mapping.AppenderDestroy(&a.appender)
	a.pinner.Unpin()
}

func (a *Appender) lastError() error {
	data := mapping.AppenderErrorData(a.appender)
	defer mapping.DestroyErrorData(&data)
	return &Error{Type: mapping.ErrorDataErrorType(data), Message: mapping.ErrorDataMessage(data)}
}
