package engine

import "github.com/duckdb/duckdb-go/v2/mapping"

// Error is what DuckDB said, and the kind it gave it.
type Error struct {
	Type    mapping.ErrorType
	Message string
}

func (e *Error) Error() string { return e.Message }

// IsOfMachine tells whether the machine is to blame rather than the statement or its data: a disk that is full, read-only or
// failing, memory, or an instance that DuckDB has given up on. The instance should then be opened again.
func (e *Error) IsOfMachine() bool {
	switch e.Type {
	case mapping.ErrorTypeErrorIO, mapping.ErrorTypePermission, mapping.ErrorTypeFatal, mapping.ErrorTypeInternal,
		mapping.ErrorTypeOutOfMemory, mapping.ErrorTypeTransaction, mapping.ErrorTypeConnection, mapping.ErrorTypeInvalid:
		return true
	}
	return false
}
