package logplan

import (
	"context"
	"fmt"
	"iter"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/logql/engine"
	"github.com/instantdevlogs/devlogs/storage"
)

const (
	partRecords = 4096    // how many records are held between two questions, at most
	partBytes   = 4 << 20 // of their bodies and attributes
	partPoints  = 32_768  // points
)

// apart is a store that several questions are put to in turn, as a plan with several range aggregations does. What a store
// gives is taken in parts, and no question is open while a part is used: one that holds a database's connection while it waits
// for what another one gives would wait for ever, once as many do so as there are connections.
type apart struct {
	Store
	groups int // how many points of one bucket are held at most; 0: all
}

// Search yields what the store's Search does. q has no Limit.
func (s apart) Search(ctx context.Context, q storage.Query) iter.Seq2[storage.Record, error] {
	return func(yield func(storage.Record, error) bool) {
		q.Limit = partRecords
		for more := true; more; {
			var part []storage.Record
			size := 0
			for record, err := range s.Store.Search(ctx, q) {
				if err != nil {
					yield(storage.Record{}, err)
					return
				}
				part = append(part, record)
				if size += len(record.Body) + len(record.Attributes); size > partBytes {
					break
				}
			}
			for i := range part {
				if !yield(part[i], nil) {
					return
				}
			}
			if more = len(part) == partRecords || size > partBytes; more {
				position := part[len(part)-1].Position()
				q.After = &position
			}
		}
	}
}

// Aggregate yields what the store's Aggregate does. a has no Top. Most answers are one part. Of one that is longer, the bucket
// that was not whole is asked for again with those behind it, for about as long a time as the part before took.
func (s apart) Aggregate(ctx context.Context, a storage.Aggregation) iter.Seq2[storage.Point, error] {
	return func(yield func(storage.Point, error) bool) {
		for end := a.End; a.Start < end; {
			part, next, err := s.points(ctx, a)
			if err != nil {
				yield(storage.Point{}, err)
				return
			}
			for i := range part {
				if !yield(part[i], nil) {
					return
				}
			}
			width := uint64(next - a.Start)
			if a.Step > 0 {
				width += (a.Step - width%a.Step) % a.Step
			}
			a.Start, a.End = next, next+pcommon.Timestamp(min(width, uint64(end-next)))
		}
	}
}

// points gives the buckets of an aggregation up to next.
func (s apart) points(ctx context.Context, a storage.Aggregation) (part []storage.Point, next pcommon.Timestamp, err error) {
	whole := 0 // points of buckets that are whole
	held := 0  // groups of the last bucket, and one more for each KiB of their texts
	for point, err := range s.Store.Aggregate(ctx, a) {
		if err != nil {
			return nil, 0, err
		}
		if n := len(part); n > 0 && part[n-1].Bucket != point.Bucket {
			whole, held = n, 0
		}
		part = append(part, point)
		held++
		for _, text := range point.Group {
			held += len(text) >> 10
		}
		if whole > 0 && len(part) > partPoints {
			return part[:whole], part[whole].Bucket, nil
		}
		if s.groups > 0 && held > s.groups {
			return nil, 0, &engine.LimitError{Limit: "max_query_groups", Value: s.groups, Msg: fmt.Sprintf(
				"one of the query's range aggregations keeps more than %d groups apart; group by fewer labels", s.groups)}
		}
	}
	return part, a.End, nil
}
