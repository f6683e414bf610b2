package conformance

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"

	"github.com/instantdevlogs/devlogs/internal/testservices"
	"github.com/instantdevlogs/devlogs/storage/postgres"
)

func TestPostgresAnswersEveryCase(t *testing.T) {
	config := postgres.DefaultConfig(configopaque.String(testservices.PrivatePostgres(t).Database(t).DSN))
	config.Layout = postgres.LayoutPlain
	store, err := postgres.Open(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	Run(t, store)
}
