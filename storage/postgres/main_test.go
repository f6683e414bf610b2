package postgres

import (
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.uber.org/goleak"

	"github.com/instantdevlogs/devlogs/internal/testservices"
)

func TestMain(m *testing.M) {
	code := testservices.Run(m)
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// testLayouts are the layouts that the server can have.
func testLayouts(t testing.TB) []Layout {
	if testservices.Postgres(t).Timescale {
		return []Layout{LayoutPlain, LayoutColumnstore, LayoutRowstore}
	}
	return []Layout{LayoutPlain}
}

// openTest opens a store in an empty database.
func openTest(t testing.TB, layout Layout) *Store {
	return openDatabase(t, testservices.Postgres(t).DSN, layout)
}

// openQuiet opens a store that is looked after only when the test says so: the test may change its retention.
func openQuiet(t testing.TB, layout Layout) *Store {
	config := DefaultConfig(configopaque.String(testservices.Postgres(t).DSN))
	config.Layout, config.ReadOnly = layout, true
	return openConfig(t, config)
}

func openDatabase(t testing.TB, dsn string, layout Layout) *Store {
	config := DefaultConfig(configopaque.String(dsn))
	config.Layout = layout
	return openConfig(t, config)
}

func openConfig(t testing.TB, config Config) *Store {
	s, err := Open(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}
