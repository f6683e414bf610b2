package jsonlogreceiver

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"

	"github.com/instantdevlogs/devlogs/receiver/jsonlogreceiver/internal/metadata"
)

func load(t *testing.T, name string) (*Config, error) {
	t.Helper()
	file, err := confmaptest.LoadConf(filepath.Join("testdata", "config.yaml"))
	require.NoError(t, err)
	section, err := file.Sub(component.NewIDWithName(metadata.Type, name).String())
	require.NoError(t, err)
	config := createDefaultConfig().(*Config)
	if err := section.Unmarshal(config); err != nil {
		return nil, err
	}
	return config, confmap.Validate(config)
}

func TestTheConfigStructFollowsTheConventions(t *testing.T) {
	require.NoError(t, componenttest.CheckConfigStruct(createDefaultConfig()))
}

func TestAnEmptyConfigHasTheDefaults(t *testing.T) {
	config, err := load(t, "")
	require.NoError(t, err)
	require.Equal(t, createDefaultConfig(), config)
	require.Equal(t, "localhost:4319", config.ServerConfig.NetAddr.Endpoint)
}

func TestEverySettingIsRead(t *testing.T) {
	config, err := load(t, "all")
	require.NoError(t, err)
	require.Equal(t, "localhost:5319", config.ServerConfig.NetAddr.Endpoint)
	require.EqualValues(t, 1<<20, config.ServerConfig.MaxRequestBodySize)
	require.Equal(t, 20*time.Second, config.ServerConfig.ReadTimeout)
	require.Equal(t, FieldsConfig{
		Time: []string{"when", "@timestamp"}, Severity: []string{"lvl"}, Message: []string{"text"}, TraceID: []string{"trace"},
		SpanID: []string{"span"}, TraceFlags: []string{"flags"}, Service: []string{"app"}, Resource: []string{"region", "k_*"},
		Keep: []string{"host"}, Ignore: []string{"secret_*"}, Extra: map[string]string{"env": "prod"},
	}, config.Fields)
	require.Equal(t, LimitsConfig{
		LineBytes: 65536, Depth: 8, Fields: 100, WholeBytes: 524288, Errors: 10, ConcurrentRequests: 4, QueueTimeout: time.Second,
	}, config.Limits)
	require.Equal(t, BatchConfig{MaxRecords: 1000, MaxBytes: 262144}, config.Batch)
	require.Equal(t, SchemaConfig{File: "testdata/schema.json", OnInvalid: "tag"}, config.Schema)
}

func TestABadConfigIsNamed(t *testing.T) {
	_, err := load(t, "bad_limits")
	require.ErrorContains(t, err, "limits.line_bytes must be from 1 to 1073741824, is 0")
	require.ErrorContains(t, err, "limits.queue_timeout must not be negative, is -1s")
	require.ErrorContains(t, err, "batch.max_records must be from 1 to 1048576, is 2000000")
	_, err = load(t, "bad_schema")
	require.ErrorContains(t, err, `schema.on_invalid must be "reject" or "tag", is "ignore"`)
	for _, typo := range []map[string]any{
		{"endpont": "localhost:1"}, {"fields": map[string]any{"tyme": []string{"t"}}}, {"limits": map[string]any{"line_byte": 1}},
	} {
		require.ErrorContains(t, confmap.NewFromStringMap(typo).Unmarshal(createDefaultConfig()), "has invalid keys")
	}
}
