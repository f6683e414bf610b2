package postgres

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/instantdevlogs/devlogs/internal/testservices"
	"github.com/instantdevlogs/devlogs/storage"
)

// Few records go to a columnstore as rows and many as columns. TimescaleDB once hid the rows of a day for whom both came first.
// Neither may a writer hear that something is wrong with its records because others make the day's tables, too: a drain would make
// dead letters of them.
func TestThoseWhoBeginADayTogetherAreAllFound(t *testing.T) {
	const days, writers = 12, 4
	for _, layout := range testLayouts(t) {
		dsn := testservices.Postgres(t).DSN
		stores := [2]*Store{openDatabase(t, dsn, layout), openDatabase(t, dsn, layout)}
		for day := range uint64(days) {
			at := now() - day*24*3600e9
			start := make(chan struct{})
			var writing sync.WaitGroup
			for i := range writers {
				s, batch := stores[i%2], batchAt("", at, minDirect+i*minDirect/2-1)
				writing.Go(func() {
					<-start
					_, err := s.WriteAll(t.Context(), []storage.Batch{batch})
					assert.NoError(t, err, layout)
				})
				writing.Go(func() {
					<-start
					for range 4 {
						assert.NoError(t, s.Check(t.Context(), batch.Rows), layout)
					}
				})
			}
			close(start)
			writing.Wait()
		}
		require.EqualValues(t, days*(4*minDirect+3*minDirect-4), count(t, stores[0], ""), layout)
	}
}
