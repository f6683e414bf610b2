package prepare

import (
	"encoding/binary"
	"fmt"

	"github.com/zeebo/xxh3"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/replay/where"
)

// Thinner leaves records out of requests. Safe for concurrent use.
type Thinner struct {
	filter *where.Filter
	sample float64
}

// NewThinner keeps the records for which the filter (see package where) holds, and of those the share of traces.
func NewThinner(filter string, sample float64) (*Thinner, error) {
	f, err := where.Parse(filter)
	return &Thinner{filter: f, sample: sample}, err
}

// Thin drops the records that the filter or the sample leaves out, and what they leave empty. It returns how many stay.
func (s *Thinner) Thin(body []byte) ([]byte, int, error) {
	logs, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(body)
	if err != nil {
		return nil, 0, fmt.Errorf("the message is not OTLP: %w", err)
	}
	logs.ResourceLogs().RemoveIf(func(rl plog.ResourceLogs) bool {
		rl.ScopeLogs().RemoveIf(func(sl plog.ScopeLogs) bool {
			sl.LogRecords().RemoveIf(func(r plog.LogRecord) bool {
				return !s.sampled(r) || !s.filter.Keep(rl.Resource(), sl.Scope(), r)
			})
			return sl.LogRecords().Len() == 0
		})
		return rl.ScopeLogs().Len() == 0
	})
	body, err = (&plog.ProtoMarshaler{}).MarshalLogs(logs)
	return body, logs.LogRecordCount(), err
}

// sampled decides by trace, so that what belongs together stays together; without a trace by the record's time and body.
func (s *Thinner) sampled(r plog.LogRecord) bool {
	if s.sample == 0 || s.sample == 1 {
		return true
	}
	return float64(sampleHash(r)>>11)/(1<<53) < s.sample
}

func sampleHash(r plog.LogRecord) uint64 {
	if id := r.TraceID(); !id.IsEmpty() {
		return xxh3.Hash(id[:])
	}
	var times [16]byte
	binary.LittleEndian.PutUint64(times[:], uint64(r.Timestamp()))
	binary.LittleEndian.PutUint64(times[8:], uint64(r.ObservedTimestamp()))
	return xxh3.HashStringSeed(r.Body().AsString(), xxh3.Hash(times[:]))
}
