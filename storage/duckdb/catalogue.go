package duckdb

import (
	"math"

	"github.com/instantdevlogs/devlogs/storage"
)

// catalogue remembers which streams and fields a partition has, so that only new ones are written. It forgets everything
// when it grows past its bounds or the process restarts: rows are then written again, which readers put up with. Only the
// lane that has claimed the partition uses it.
type catalogue struct {
	spans  map[uint64]span
	fields map[tenantField]struct{}

	// What the open transaction adds; kept in the maps when it commits.
	newStreams []newStream
	newSpans   []newSpan
	newFields  []tenantField
}

// span is the time that a stream's rows in log_stream_spans cover, both ends included.
type span struct{ first, last uint64 }

type newStream struct{ stream *storage.Stream }

type newSpan struct {
	id     uint64
	tenant string
	span
}

type tenantField struct {
	tenant string
	field  storage.Field
}

const (
	maxKnownStreams = 256 << 10
	maxKnownFields  = 64 << 10

	// spanGrain is to what a span is rounded outwards, so that a stream which goes on costs one row in this time. Both ends
	// together stay within storage.StreamSlack.
	spanGrain = uint64(storage.StreamSlack)
)

// begin empties what a transaction adds.
func (c *catalogue) begin() {
	c.newStreams, c.newSpans, c.newFields = c.newStreams[:0], c.newSpans[:0], c.newFields[:0]
	if c.spans == nil || len(c.spans) > maxKnownStreams {
		c.spans = map[uint64]span{}
	}
	if c.fields == nil || len(c.fields) > maxKnownFields {
		c.fields = map[tenantField]struct{}{}
	}
}

func (c *catalogue) collect(group []*waiter) {
	added := map[uint64]span{} // by this transaction
	newFields := map[tenantField]struct{}{}
	for _, w := range group {
		r := w.batch.Rows
		for i := range r.Streams {
			c.collectStream(&r.Streams[i], added)
		}
		for _, field := range r.Fields {
			f := tenantField{r.Tenant, field}
			if _, ok := c.fields[f]; ok {
				continue
			}
			if _, ok := newFields[f]; !ok {
				newFields[f] = struct{}{}
				c.newFields = append(c.newFields, f)
			}
		}
	}
}

func (c *catalogue) collectStream(s *storage.Stream, added map[uint64]span) {
	known, ok := added[s.ID]
	if !ok {
		known, ok = c.spans[s.ID]
	}
	first, last := uint64(s.First), uint64(s.Last)
	if !ok {
		c.newStreams = append(c.newStreams, newStream{s})
		known = span{math.MaxUint64, 0}
	}
	if ok && first >= known.first && last <= known.last {
		return
	}
	wide := widen(first, last)
	c.newSpans = append(c.newSpans, newSpan{s.ID, s.Tenant, wide})
	added[s.ID] = span{min(known.first, wide.first), max(known.last, wide.last)}
}

func widen(first, last uint64) span {
	w := span{first - first%spanGrain, math.MaxUint64}
	if up := last - last%spanGrain; up <= math.MaxUint64-(spanGrain-1) {
		w.last = up + spanGrain - 1
	}
	return w
}

// keep remembers what the transaction added, after it committed. It is false when that is nothing.
func (c *catalogue) keep() bool {
	for _, n := range c.newSpans {
		s, ok := c.spans[n.id]
		if !ok {
			s = span{math.MaxUint64, 0}
		}
		c.spans[n.id] = span{min(s.first, n.first), max(s.last, n.last)}
	}
	for _, f := range c.newFields {
		c.fields[f] = struct{}{}
	}
	return len(c.newStreams)+len(c.newSpans)+len(c.newFields) > 0
}
