package livefeed

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/instantdevlogs/devlogs/internal/testservices"
	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/storagetest"
)

// shared is a store whose tails are those of feeds.
type shared struct {
	testStore
	feeds *Feeds
}

func (s shared) Tail(ctx context.Context, q storage.Query, from uint64) iter.Seq2[storage.Record, error] {
	return s.feeds.Tail(ctx, Query{Query: q}, from)
}

// feedSizes: with next to nothing in memory readers have to ask the store all the time.
var feedSizes = map[string]int{"that holds much": keep, "that holds a few records": 8 * recordBytes, "that holds the newest record": 1}

func newFeeds(store Store, size int) *Feeds {
	feeds := New(store)
	feeds.keep = size
	return feeds
}

func TestFollowingAFeedIsAsFollowingTheStore(t *testing.T) {
	for name, open := range map[string]func(*testing.T) testStore{
		"duckdb":   func(t *testing.T) testStore { return openDuckDB(t) },
		"postgres": func(t *testing.T) testStore { return openPostgres(t, testservices.Postgres(t).DSN) },
	} {
		for size, bytes := range feedSizes {
			t.Run(name+" with a feed "+size, func(t *testing.T) {
				store := open(t)
				storagetest.Tail(t, shared{store, newFeeds(store, bytes)})
			})
		}
	}
}

// wish is what a reader of the next test asks for.
type wish struct {
	name    string
	where   storage.Expr
	streams func(*storage.Stream) bool
	wants   func(*storage.Record) bool
}

var wishes = []wish{
	{"everything", nil, nil, func(*storage.Record) bool { return true }},
	{"a word", contains("n=3;"), nil, func(r *storage.Record) bool { return strings.Contains(r.Body, "n=3;") }},
	{"a stream", nil, func(s *storage.Stream) bool { return s.Service == "service-1" }, func(r *storage.Record) bool { return r.Stream.Service == "service-1" }},
	{"a word in a stream", storage.Not{X: contains("n=1;")}, func(s *storage.Stream) bool { return s.Service == "service-0" },
		func(r *storage.Record) bool {
			return r.Stream.Service == "service-0" && !strings.Contains(r.Body, "n=1;")
		}},
	{"what is rare", contains("w=1 b=7 n=3;"), nil, func(r *storage.Record) bool { return strings.Contains(r.Body, "w=1 b=7 n=3;") }},
}

// TestReadersThatComeAndGoMissNothingAndRepeatNothing: while several writers commit for two tenants, readers begin somewhere,
// go away after some records, and resume behind the last that they got. Each gets what a search finds, in the order of commits.
func TestReadersThatComeAndGoMissNothingAndRepeatNothing(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for size, bytes := range feedSizes {
		t.Run("of a feed "+size, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store storage.Reader, writers []storage.Writer) {
				comeAndGo(t, rand.New(rand.NewPCG(seed, 0)), newFeeds(store, bytes), store, writers)
			})
		})
	}
}

func comeAndGo(t *testing.T, random *rand.Rand, feeds *Feeds, store storage.Reader, writers []storage.Writer) {
	const batches, readers = 30, 8
	tenants := []string{"red", "blue"}
	for _, tenant := range tenants {
		write(t, writers[0], tenant, "w=0 b=0 n=3; before all", "w=0 b=0 n=3; before all")
	}
	progress := make([]chan struct{}, batches) // closed when so many batches of the first writer are stored
	for i := range progress {
		progress[i] = make(chan struct{})
	}
	var writing sync.WaitGroup
	for w, writer := range writers {
		writing.Go(func() {
			for b := range batches {
				for _, tenant := range tenants {
					var texts []string
					for n := range 6 {
						texts = append(texts, fmt.Sprintf("w=%d b=%d n=%d; of %s", w, b, n, tenant))
					}
					write(t, writer, tenant, texts...)
				}
				if w == 0 {
					close(progress[b])
				}
			}
		})
	}
	type result struct {
		wish
		tenant string
		from   uint64
		got    []storage.ID
	}
	results := make([]result, 2*readers)
	var reading sync.WaitGroup
	for i := range results {
		r := &results[i]
		r.wish, r.tenant = wishes[random.IntN(len(wishes))], tenants[i%2]
		begin, past, stops := random.IntN(batches), random.IntN(2) == 0, random.IntN(4)*random.IntN(30)
		reading.Go(func() {
			<-progress[begin]
			if !past {
				var err error
				r.from, err = store.Head(context.Background())
				assert.NoError(t, err)
			}
			r.got = readUntilTheEnd(t, feeds, r.tenant, r.wish, r.from, stops)
		})
	}
	writing.Wait()
	for _, tenant := range tenants { // the last of all commits: what a reader of anything gets
		write(t, writers[0], tenant, theEnd, theEnd)
	}
	reading.Wait()
	for _, r := range results {
		var want []storage.ID
		for record, err := range store.Search(t.Context(), storage.Query{Tenant: r.tenant, End: storage.EndOfTime}) {
			require.NoError(t, err)
			if record.Batch > r.from && r.wants(&record) {
				want = append(want, record.ID)
			}
		}
		slices.SortFunc(want, storage.ID.Compare)
		require.Equal(t, want, r.got, "%s of %s after %d", r.name, r.tenant, r.from)
	}
	require.Empty(t, feeds.feeds, "the last reader has left")
}

// theEnd is among what every wish is for.
const theEnd = "w=1 b=7 n=3; the end"

// readUntilTheEnd follows until theEnd has come; with stops, it goes away after every so many records and comes again.
func readUntilTheEnd(t *testing.T, feeds *Feeds, tenant string, w wish, from uint64, stops int) (got []storage.ID) {
	seen := storage.ID{Batch: from, Row: 1<<32 - 1}
	q := everything(tenant)
	q.Where, q.Streams = w.where, w.streams
	for {
		n := 0
		for r, err := range feeds.Tail(context.Background(), q, from) {
			if !assert.NoError(t, err) || !assert.Equal(t, tenant, r.Stream.Tenant) {
				return got
			}
			if r.ID.Compare(seen) <= 0 {
				continue // the batch comes again whole
			}
			got, seen = append(got, r.ID), r.ID
			if r.Body == theEnd && (r.Row == 1 || w.streams != nil) {
				return got
			}
			if n++; n == stops {
				from = r.Batch - 1
				break
			}
		}
	}
}

// counting counts the tails of a store that are followed.
type counting struct {
	storage.Reader
	begun, open atomic.Int64
}

func (c *counting) Tail(ctx context.Context, q storage.Query, from uint64) iter.Seq2[storage.Record, error] {
	return func(yield func(storage.Record, error) bool) {
		c.begun.Add(1)
		c.open.Add(1)
		defer c.open.Add(-1)
		c.Reader.Tail(ctx, q, from)(yield)
	}
}

// following is a reader beside a test.
type following struct {
	records chan storage.Record
	ended   chan error
	leave   context.CancelFunc
}

func follow(feeds *Feeds, q Query, from uint64) *following {
	ctx, leave := context.WithCancel(context.Background())
	f := &following{records: make(chan storage.Record), ended: make(chan error, 1), leave: leave}
	go func() {
		var failed error
		for r, err := range feeds.Tail(ctx, q, from) {
			if err != nil {
				failed = err
				break
			}
			select {
			case f.records <- r:
			case <-ctx.Done():
			}
		}
		f.ended <- failed // when the reader has left
	}()
	return f
}

func (f *following) gone(t *testing.T) {
	f.leave()
	require.ErrorIs(t, <-f.ended, context.Canceled)
}

func TestATenantHasOneTailOfTheStoreFromItsFirstReaderToItsLast(t *testing.T) {
	store := openDuckDB(t)
	counted := &counting{Reader: store}
	feeds := New(counted)
	var all []*following
	for range 5 {
		all = append(all, follow(feeds, everything("red"), 0), follow(feeds, everything("blue"), 0))
	}
	write(t, store, "red", "of red")
	write(t, store, "blue", "of blue")
	for i, f := range all {
		require.Equal(t, []string{"of red", "of blue"}[i%2], (<-f.records).Body)
	}
	require.EqualValues(t, 2, counted.begun.Load())
	for i, f := range all {
		f.gone(t)
		if i == len(all)-3 {
			require.EqualValues(t, 2, counted.open.Load(), "each tenant has one reader left")
		}
	}
	require.Zero(t, counted.open.Load(), "who leaves last waits until all has ended")

	again := follow(feeds, everything("red"), 0)
	require.Equal(t, "of red", (<-again.records).Body)
	again.gone(t)
	require.EqualValues(t, 3, counted.begun.Load())
}

func TestAReaderThatWaitsCostsOthersNothingAndGetsAllLater(t *testing.T) {
	eachStore(t, func(t *testing.T, store storage.Reader, writers []storage.Writer) {
		const batches, size, held = 10, 300, 64 << 10
		feeds := newFeeds(store, held)
		slow, quick := follow(feeds, everything(""), 0), follow(feeds, everything(""), 0)
		write(t, writers[0], "", "the first")
		require.Equal(t, "the first", (<-slow.records).Body)
		require.Equal(t, "the first", (<-quick.records).Body)
		var want []string
		for b := range batches {
			var texts []string
			for n := range size {
				texts = append(texts, fmt.Sprintf("%d/%d %s", b, n, strings.Repeat("x", 500)))
			}
			write(t, writers[0], "", texts...)
			for range size {
				want = append(want, (<-quick.records).Body) // while the slow one does not take anything
			}
		}
		feed := feeds.feeds[""]
		feed.mu.Lock()
		require.LessOrEqual(t, feed.size, held)
		require.Less(t, len(feed.pieces), 2*pieces)
		feed.mu.Unlock()
		var got []string
		for range batches * size {
			got = append(got, (<-slow.records).Body)
		}
		require.Equal(t, want, got)
		slow.gone(t)
		quick.gone(t)
	})
}

// TestReadersThatCatchUpAndWaitHoldNoConnection: more readers than the pool has connections have begun to catch up and don't go on.
func TestReadersThatCatchUpAndWaitHoldNoConnection(t *testing.T) {
	eachStore(t, func(t *testing.T, store storage.Reader, writers []storage.Writer) {
		write(t, writers[0], "", "one", "two", "three")
		feeds := New(store)
		var waiting []*following
		for range 25 {
			f := follow(feeds, everything(""), 0)
			require.NotEmpty(t, (<-f.records).Body) // and it waits with the next in hand
			waiting = append(waiting, f)
		}
		write(t, writers[0], "", "four")
		quick := follow(feeds, everything(""), 0)
		for range 4 {
			<-quick.records
		}
		quick.gone(t)
		for _, f := range waiting {
			f.gone(t)
		}
	})
}

func TestWhenTheDatabaseFailsAllReadersAreToldAndCanGoOn(t *testing.T) {
	server := testservices.PrivatePostgres(t)
	server.Database(t)
	proxy := testservices.NewFaultProxy(t, server.Network(), server.Address())
	store := openPostgres(t, fmt.Sprintf("host=127.0.0.1 port=%d user=postgres dbname=test sslmode=disable", proxy.Port()))
	feeds := New(store)
	position := uint64(0)
	for round := range 3 {
		var all []*following
		for range 4 {
			all = append(all, follow(feeds, everything(""), position))
		}
		write(t, store, "", fmt.Sprint("round ", round))
		for _, f := range all {
			r := <-f.records
			require.Equal(t, fmt.Sprint("round ", round), r.Body)
			position = r.Batch
		}
		proxy.Refuse()
		for _, f := range all {
			require.ErrorAs(t, <-f.ended, new(*storage.UnavailableError))
			f.leave()
		}
		require.Empty(t, feeds.feeds)
		proxy.Resume()
	}
}

// failing is a store that can't be followed.
type failing struct{ storage.Reader }

var errBroken = errors.New("broken")

func (failing) Head(context.Context) (uint64, error) { return 0, errBroken }

func TestAStoreThatFailsIsAskedLessAndLessOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		feeds := New(failing{})
		var waited []time.Duration
		for range 8 {
			began := time.Now()
			for _, err := range feeds.Tail(t.Context(), everything(""), 0) {
				require.ErrorIs(t, err, errBroken)
			}
			waited = append(waited, time.Since(began).Round(time.Millisecond))
		}
		ms := time.Millisecond
		require.Equal(t, []time.Duration{0, 100 * ms, 200 * ms, 400 * ms, 800 * ms, 1600 * ms, 3200 * ms, 5 * time.Second}, waited)
	})
}
