package duckdb_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/duckdb"
)

// laneBatch is enough rows for a second lane to take part.
const laneBatch = 2100

// writeBeside has four writers write batches, each marked with its id, until two lanes have taken part and it was so many
// batches at least. It returns the ids.
func writeBeside(t *testing.T, store *duckdb.Store, dir string, least int64) map[string]bool {
	const most = 400
	var mu sync.Mutex
	var started atomic.Int64
	ids := map[string]bool{}
	var writing sync.WaitGroup
	for range 4 {
		writing.Go(func() {
			for started.Add(1) <= most && (len(partitionFiles(t, dir)) < 2 || started.Load() < least) {
				id := uuid.New()
				outcome, err := store.Write(t.Context(), storage.Batch{ID: id, Rows: marked(id, laneBatch)})
				assert.NoError(t, err)
				assert.Equal(t, storage.Stored, outcome)
				mu.Lock()
				ids[id.String()] = true
				mu.Unlock()
			}
		})
	}
	writing.Wait()
	require.Len(t, partitionFiles(t, dir), 2, "both lanes were at work")
	return ids
}

func TestTwoLanesStoreEachBatchOnceAndGoOnAfterReopening(t *testing.T) {
	dir := t.TempDir()
	store := openIn(t, duckdb.DefaultConfig(dir))
	ids := writeBeside(t, store, dir, 40)
	before, err := store.Stats(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, len(ids), before.LastBatch)
	require.NoError(t, store.Close())

	store = openIn(t, duckdb.DefaultConfig(dir))
	after, err := store.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, before.LastBatch, after.LastBatch)
	ledger, err := store.Entries(t.Context(), "", 0, len(ids)+1)
	require.NoError(t, err)
	require.Len(t, ledger, len(ids))
	for i, entry := range ledger {
		require.EqualValues(t, i+1, entry.Seq)
		require.Contains(t, ids, entry.ID.String())
		require.EqualValues(t, laneBatch, entry.Rows)
		r, err := store.Get(t.Context(), "", storage.ID{Batch: entry.Seq})
		require.NoError(t, err)
		require.Equal(t, entry.ID.String(), r.EventName, "batch %d", entry.Seq)
		outcome, err := store.Write(t.Context(), storage.Batch{ID: entry.ID, Rows: marked(entry.ID, laneBatch)})
		require.NoError(t, err)
		require.Equal(t, storage.Duplicate, outcome, "it is found in the file of either lane")
	}
	put(t, store, uuid.New(), 0, 10)
	goneOn, err := store.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, before.LastBatch+1, goneOn.LastBatch)
	require.Len(t, partitionFiles(t, dir), 2, "what is begun is gone on with")
}

func TestLittleGoesToOneFile(t *testing.T) {
	dir := t.TempDir()
	store := openIn(t, duckdb.DefaultConfig(dir))
	var writing sync.WaitGroup
	for range 4 {
		writing.Go(func() {
			for range 50 {
				put(t, store, uuid.New(), 0, 100)
			}
		})
	}
	writing.Wait()
	require.Len(t, partitionFiles(t, dir), 1)
}

// TestATailMissesNothingOfTwoLanes: lanes commit in another order than they number their batches in.
func TestATailMissesNothingOfTwoLanes(t *testing.T) {
	dir := t.TempDir()
	store := openIn(t, duckdb.DefaultConfig(dir))
	head, err := store.Head(t.Context())
	require.NoError(t, err)
	var ids map[string]bool
	end := uuid.New()
	var writing sync.WaitGroup
	writing.Go(func() {
		ids = writeBeside(t, store, dir, 200)
		_, err := store.Write(t.Context(), storage.Batch{ID: end, Rows: marked(end, 1)})
		assert.NoError(t, err)
	})
	defer writing.Wait()

	rows := map[string]int{}
	var last storage.ID
	for r, err := range store.Tail(t.Context(), storage.Query{End: storage.EndOfTime}, head) {
		require.NoError(t, err)
		require.Positive(t, r.ID.Compare(last), "in the order of the ledger")
		last = r.ID
		if r.EventName == end.String() {
			break
		}
		rows[r.EventName]++
	}
	writing.Wait()
	for id := range ids {
		require.Equal(t, laneBatch, rows[id], "rows of batch %s", id)
	}
}

// TestTwinsUnderWayAreStoredOnce sends each batch four times at once, so that a lane finds its twin with the other.
func TestTwinsUnderWayAreStoredOnce(t *testing.T) {
	store := openTemp(t)
	for range 30 {
		id := uuid.New()
		rows := marked(id, laneBatch)
		var stored, duplicates atomic.Int64
		var writing sync.WaitGroup
		for range 4 {
			writing.Go(func() {
				switch outcome, err := store.Write(t.Context(), storage.Batch{ID: id, Rows: rows}); {
				case !assert.NoError(t, err):
				case outcome == storage.Stored:
					stored.Add(1)
				case outcome == storage.Duplicate:
					duplicates.Add(1)
				}
			})
			writing.Go(func() { put(t, store, uuid.New(), 0, laneBatch) }) // so that the lanes are busy at other times
		}
		writing.Wait()
		require.EqualValues(t, 1, stored.Load())
		require.EqualValues(t, 3, duplicates.Load())
	}
	require.Equal(t, 30*5*laneBatch, count(t, store))
}

// TestRetentionBesideTwoLanes drops whatever can be dropped while both write: nothing that is under way fails, and no place
// in the ledger is given twice.
func TestRetentionBesideTwoLanes(t *testing.T) {
	config := duckdb.DefaultConfig(t.TempDir())
	config.Retention.MaxAge = time.Nanosecond
	store := openIn(t, config)
	var writing sync.WaitGroup
	for range 4 {
		writing.Go(func() {
			for range 15 {
				put(t, store, uuid.New(), 0, laneBatch)
			}
		})
	}
	written := make(chan struct{})
	go func() { writing.Wait(); close(written) }()
	for working := true; working; {
		select {
		case <-written:
			working = false
		default:
		}
		require.NoError(t, duckdb.DropExpired(store, t.Context()))
	}
	require.NoError(t, store.Close())
	store = openIn(t, config)
	put(t, store, uuid.New(), 0, 1)
	stats, err := store.Stats(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 4*15+1, stats.LastBatch)
}
