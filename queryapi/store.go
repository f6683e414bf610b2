package queryapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.opentelemetry.io/collector/config/configoptional"

	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/duckdb"
)

// StorageConfig names the store to read.
type StorageConfig struct {
	// DuckDB is the embedded store. The duckdb exporter of the same process shares it when the path is the same.
	DuckDB configoptional.Optional[duckdb.Config] `mapstructure:"duckdb"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// defaultStorage gives each store's section its defaults; none is set until the configuration names it.
func defaultStorage() StorageConfig {
	return StorageConfig{DuckDB: configoptional.Default(duckdb.DefaultConfig(""))}
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
	open func(context.Context) (store, error)
}

// choices lists every store there is.
func (c *StorageConfig) choices() []choice {
	return []choice{
		{"duckdb", c.DuckDB.HasValue(), func(ctx context.Context) (store, error) { return duckdb.Open(ctx, *c.DuckDB.Get()) }},
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
		return fmt.Errorf("no store to read: set one of %s, such as storage: {duckdb: {path: ./devlogs-data}}", strings.Join(names, ", "))
	case 1:
		return nil
	default:
		return fmt.Errorf("%s are set: one query_api reads one store, so keep one (and add another query_api for the other)",
			strings.Join(set, " and "))
	}
}

func openStore(ctx context.Context, c *StorageConfig) (store, error) {
	for _, choice := range c.choices() {
		if choice.set {
			opened, err := choice.open(ctx)
			if err != nil {
				return nil, err // opened holds a nil pointer then, which is not a nil store
			}
			return opened, nil
		}
	}
	return nil, errors.New("no store is set")
}
