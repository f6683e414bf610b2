package queryapi

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"

	"github.com/instantdevlogs/devlogs/storage/duckdb"
)

// load reads one section of testdata/config.yaml.
func load(t *testing.T, name string) (*Config, error) {
	t.Helper()
	all, err := confmaptest.LoadConf("testdata/config.yaml")
	require.NoError(t, err)
	section, err := all.Sub(name)
	require.NoError(t, err)
	config := createDefaultConfig()
	if err := section.Unmarshal(&config); err != nil {
		return nil, err
	}
	return config.(*Config), confmap.Validate(config)
}

func TestConfigOfAPathAloneHasDefaults(t *testing.T) {
	config, err := load(t, "query_api")
	require.NoError(t, err)
	require.Equal(t, "localhost:3100", config.ServerConfig.NetAddr.Endpoint)
	require.Equal(t, "./devlogs-data", config.Storage.DuckDB.Get().Path)
	require.Equal(t, duckdb.DefaultConfig("").MemoryLimit, config.Storage.DuckDB.Get().MemoryLimit)
	require.Equal(t, createDefaultConfig().(*Config).Limits, config.Limits)
}

func TestConfigReadsEverySetting(t *testing.T) {
	config, err := load(t, "query_api/all")
	require.NoError(t, err)
	require.Equal(t, Limits{
		MaxRows: 10_000, MaxRange: 720 * time.Hour, MaxPoints: 20_000, MaxGroups: 50_000, QueryTimeout: 30 * time.Second,
		MaxQuerySeries: 1000, MaxQuerySteps: 5000, MaxQueryGroups: 20_000, MaxQuerySamples: 100_000, MaxQueryBytes: 10_000_000_000, MaxAnswerBytes: 1_000_000,
		MaxTails: 20, MaxTailLag: 5 * time.Second,
		ExportTimeout: time.Hour, MaxConcurrentQueries: 8, MaxWait: 5 * time.Second,
	}, config.Limits)
	require.Equal(t, []string{"logs.example"}, config.AllowedHosts)
	require.Equal(t, 512, config.Storage.DuckDB.Get().MemoryLimit)
	require.Equal(t, time.Minute, config.ServerConfig.WriteTimeout)
	require.Equal(t, configopaque.MapList(nil), config.ServerConfig.ResponseHeaders)

	ext := &queryAPI{config: config}
	require.Equal(t, []component.ID{component.MustNewID("bearertokenauth")}, ext.Dependencies())
}

func TestConfigOfPostgresOnlyReads(t *testing.T) {
	config, err := load(t, "query_api/postgres")
	require.NoError(t, err)
	require.True(t, config.Storage.Postgres.Get().ReadOnly)
	require.NotContains(t, fmt.Sprintf("%+v", config.Storage.Postgres.Get()), "s3cret")
}

func TestConfigErrorsSayWhatToDo(t *testing.T) {
	for name, wanted := range map[string][]string{
		"query_api/unknown_setting":    {"edpoint"},
		"query_api/no_store":           {"storage: no store to read: set one of duckdb or postgres"},
		"query_api/unknown_store":      {"mysql"},
		"query_api/two_stores":         {"duckdb and postgres are set: one query_api reads one store"},
		"query_api/store_without_dsn":  {"dsn is empty"},
		"query_api/store_without_path": {"path is empty"},
		"query_api/no_endpoint":        {`endpoint is empty: set it to host:port, such as "localhost:3100"`},
		"query_api/bad_limits":         {"limits: max_rows is 0: it must be at least 1", "max_wait is -1s: it must not be negative"},
	} {
		_, err := load(t, name)
		for _, text := range wanted {
			require.ErrorContains(t, err, text, name)
		}
	}
}
