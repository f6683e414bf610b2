package storagetest

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/instantdevlogs/devlogs/storage"
)

// testStop: readers stop when they are told to, and leave the store usable.
func testStop(t *testing.T, s Store) {
	tenant := newTenant()
	texts := make([]string, 5_000)
	for range 6 {
		write(t, s, tenant, lines("api", arrival, 1, texts...))
	}

	t.Run("a consumer may stop early", func(t *testing.T) {
		for range 20 { // more often than a store has connections
			for _, err := range s.Search(t.Context(), everything(tenant)) {
				require.NoError(t, err)
				break
			}
			for _, err := range s.Tail(t.Context(), everything(tenant), 0) {
				require.NoError(t, err)
				break
			}
			for _, err := range s.Streams(t.Context(), tenant, 0, storage.EndOfTime) {
				require.NoError(t, err)
				break
			}
			for _, err := range s.Aggregate(t.Context(), storage.Aggregation{Query: everything(tenant), Step: 1}) {
				require.NoError(t, err)
				break
			}
		}
	})

	t.Run("a search ends when its context does", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		n := 0
		var last error
		for _, err := range s.Search(ctx, everything(tenant)) {
			if n++; n == 1 {
				cancel()
			}
			last = err
		}
		require.ErrorIs(t, last, context.Canceled)
	})

	t.Run("a tail ends when its context does", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		stats, err := s.Stats(ctx)
		require.NoError(t, err)
		go cancel()
		_, err = collect(s.Tail(ctx, everything(tenant), stats.LastBatch))
		require.ErrorIs(t, err, context.Canceled)
	})

	t.Run("nothing starts after its context ended", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := collect(s.Search(ctx, everything(tenant)))
		require.ErrorIs(t, err, context.Canceled)
		_, err = collect(s.Aggregate(ctx, storage.Aggregation{Query: everything(tenant)}))
		require.ErrorIs(t, err, context.Canceled)
		_, err = collect(s.Streams(ctx, tenant, 0, storage.EndOfTime))
		require.ErrorIs(t, err, context.Canceled)
		_, err = s.Fields(ctx, tenant, "")
		require.ErrorIs(t, err, context.Canceled)
		_, err = s.Get(ctx, tenant, storage.ID{Batch: 1, Row: 0})
		require.ErrorIs(t, err, context.Canceled)
	})
}
