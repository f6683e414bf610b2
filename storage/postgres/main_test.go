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

func openDatabase(t testing.TB, dsn string, layout Layout) *Store {
	config := DefaultConfig(configopaque.String(dsn))
	config.Layout = layout
	s, err := Open(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}
