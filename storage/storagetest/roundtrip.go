package storagetest

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	"pgregory.net/rapid"

	"github.com/instantdevlogs/devlogs/storage"
)

// testRoundTrip: what was sent comes back the same, to the nanosecond and to the type.
func testRoundTrip(t *testing.T, s Store) {
	rapid.Check(t, func(t *rapid.T) {
		sent := Logs().Draw(t, "logs")
		tenant := newTenant()
		write(t, s, tenant, sent)

		received := plog.NewLogs()
		for _, record := range search(t, s, everything(tenant)) {
			require.NoError(t, storage.Decode(&record, received))

			byID, err := s.Get(t.Context(), tenant, record.ID)
			require.NoError(t, err)
			require.Equal(t, record, byID)
		}
		want, got := Canonical(sent), Canonical(received)
		slices.Sort(want) // records are stored in the order of time
		slices.Sort(got)
		require.Equal(t, want, got)
	})
}
