package duckdb

import (
	"errors"
	"fmt"
	"time"
)

// Config sets up a store. Start from DefaultConfig.
type Config struct {
	// Path is the data directory; it is made when it is not there. One process at a time has it open.
	Path string `mapstructure:"path"`
	// MemoryLimit bounds, in MiB, what DuckDB itself takes: its buffers, indexes and running queries. Queries that need more
	// go to files in the data directory.
	MemoryLimit int `mapstructure:"memory_limit_mib"`
	// Threads is how many threads a query may use; 0 means one per core.
	Threads int `mapstructure:"threads"`
	// MaxConcurrentQueries bounds how many statements run at once; more wait for their turn.
	MaxConcurrentQueries int `mapstructure:"max_concurrent_queries"`
	// MaxPending bounds, in MiB, the batches that wait for their commit. Above it Write answers that the store is overloaded.
	MaxPending int `mapstructure:"max_pending_mib"`
	// Retention says how long logs are kept.
	Retention Retention `mapstructure:"retention"`
}

// Retention frees space by deleting whole partitions, oldest arrival first.
type Retention struct {
	// MaxAge is how long a partition is kept after its last batch arrived; 0 keeps for ever.
	MaxAge time.Duration `mapstructure:"max_age"`
	// MaxBytes caps the size of the data directory; 0 sets no cap. The newest partition is never deleted, and each is at
	// most an eighth of the cap.
	MaxBytes int64 `mapstructure:"max_bytes"`
}

// DefaultConfig keeps everything in path.
func DefaultConfig(path string) Config {
	return Config{Path: path, MemoryLimit: 128, MaxConcurrentQueries: 4, MaxPending: 64}
}

const minMaxBytes = 64 << 20

// Validate says what is wrong with the settings, and why.
func (c Config) Validate() error {
	var errs []error
	if c.Path == "" {
		errs = append(errs, errors.New("path is empty: name the directory that keeps the logs"))
	}
	if c.MemoryLimit < 64 {
		errs = append(errs, fmt.Errorf("memory_limit_mib is %d: DuckDB needs at least 64", c.MemoryLimit))
	}
	if c.Threads < 0 {
		errs = append(errs, fmt.Errorf("threads is %d: use 0 for one per core", c.Threads))
	}
	if c.MaxConcurrentQueries < 1 {
		errs = append(errs, fmt.Errorf("max_concurrent_queries is %d: nothing could be read", c.MaxConcurrentQueries))
	}
	if c.MaxPending < 1 {
		errs = append(errs, fmt.Errorf("max_pending_mib is %d: nothing could be written", c.MaxPending))
	}
	if c.Retention.MaxAge < 0 {
		errs = append(errs, fmt.Errorf("retention.max_age is %s: use 0 to keep for ever", c.Retention.MaxAge))
	}
	if m := c.Retention.MaxBytes; m < 0 || m > 0 && m < minMaxBytes {
		errs = append(errs, fmt.Errorf("retention.max_bytes is %d: use at least %d (64 MiB), or 0 for no cap", m, minMaxBytes))
	}
	return errors.Join(errs...)
}

// partitionBytes is the size at which a new partition is begun.
func (c Config) partitionBytes() int64 {
	const most = 4 << 30
	if c.Retention.MaxBytes == 0 {
		return most
	}
	return min(c.Retention.MaxBytes/8, most)
}
