package storagetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/instantdevlogs/devlogs/storage"
)

func testWrite(t *testing.T, s Store) {
	t.Run("the same id is stored once", func(t *testing.T) {
		tenant, id := newTenant(), uuid.New()
		require.Equal(t, storage.Stored, writeID(t, s, tenant, id, "first"))
		require.Equal(t, storage.Duplicate, writeID(t, s, tenant, id, "again"))
		require.Equal(t, []string{"first"}, bodies(search(t, s, everything(tenant))))
	})

	t.Run("the same id at the same time is stored once", func(t *testing.T) {
		tenant := newTenant()
		for range 10 {
			id := uuid.New()
			outcomes := make(chan storage.Outcome, 8)
			var writers sync.WaitGroup
			for range cap(outcomes) {
				writers.Go(func() { outcomes <- writeID(t, s, tenant, id, "line") })
			}
			writers.Wait()
			close(outcomes)
			stored := 0
			for outcome := range outcomes {
				if outcome == storage.Stored {
					stored++
				}
			}
			require.Equal(t, 1, stored)
		}
		require.Len(t, search(t, s, everything(tenant)), 10)
	})

	t.Run("the same id with another payload is refused and harms nobody", func(t *testing.T) {
		tenant, id := newTenant(), uuid.New()
		first, second := storage.OfClient("first"), storage.OfClient("second")
		outcome, err := writeSent(s, tenant, id, first, "first")
		require.NoError(t, err)
		require.Equal(t, storage.Stored, outcome)
		for range 2 {
			_, err = writeSent(s, tenant, id, second, "second")
			require.ErrorIs(t, err, storage.ErrOtherPayload)
			require.False(t, isUnavailable(err), "a client must not try again")
		}
		for _, same := range []storage.Fingerprint{first, {}, storage.OfMessage([]byte("first"))} {
			outcome, err = writeSent(s, tenant, id, same, "retry")
			require.NoError(t, err, "the same, nothing, and what can't be compared are a retry")
			require.Equal(t, storage.Duplicate, outcome)
		}
		outcome, err = writeSent(s, tenant, uuid.New(), second, "second")
		require.NoError(t, err)
		require.Equal(t, storage.Stored, outcome, "under another id it can be stored")
		require.Equal(t, []string{"first", "second"}, bodies(search(t, s, everything(tenant))))

		id = uuid.New()
		writeID(t, s, tenant, id, "without a payload")
		outcome, err = writeSent(s, tenant, id, first, "retry")
		require.NoError(t, err, "of a batch that is older than fingerprints nothing is known")
		require.Equal(t, storage.Duplicate, outcome)
	})

	t.Run("of two payloads under one id at the same time one is stored and the other refused", func(t *testing.T) {
		tenant := newTenant()
		for range 10 {
			id := uuid.New()
			errs := make(chan error, 8)
			var writers sync.WaitGroup
			for i := range cap(errs) {
				text := strconv.Itoa(i % 2)
				writers.Go(func() {
					_, err := writeSent(s, tenant, id, storage.OfClient(text), text)
					errs <- err
				})
			}
			writers.Wait()
			close(errs)
			refused := 0
			for err := range errs {
				if err != nil {
					require.ErrorIs(t, err, storage.ErrOtherPayload)
					refused++
				}
			}
			require.Equal(t, 4, refused)
		}
		require.Len(t, search(t, s, everything(tenant)), 10)
	})

	t.Run("a reader never sees part of a batch", func(t *testing.T) {
		tenant := newTenant()
		const writers, batches, size = 4, 10, 50
		texts := make([]string, size)
		var writing sync.WaitGroup
		for range writers {
			writing.Go(func() {
				for range batches {
					write(t, s, tenant, lines("api", arrival, 1, texts...))
				}
			})
		}
		done := make(chan struct{})
		go func() { writing.Wait(); close(done) }()
		for reading := true; reading; {
			select {
			case <-done:
				reading = false
			default:
			}
			points, err := collect(s.Aggregate(context.Background(), storage.Aggregation{Query: everything(tenant)}))
			require.NoError(t, err)
			for _, p := range points {
				require.Zero(t, p.Count%size, "%d records", p.Count)
			}
			if !reading {
				require.Len(t, points, 1)
				require.EqualValues(t, writers*batches*size, points[0].Count)
			}
		}
	})

	t.Run("the rows are the writer's only until Write returns", func(t *testing.T) {
		tenant := newTenant()
		rows := &storage.Rows{}
		for i := range 20 {
			rows.Reset()
			storage.Encode(rows, lines("api", arrival, 1, fmt.Sprintf("line %d of a text that is not short", i)), tenant, arrival)
			_, err := s.Write(context.Background(), storage.Batch{ID: uuid.New(), Rows: rows})
			require.NoError(t, err)
		}
		for i, body := range bodies(search(t, s, everything(tenant))) {
			require.Equal(t, fmt.Sprintf("line %d of a text that is not short", i), body)
		}
	})

	t.Run("a batch whose context ended can be tried again", func(t *testing.T) {
		tenant, id := newTenant(), uuid.New()
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		rows := &storage.Rows{}
		storage.Encode(rows, lines("api", arrival, 1, "line"), tenant, arrival)
		_, err := s.Write(ctx, storage.Batch{ID: id, Rows: rows})
		if err != nil {
			require.ErrorIs(t, err, context.Canceled)
		}
		writeID(t, s, tenant, id, "line")
		require.Len(t, search(t, s, everything(tenant)), 1)
	})

	t.Run("a tenant that is not UTF-8 is refused", func(t *testing.T) {
		rows := &storage.Rows{}
		storage.Encode(rows, lines("api", arrival, 1, "line"), "\xff", arrival)
		_, err := s.Write(t.Context(), storage.Batch{ID: uuid.New(), Rows: rows})
		require.ErrorContains(t, err, "UTF-8")
		found, _ := collect(s.Search(t.Context(), everything("\xff"))) // whether that is an error is the store's to say
		require.Empty(t, found)
	})

	t.Run("stats count what is stored", func(t *testing.T) {
		before, err := s.Stats(t.Context())
		require.NoError(t, err)
		write(t, s, newTenant(), lines("api", arrival, 1, "a", "b", "c"))
		after, err := s.Stats(t.Context())
		require.NoError(t, err)
		require.Equal(t, before.Records+3, after.Records)
		require.Equal(t, before.Batches+1, after.Batches)
		require.Greater(t, after.LastBatch, before.LastBatch)
		require.LessOrEqual(t, after.MinTime, arrival)
		require.GreaterOrEqual(t, after.MaxTime, arrival+2)
		require.NotZero(t, after.Bytes)
	})
}

func writeID(t *testing.T, s Store, tenant string, id uuid.UUID, texts ...string) storage.Outcome {
	outcome, err := writeSent(s, tenant, id, storage.Fingerprint{}, texts...)
	assert.NoError(t, err)
	return outcome
}

func writeSent(s Store, tenant string, id uuid.UUID, payload storage.Fingerprint, texts ...string) (storage.Outcome, error) {
	rows := &storage.Rows{}
	storage.Encode(rows, lines("api", arrival, 1, texts...), tenant, arrival)
	return s.Write(context.Background(), storage.Batch{ID: id, Rows: rows, Payload: payload})
}

func isUnavailable(err error) bool {
	_, ok := errors.AsType[*storage.UnavailableError](err)
	return ok
}

// testTenants: nothing of one tenant shows in what another asks, though they sent the same.
func testTenants(t *testing.T, s Store) {
	names := []string{newTenant(), "", "it's \"quoted\"; --"}
	var writing sync.WaitGroup
	for i, tenant := range names {
		writing.Go(func() {
			for b := range 5 {
				logs := lines("api", arrival, 1, "same", tenant+strconv.Itoa(b))
				logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes().PutStr("key"+strconv.Itoa(i), "v")
				write(t, s, tenant, logs)
			}
		})
	}
	writing.Wait()
	stream := map[uint64]bool{}
	for i, tenant := range names {
		records := search(t, s, everything(tenant))
		require.Len(t, records, 10)
		for _, r := range records {
			require.Equal(t, tenant, r.Stream.Tenant)
			for _, other := range names {
				_, err := s.Get(t.Context(), other, r.ID)
				if other == tenant {
					require.NoError(t, err)
				} else {
					require.ErrorIs(t, err, storage.ErrNotFound)
				}
			}
		}
		points, err := collect(s.Aggregate(t.Context(), storage.Aggregation{Query: everything(tenant)}))
		require.NoError(t, err)
		require.Len(t, points, 1)
		require.EqualValues(t, 10, points[0].Count)

		streams, err := collect(s.Streams(t.Context(), tenant, 0, storage.EndOfTime))
		require.NoError(t, err)
		require.Len(t, streams, 1)
		require.False(t, stream[streams[0].ID], "tenants have streams of their own")
		stream[streams[0].ID] = true

		fields, err := s.Fields(t.Context(), tenant, "")
		require.NoError(t, err)
		require.Len(t, fields, 1)
		require.Equal(t, "key"+strconv.Itoa(i), fields[0].Name)
	}
}
