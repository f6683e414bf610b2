package duckdbexporter

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"

	"github.com/instantdevlogs/devlogs/exporter/duckdbexporter/internal/metadata"
	"github.com/instantdevlogs/devlogs/storage/duckdb"
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

func TestConfigDefaultsKeepEverythingAndDeduplicate(t *testing.T) {
	config := loadConfig(t, "")
	require.Equal(t, &Config{StoreConfig: duckdb.DefaultConfig("./devlogs-data"), DeduplicateRetries: true}, config)
	require.NoError(t, confmap.Validate(config))
}

func TestConfigReadsEverySetting(t *testing.T) {
	config := loadConfig(t, "full")
	store := duckdb.DefaultConfig("/var/lib/devlogs")
	store.MemoryLimit, store.Threads, store.MaxPending = 512, 2, 128
	store.Retention = duckdb.Retention{MaxAge: 168 * time.Hour, MaxBytes: 10_000_000_000}
	require.Equal(t, &Config{StoreConfig: store}, config)
	require.NoError(t, confmap.Validate(config))
}

func TestConfigSaysAllThatIsWrong(t *testing.T) {
	err := confmap.Validate(loadConfig(t, "bad"))
	require.ErrorContains(t, err, "path is empty")
	require.ErrorContains(t, err, "retention.max_age")
}
