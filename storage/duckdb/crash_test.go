package duckdb_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/duckdb"
)

// crashBatch is how many records a batch has: every other one has enough for a second lane to take part.
func crashBatch(id uuid.UUID) int {
	if id[0]%2 == 0 {
		return laneBatch
	}
	return 300
}

// TestEveryAcknowledgedBatchSurvivesKill: a process that writes is killed at random moments, again and again. What it said
// was stored is there once, and nothing is there in part. Each run also tries the last run's batches again.
func TestEveryAcknowledgedBatchSurvivesKill(t *testing.T) {
	if dir := os.Getenv("DEVLOGS_TEST_WRITER"); dir != "" {
		writeUntilKilled(t, dir)
		return
	}
	dir := t.TempDir()
	acknowledged := map[string]bool{}
	for round := range 8 {
		child := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
		child.Env = append(os.Environ(), "DEVLOGS_TEST_WRITER="+dir)
		output, err := child.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, child.Start())
		killAfter := 5 + rand.IntN(60)
		lines := bufio.NewScanner(output)
		for lines.Scan() {
			id, ok := strings.CutPrefix(lines.Text(), "stored ")
			if !ok {
				continue
			}
			acknowledged[id] = true
			if killAfter--; killAfter == 0 {
				time.AfterFunc(time.Duration(rand.IntN(5_000))*time.Microsecond, func() { _ = child.Process.Kill() })
			}
		}
		require.Error(t, child.Wait(), "round %d ended by itself", round)

		stored := batchSizes(t, dir)
		for id := range acknowledged {
			require.Equal(t, crashBatch(uuid.MustParse(id)), stored[id], "batch %s, which was acknowledged", id)
		}
		for id, n := range stored {
			require.Equal(t, crashBatch(uuid.MustParse(id)), n, "batch %s", id)
		}
	}
	require.NotEmpty(t, acknowledged)
	require.Len(t, partitionFiles(t, dir), 2, "both lanes were at work")
}

// writeUntilKilled writes batches whose records carry the batch's id, and says so after each.
func writeUntilKilled(t *testing.T, dir string) {
	store := openIn(t, duckdb.DefaultConfig(dir))
	var writing sync.WaitGroup
	for range 3 {
		writing.Go(func() {
			for range 100_000 {
				id := uuid.New()
				for range 2 { // the second is a retry, which stores nothing
					if _, err := store.Write(context.Background(), storage.Batch{ID: id, Rows: marked(id, crashBatch(id))}); err != nil {
						return
					}
				}
				fmt.Printf("stored %s\n", id)
			}
		})
	}
	writing.Wait()
}

func batchSizes(t *testing.T, dir string) map[string]int {
	store, err := duckdb.Open(t.Context(), duckdb.DefaultConfig(dir))
	require.NoError(t, err)
	defer store.Close()
	sizes := map[string]int{}
	body := storage.FieldRef{Kind: storage.FieldEventName}
	for p, err := range store.Aggregate(t.Context(), storage.Aggregation{
		Query: storage.Query{End: storage.EndOfTime}, By: []storage.FieldRef{body},
	}) {
		require.NoError(t, err)
		sizes[p.Group[0]] = int(p.Count)
	}
	return sizes
}

// TestAFullDiskRefusesAndRecovers: on a file system without space, Write says so and stores nothing; when space returns, the
// same store goes on.
func TestAFullDiskRefusesAndRecovers(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=24m"), "mounting a small file system needs root")
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	store, err := duckdb.Open(t.Context(), duckdb.DefaultConfig(dir))
	require.NoError(t, err)
	defer func() { require.NoError(t, store.Close()) }()

	stored := 0
	var refused uuid.UUID
	for i := 0; ; i++ {
		require.Less(t, i, 1000, "the disk never filled")
		id := uuid.New()
		_, err := tryPut(t.Context(), store, id, i*5000, 5000)
		if err == nil {
			stored += 5000
			continue
		}
		var unavailable *storage.UnavailableError
		require.ErrorAs(t, err, &unavailable)
		require.False(t, unavailable.Overloaded)
		require.GreaterOrEqual(t, unavailable.RetryAfter, time.Second)
		require.Contains(t, unavailable.Reason, "free space")
		refused = id
		break
	}
	require.NoError(t, syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=256m"))
	put(t, store, refused, 0, 5000)
	require.Equal(t, stored+5000, count(t, store), "what was acknowledged, and what was tried again")
}

// TestAFullDiskBesideTwoLanes: both lanes run out of space at work, more than once, and their clients try again. Each batch is
// there once, and a tail that was there all the time has seen it once.
func TestAFullDiskBesideTwoLanes(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=16m"), "mounting a small file system needs root")
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	store := openIn(t, duckdb.DefaultConfig(dir))

	const writers, batches = 4, 25
	refused := make(chan struct{}, writers*batches)
	var refusals atomic.Int64
	var ids sync.Map
	var writing, ending sync.WaitGroup
	defer ending.Wait()
	for range writers {
		writing.Go(func() {
			for range batches {
				id := uuid.New()
				ids.Store(id.String(), true)
				for {
					_, err := store.Write(t.Context(), storage.Batch{ID: id, Rows: marked(id, laneBatch)})
					if err == nil {
						break
					}
					if unavailable, ok := errors.AsType[*storage.UnavailableError](err); !assert.True(t, ok, "%v", err) || unavailable.Overloaded {
						return
					}
					refusals.Add(1)
					refused <- struct{}{}
				}
			}
		})
	}
	end := uuid.New()
	ending.Go(func() {
		writing.Wait()
		close(refused)
	})
	ending.Go(func() {
		resize := func(mib int) {
			assert.NoError(t, syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, fmt.Sprintf("size=%dm", mib)))
		}
		n := 0
		for range refused {
			if n++; n%(2*writers) == 0 {
				resize(16 + n/writers*4) // too little again and again
			}
		}
		resize(256)
		_, err := store.Write(t.Context(), storage.Batch{ID: end, Rows: marked(end, 1)})
		for err != nil && t.Context().Err() == nil {
			_, err = store.Write(t.Context(), storage.Batch{ID: end, Rows: marked(end, 1)})
		}
		assert.NoError(t, err)
	})

	seen := map[string]int{}
	var last storage.ID
	for r := range tailThroughReopening(t, store) {
		require.Positive(t, r.ID.Compare(last), "in the order of the ledger")
		last = r.ID
		if r.EventName == end.String() {
			break
		}
		seen[r.EventName]++
	}
	require.NotZero(t, refusals.Load(), "the disk never filled")
	stored := 0
	ids.Range(func(id, _ any) bool {
		stored++
		return assert.Equal(t, laneBatch, seen[id.(string)], "rows of batch %s that the tail saw", id)
	})
	require.Equal(t, writers*batches, stored)
	require.Equal(t, writers*batches*laneBatch+1, count(t, store))
}

// tailThroughReopening is a tail of everything that goes on where it was. Readers see errors from when the disk is full until the
// next Write opens the store again.
func tailThroughReopening(t *testing.T, store *duckdb.Store) iter.Seq[storage.Record] {
	return func(yield func(storage.Record) bool) {
		var last storage.ID
		for t.Context().Err() == nil {
			for r, err := range store.Tail(t.Context(), storage.Query{End: storage.EndOfTime}, max(last.Batch, 1)-1) {
				if err != nil {
					break
				}
				if r.ID.Compare(last) <= 0 {
					continue
				}
				if last = r.ID; !yield(r) {
					return
				}
			}
		}
	}
}

// marked is n rows that carry an id as their event name.
func marked(id uuid.UUID, n int) *storage.Rows {
	logs := corpusOf(n)
	for _, rl := range logs.ResourceLogs().All() {
		for _, r := range rl.ScopeLogs().At(0).LogRecords().All() {
			r.SetEventName(id.String())
		}
	}
	rows := &storage.Rows{}
	storage.Encode(rows, logs, "", 1)
	return rows
}
