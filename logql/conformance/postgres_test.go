package conformance

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"

	"github.com/instantdevlogs/devlogs/internal/testservices"
	"github.com/instantdevlogs/devlogs/storage/postgres"
)

func TestPostgresAnswersEveryCase(t *testing.T) {
	for _, layout := range []postgres.Layout{postgres.LayoutPlain, postgres.LayoutColumnstore} {
		t.Run(string(layout), func(t *testing.T) {
			database := testservices.PrivatePostgres(t).Database(t)
			if layout == postgres.LayoutColumnstore && !database.Timescale {
				return // testservices has said so
			}
			config := postgres.DefaultConfig(configopaque.String(database.DSN))
			config.Layout = layout
			store, err := postgres.Open(t.Context(), config)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, store.Close()) })
			Run(t, store)
		})
	}
}
