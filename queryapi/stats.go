package queryapi

import (
	"context"
	"strconv"
)

// statsAnswer sums up the store, over all tenants.
type statsAnswer struct {
	Records   uint64 `json:"records"`
	Batches   uint64 `json:"batches"`
	Bytes     uint64 `json:"bytes"`
	LastBatch string `json:"last_batch"` // 64 bits, so a string
	MinTime   string `json:"min_time,omitempty"`
	MaxTime   string `json:"max_time,omitempty"`
}

// stats answers GET /api/v1/stats.
func (s *server) stats(ctx context.Context, source *Source, p *params) (any, error) {
	if err := p.err(); err != nil {
		return nil, err
	}
	stats, err := source.Stats(ctx)
	if err != nil {
		return nil, err
	}
	answer := &statsAnswer{
		Records: stats.Records, Batches: stats.Batches, Bytes: stats.Bytes, LastBatch: strconv.FormatUint(stats.LastBatch, 10),
	}
	if stats.Records > 0 {
		answer.MinTime, answer.MaxTime = formatTime(stats.MinTime), formatTime(stats.MaxTime)
	}
	return answer, nil
}
