package prepare

import (
	"encoding/binary"

	"github.com/zeebo/xxh3"
	"go.opentelemetry.io/collector/pdata/plog"
)

func sampleHash(r plog.LogRecord) uint64 {
	if id := r.TraceID(); !id.IsEmpty() {
		return xxh3.Hash(id[:])
	}
	var times [16]byte
	binary.LittleEndian.PutUint64(times[:], uint64(r.Timestamp()))
	binary.LittleEndian.PutUint64(times[8:], uint64(r.ObservedTimestamp()))
	return xxh3.HashStringSeed(r.Body().AsString(), xxh3.Hash(times[:]))
}
