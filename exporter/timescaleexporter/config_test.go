package timescaleexporter

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"

	"github.com/instantdevlogs/devlogs/exporter/timescaleexporter/internal/metadata"
	"github.com/instantdevlogs/devlogs/exporter/timescaleexporter/queue"
	"github.com/instantdevlogs/devlogs/storage/postgres"
)

func loadConfig(t *testing.T, name string) *Config {
	t.Helper()
	all, err := confmaptest.LoadConf(filepath.Join("testdata", "config.yaml"))
	require.NoError(t, err)
	sub, err := all.Sub(component.NewIDWithName(metadata.Type, name).String())
	require.NoError(t, err)
	config := createDefaultConfig().(*Config)
	require.NoError(t, sub.Unmarshal(config))
	return config
}

func TestConfigNeedsNoMoreThanTheTwoPlaces(t *testing.T) {
	config := loadConfig(t, "")
	require.NoError(t, confmap.Validate(config))
	want := queue.DefaultConfig()
	want.URL = "redis://localhost:6379/0"
	require.Equal(t, want, config.Redis.Queue)
	require.Equal(t, postgres.DefaultConfig("postgres://localhost:5432/logs"), *config.Postgres.Get())
	require.Equal(t, RoleAll, config.Role)
	require.True(t, config.DeduplicateRetries)
}

func TestConfigReadsEverySetting(t *testing.T) {
	config := loadConfig(t, "full")
	require.NoError(t, confmap.Validate(config))
	require.Equal(t, queue.Config{
		URL: "rediss://devlogs:secret@redis:6380/1", Cluster: true, Prefix: "staging", Shards: 4, MaxEntries: 1000, MaxBytes: 1 << 20,
	}, config.Redis.Queue)
	require.Equal(t, "redis.internal", config.Redis.TLS.Get().ServerName)
	database := postgres.DefaultConfig(configopaque.String("postgres://devlogs:secret@db:5432/logs"))
	database.Layout, database.MaxConcurrentWrites = postgres.LayoutPlain, 4
	database.Retention.MaxAge = 720 * time.Hour
	require.Equal(t, database, *config.Postgres.Get())
	require.Equal(t, RoleDrain, config.Role)
	require.Equal(t, time.Second, config.Timeout)
	require.False(t, config.DeduplicateRetries)
	require.Equal(t, DrainConfig{
		Consumers: 4, MaxRows: 1000, MaxBytes: 1_000_000, Timeout: 30 * time.Second, ClaimAfter: 5 * time.Second,
	}, config.Drain)
}

func TestAGatewayNeedsNoDatabase(t *testing.T) {
	require.NoError(t, confmap.Validate(loadConfig(t, "gateway")))
}

func TestConfigSaysAllThatIsWrong(t *testing.T) {
	err := confmap.Validate(loadConfig(t, "empty"))
	require.ErrorContains(t, err, "redis.url is not set")
	require.ErrorContains(t, err, "postgres")
	err = confmap.Validate(loadConfig(t, "bad"))
	for _, wrong := range []string{
		"redis.url can't be read", "redis.prefix", "redis.shards", "redis.max_entries", `layout "rows"`, `role "both"`, "timeout can't",
		"drain.consumers", "drain.timeout", "drain.claim_after",
	} {
		require.ErrorContains(t, err, wrong)
	}
	require.NotContains(t, err.Error(), "secret")
}
