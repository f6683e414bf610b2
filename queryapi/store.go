package queryapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/confmap"
	"go.uber.org/zap"

	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/duckdb"
	"github.com/instantdevlogs/devlogs/storage/postgres"
)

// StorageConfig names the store to read.
type StorageConfig struct {
	// DuckDB is the embedded store. The duckdb exporter of the same process shares it when the path is the same.
	DuckDB configoptional.Optional[duckdb.Config] `mapstructure:"duckdb"`
	// Postgres is a PostgreSQL server, with TimescaleDB or without. It is only read, unless read_only says otherwise.
	Postgres configoptional.Optional[postgres.Config] `mapstructure:"postgres"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// defaultStorage gives each store's section its defaults; none is set until the configuration names it.
func defaultStorage() StorageConfig {
	reading := postgres.DefaultConfig("")
	reading.ReadOnly = true
	return StorageConfig{DuckDB: configoptional.Default(duckdb.DefaultConfig("")), Postgres: configoptional.Default(reading)}
}

// Unmarshal takes a store that is null for one that is not named, as print-config writes those.
func (c *StorageConfig) Unmarshal(conf *confmap.Conf) error {
	for name, section := range conf.ToStringMap() {
		if section == nil {
			conf.Delete(name)
		}
	}
	return conf.Unmarshal(c)
}

// store is what the extension needs of a store.
type store interface {
	storage.Reader
	io.Closer
}

// choice is one store that the configuration may name.
type choice struct {
	name string
	set  bool
	open func(context.Context, *zap.Logger) (store, error)
}

// choices lists every store there is.
func (c *StorageConfig) choices() []choice {
	return []choice{
		{"duckdb", c.DuckDB.HasValue(), func(ctx context.Context, _ *zap.Logger) (store, error) {
			return duckdb.Open(ctx, *c.DuckDB.Get())
		}},
		{"postgres", c.Postgres.HasValue(), func(ctx context.Context, logger *zap.Logger) (store, error) {
			config := *c.Postgres.Get()
			config.Logger = logger
			return postgres.Open(ctx, config)
		}},
	}
}

// Validate checks that exactly one store is named.
func (c *StorageConfig) Validate() error {
	var names, set []string
	for _, choice := range c.choices() {
		names = append(names, choice.name)
		if choice.set {
			set = append(set, choice.name)
		}
	}
	switch len(set) {
	case 0:
		return fmt.Errorf("no store to read: set one of %s, such as storage: {duckdb: {path: ./devlogs-data}}", strings.Join(names, " or "))
	case 1:
		return nil
	default:
		return fmt.Errorf("%s are set: one query_api reads one store, so keep one (and add another query_api for the other)",
			strings.Join(set, " and "))
	}
}

func openStore(ctx context.Context, c *StorageConfig, logger *zap.Logger) (store, error) {
	for _, choice := range c.choices() {
		if choice.set {
			opened, err := choice.open(ctx, logger)
			if err != nil {
				return nil, err // opened holds a nil pointer then, which is not a nil store
			}
			return opened, nil
		}
	}
	return nil, errors.New("no store is set")
}
