package livefeed

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/instantdevlogs/devlogs/logql"
	"github.com/instantdevlogs/devlogs/queryapi/logplan"
	"github.com/instantdevlogs/devlogs/storage"
)

// canned is a store whose tail gives records and then fails.
type canned struct {
	storage.Reader
	records []storage.Record
	joined  func() bool // nothing is given before all readers have joined
}

var errEnd = errors.New("the end")

func (c *canned) Head(context.Context) (uint64, error) {
	for !c.joined() {
		runtime.Gosched()
	}
	return 0, nil
}

func (c *canned) Tail(context.Context, storage.Query, uint64) iter.Seq2[storage.Record, error] {
	return func(yield func(storage.Record, error) bool) {
		for i := range c.records {
			if !yield(c.records[i], nil) {
				return
			}
		}
		yield(storage.Record{}, errEnd)
	}
}

// planned is what a planner asks.
type planned struct {
	logplan.Store
	feeds *Feeds
}

func (p planned) Tail(ctx context.Context, q storage.Query, from uint64, streams func(*storage.Stream) bool) iter.Seq2[storage.Record, error] {
	return p.feeds.Tail(ctx, Query{Query: q, Streams: streams}, from)
}

var benchQueries = []string{
	`{service_name="service-%d"}`, `{} |= "n=%d;"`, `{service_name=~"service-[%d5]"} | http_status_code = 500`,
	`{service_name!="service-1"} |= "w=%d" != "n=1"`, `{} |~ "n=[0-9]*%d;" | logfmt | line_format "{{.n}}"`,
}

// BenchmarkFanOut: 10,000 records go through the pipelines of one reader, and of twenty.
func BenchmarkFanOut(b *testing.B) {
	const records, batch = 10_000, 250
	streams := make([]storage.Stream, 8)
	for i := range streams {
		streams[i] = storage.Stream{ID: uint64(i), Resource: fmt.Sprintf(`{"service.name":"service-%d"}`, i), Scope: "{}"}
	}
	store := &canned{records: make([]storage.Record, records)}
	for i := range store.records {
		store.records[i] = storage.Record{
			ID: storage.ID{Batch: 1 + uint64(i/batch), Row: uint32(i % batch)}, Time: 1_760_000_000_000_000_000, Severity: 9,
			Body:       fmt.Sprintf("w=%d n=%d; a message of ordinary length about nothing in particular", i%4, i%batch),
			Attributes: fmt.Sprintf(`{"http.status_code":%d}`, 200+100*(i%5)), Stream: &streams[i%batch*len(streams)/batch],
		}
	}
	for _, readers := range []int{1, 20} {
		b.Run(fmt.Sprintf("readers=%d", readers), func(b *testing.B) {
			queries := make([]*logql.LogQuery, readers)
			for i := range queries {
				var err error
				queries[i], err = logql.ParseLog(fmt.Sprintf(benchQueries[i%len(benchQueries)], i%4))
				require.NoError(b, err)
			}
			b.ReportAllocs()
			for b.Loop() {
				feeds := New(store)
				store.joined = func() bool {
					feeds.mu.Lock()
					defer feeds.mu.Unlock()
					return feeds.feeds[""].readers == readers
				}
				var reading sync.WaitGroup
				for _, q := range queries {
					planner := logplan.New(planned{logplan.ForTenant(store, ""), feeds}, logplan.Options{})
					reading.Go(func() {
						for range planner.Tail(b.Context(), q, 0, 0) {
						}
					})
				}
				reading.Wait()
			}
			b.ReportMetric(float64(records*b.N)/b.Elapsed().Seconds(), "records/s")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(records*b.N*readers), "ns/record/reader")
		})
	}
}
