package duckdbexporter

import (
	"go.opentelemetry.io/collector/component"

	"github.com/instantdevlogs/devlogs/storage/duckdb"
)

// Config of the duckdb exporter.
type Config struct {
	// StoreConfig is where and how logs are kept. It validates itself.
	StoreConfig duckdb.Config `mapstructure:",squash"`

	// DeduplicateRetries stores a request that comes again only once, also when the client gave it no Idempotency-Key. It
	// needs every record to have a time; then two requests with the same content are one request sent twice.
	DeduplicateRetries bool `mapstructure:"deduplicate_retries"`

	// prevent unkeyed literal initialization
	_ struct{}
}

const defaultPath = "./devlogs-data"

func createDefaultConfig() component.Config {
	return &Config{StoreConfig: duckdb.DefaultConfig(defaultPath), DeduplicateRetries: true}
}
