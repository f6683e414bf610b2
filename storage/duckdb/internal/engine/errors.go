package engine

import (
	"errors"
	"strings"

	"github.com/duckdb/duckdb-go/v2/mapping"
)

// Error is what DuckDB said, and the kind it gave it where it tells.
type Error struct {
	Type    mapping.ErrorType
	Message string
}

func (e *Error) Error() string { return e.Message }

// IsOfData tells whether the rows or their values are to blame. Everything else is the machine's: a disk that is full,
// read-only or failing, memory, or an instance that DuckDB has given up on.
func (e *Error) IsOfData() bool {
	switch e.Type {
	case mapping.ErrorTypeConversion, mapping.ErrorTypeConstraint, mapping.ErrorTypeOutOfRange, mapping.ErrorTypeObjectSize,
		mapping.ErrorTypeMismatchType:
		return true
	}
	return false
}

// IsOutOfMemory tells whether a statement needed more than the memory limit had left. DuckDB does not always tell the kind.
func IsOutOfMemory(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && (e.Type == mapping.ErrorTypeOutOfMemory || strings.HasPrefix(e.Message, "Out of Memory Error"))
}
