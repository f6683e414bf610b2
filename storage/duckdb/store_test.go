package duckdb_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/instantdevlogs/devlogs/storage/duckdb"
	"github.com/instantdevlogs/devlogs/storage/storagetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func openTemp(t testing.TB) *duckdb.Store {
	store, err := duckdb.Open(t.Context(), duckdb.DefaultConfig(t.TempDir()))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return store
}

func TestContract(t *testing.T) {
	storagetest.Run(t, func(t *testing.T) storagetest.Store { return openTemp(t) })
}
