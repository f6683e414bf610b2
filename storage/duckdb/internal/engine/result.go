package engine

import (
	"strings"
	"unsafe"

	"github.com/duckdb/duckdb-go/v2/mapping"
)

// Result is the answer of a query, read chunk by chunk.
type Result struct {
	result mapping.Result
	chunk  mapping.DataChunk
}

// Next fetches the next chunk, which is valid until the next call, or returns false at the end.
func (r *Result) Next() (Chunk, bool) {
	mapping.DestroyDataChunk(&r.chunk)
	r.chunk = mapping.FetchChunk(r.result)
	if r.chunk.Ptr == nil {
		return Chunk{}, false
	}
	return Chunk{chunk: r.chunk, Len: int(mapping.DataChunkGetSize(r.chunk))}, true
}

// Close frees the result; more than once is harmless.
func (r *Result) Close() {
	mapping.DestroyDataChunk(&r.chunk)
	mapping.DestroyResult(&r.result)
}

// Chunk is some rows of a result as columns. Which Go type fits a column is the query's business: nothing checks it.
type Chunk struct {
	chunk mapping.DataChunk
	Len   int
}

// Column views column i of a chunk as a slice over DuckDB's memory. T must have the column's physical type. What it holds
// where the column is NULL is anything.
func Column[T uint8 | int32 | uint32 | uint64 | int64 | float64 | bool](c Chunk, i int) []T {
	return unsafe.Slice((*T)(c.data(i)), c.Len)
}

func (c Chunk) data(i int) unsafe.Pointer {
	return mapping.VectorGetData(mapping.DataChunkGetVector(c.chunk, mapping.IdxT(i)))
}

// Nulls tells for column i which rows are NULL; nil when none is.
func (c Chunk) Nulls(i int) func(row int) bool {
	mask := (*uint64)(mapping.VectorGetValidity(mapping.DataChunkGetVector(c.chunk, mapping.IdxT(i))))
	if mask == nil {
		return nil
	}
	words := unsafe.Slice(mask, (c.Len+63)/64)
	return func(row int) bool { return words[row/64]&(1<<(row%64)) == 0 }
}

// UUIDs reads a column of UUIDs.
type UUIDs []stored

func (c Chunk) UUIDs(i int) UUIDs { return unsafe.Slice((*stored)(c.data(i)), c.Len) }

func (u UUIDs) At(row int) UUID { return u[row].uuid() }

// Texts reads a column of strings.
type Texts []text

func (c Chunk) Texts(i int) Texts { return unsafe.Slice((*text)(c.data(i)), c.Len) }

// At copies the string of a row out of DuckDB's memory.
func (t Texts) At(row int) string { return strings.Clone(t[row].view()) }

// View is the string of a row without a copy; it is valid as long as the chunk.
func (t Texts) View(row int) string { return t[row].view() }

// text is DuckDB's string_t: short strings lie in the 12 bytes behind the length, longer ones have their first four bytes
// and a pointer there.
type text struct {
	length uint32
	prefix [4]byte
	rest   [8]byte
}

const inlineLength = 12

func (t *text) view() string {
	if t.length <= inlineLength {
		return unsafe.String(&t.prefix[0], t.length)
	}
	return unsafe.String(*(**byte)(unsafe.Pointer(&t.rest)), t.length)
}

// set makes t the string b without copying it, unless it is short.
func (t *text) set(b []byte) {
	t.length = uint32(len(b))
	if len(b) <= inlineLength {
		t.prefix, t.rest = [4]byte{}, [8]byte{}
		copy(unsafe.Slice(&t.prefix[0], inlineLength), b)
		return
	}
	copy(t.prefix[:], b)
	*(*uintptr)(unsafe.Pointer(&t.rest)) = uintptr(unsafe.Pointer(&b[0]))
}
