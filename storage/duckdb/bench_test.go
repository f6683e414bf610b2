package duckdb_test

import (
	"iter"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/duckdb"
	"github.com/instantdevlogs/devlogs/storage/storagetest"
)

const batchRecords = 5000

// encoded is the corpus, ready to be written.
var encoded = sync.OnceValue(func() []*storage.Rows {
	all := make([]*storage.Rows, 0, storagetest.CorpusSize/batchRecords)
	for from := 0; from < storagetest.CorpusSize; from += batchRecords {
		rows := &storage.Rows{}
		storage.Encode(rows, storagetest.Corpus(from, batchRecords), "", 1)
		all = append(all, rows)
	}
	return all
})

// BenchmarkWrite writes batches of 5,000 records by so many writers at once, each waiting for its commit.
func BenchmarkWrite(b *testing.B) {
	all := encoded()
	for _, writers := range []int{1, 2, 4} {
		b.Run(strconv.Itoa(writers), func(b *testing.B) {
			store := openTemp(b)
			cpu := cpuTime()
			var next atomic.Int64
			var slowest atomic.Int64
			b.ResetTimer()
			var writing sync.WaitGroup
			for range writers {
				writing.Go(func() {
					for i := next.Add(1) - 1; int(i) < b.N; i = next.Add(1) - 1 {
						start := time.Now()
						if _, err := store.Write(b.Context(), storage.Batch{ID: uuid.New(), Rows: all[int(i)%len(all)]}); err != nil {
							b.Error(err)
						}
						slowest.Store(max(slowest.Load(), int64(time.Since(start))))
					}
				})
			}
			writing.Wait()
			b.StopTimer()
			records := float64(b.N * batchRecords)
			b.ReportMetric(records/b.Elapsed().Seconds(), "records/s")
			b.ReportMetric((cpuTime()-cpu).Seconds()/records*1e6, "cpu-s/M")
			b.ReportMetric(float64(slowest.Load())/1e6, "ms-slowest")
			stats, err := store.Stats(b.Context())
			require.NoError(b, err)
			b.ReportMetric(float64(stats.Bytes)/records, "disk-B/record")
		})
	}
}

func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkQuery asks the queries of the design over a million records.
func BenchmarkQuery(b *testing.B) {
	dir := b.TempDir()
	if kept := os.Getenv("DEVLOGS_BENCH_STORE"); kept != "" {
		dir = kept
	}
	store, err := duckdb.Open(b.Context(), duckdb.DefaultConfig(dir))
	require.NoError(b, err)
	defer store.Close()
	stats, err := store.Stats(b.Context())
	require.NoError(b, err)
	if stats.Records == 0 {
		for _, rows := range encoded() {
			_, err := store.Write(b.Context(), storage.Batch{ID: uuid.New(), Rows: rows})
			require.NoError(b, err)
		}
	}
	var service []uint64
	for s, err := range store.Streams(b.Context(), "", 0, storage.EndOfTime) {
		require.NoError(b, err)
		if s.Service == "service-03" {
			service = append(service, s.ID)
		}
	}
	body := storage.FieldRef{Kind: storage.FieldBody}
	query := func(where storage.Expr, limit int) storage.Query {
		return storage.Query{End: storage.EndOfTime, Where: where, Limit: limit}
	}
	count := func(where storage.Expr, step time.Duration, by ...storage.FieldRef) storage.Aggregation {
		return storage.Aggregation{Query: query(where, 0), Step: uint64(step), By: by}
	}
	for _, ask := range []struct {
		name   string
		search *storage.Query
		count  *storage.Aggregation
		want   int
	}{
		{name: "count by stream", count: new(count(nil, 0, storage.FieldRef{Kind: storage.FieldStream})), want: 320},
		{name: "count by 10 min and level", count: new(count(nil, 10*time.Minute, storage.FieldRef{Kind: storage.FieldSeverity})), want: 580},
		{name: "common phrase, newest 100", search: new(query(storage.Text{Field: body, Op: storage.TextContains, Value: "connection refused"}, 100)), want: 100},
		{name: "rare token", search: new(query(storage.Text{Field: body, Op: storage.TextContains, Value: storagetest.Needle}, 100)), want: 1},
		{name: "case-insensitive regex count", count: new(count(storage.Text{Field: body, Op: storage.TextMatch, Value: "(?i)FAILED.*connection"}, 0)), want: 1},
		{name: "attribute = value count", count: new(count(storage.Text{Field: storage.Attribute("http.status_code"), Value: "404"}, 0)), want: 1},
		{name: "trace id", search: new(query(storage.Text{Field: storage.FieldRef{Kind: storage.FieldTraceID}, Value: storagetest.NeedleTrace.String()}, 100)), want: 1},
		{name: "newest 100", search: new(query(nil, 100)), want: 100},
		{name: "newest 100 of a service", search: new(query(storage.InStreams{IDs: service}, 100)), want: 100},
		{name: "substring count", count: new(count(storage.Text{Field: body, Op: storage.TextContains, Value: "blk_"}, 0)), want: 1},
	} {
		b.Run(ask.name, func(b *testing.B) {
			for b.Loop() {
				if ask.search != nil {
					require.Equal(b, ask.want, length(b, store.Search(b.Context(), *ask.search)))
				} else {
					require.InDelta(b, ask.want, length(b, store.Aggregate(b.Context(), *ask.count)), 10)
				}
			}
		})
	}
	b.Run("export everything", func(b *testing.B) {
		for b.Loop() {
			require.Equal(b, storagetest.CorpusSize, length(b, store.Search(b.Context(), query(nil, 0))))
		}
		b.ReportMetric(float64(storagetest.CorpusSize*b.N)/b.Elapsed().Seconds(), "records/s")
	})
}

func length[T any](b testing.TB, seq iter.Seq2[T, error]) (n int) {
	for _, err := range seq {
		require.NoError(b, err)
		n++
	}
	return n
}
