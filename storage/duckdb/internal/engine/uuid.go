package engine

import (
	"encoding/binary"

	"github.com/duckdb/duckdb-go/v2/mapping"
)

func (u UUID) value() mapping.Value {
	return mapping.CreateUUID(mapping.NewUHugeInt(binary.BigEndian.Uint64(u[8:]), binary.BigEndian.Uint64(u[:8])))
}

// stored is a UUID in a vector: a 128-bit integer, little-endian, with its top bit flipped so that it sorts like the text.
type stored struct{ lower, upper uint64 }

func (s stored) uuid() (u UUID) {
	binary.BigEndian.PutUint64(u[:8], s.upper^1<<63)
	binary.BigEndian.PutUint64(u[8:], s.lower)
	return u
}

func (u UUID) stored() stored {
	return stored{lower: binary.BigEndian.Uint64(u[8:]), upper: binary.BigEndian.Uint64(u[:8]) ^ 1<<63}
}
