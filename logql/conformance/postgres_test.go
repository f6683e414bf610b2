package conformance

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"

	"github.com/instantdevlogs/devlogs/internal/testservices"
	"github.com/instantdevlogs/devlogs/storage/postgres"
)

func TestPostgresAnswersEveryCase(t *testing.T) {
	layouts := []postgres.Layout{postgres.LayoutPlain}
	server := testservices.PrivatePostgres(t)
	if server.Database(t).Timescale {
		layouts = append(layouts, postgres.LayoutColumnstore)
	}
	for _, layout := range layouts {
		t.Run(string(layout), func(t *testing.T) {
			config := postgres.DefaultConfig(configopaque.String(server.Database(t).DSN))
			config.Layout = layout
			store, err := postgres.Open(t.Context(), config)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, store.Close()) })
			Run(t, store)
		})
	}
}
