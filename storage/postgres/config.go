package postgres

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/config/configopaque"
	"go.uber.org/zap"
)

// Layout is how the logs are kept.
type Layout string

const (
	// LayoutAuto takes what the database has, and otherwise the best the server offers.
	LayoutAuto Layout = ""
	// LayoutColumnstore is a TimescaleDB hypertable with compressed columns.
	LayoutColumnstore Layout = "timescale-columnstore"
	// LayoutRowstore is a TimescaleDB hypertable of rows, for servers with timescaledb.license = apache.
	LayoutRowstore Layout = "timescale-rowstore"
	// LayoutPlain is a table partitioned by day, for PostgreSQL without TimescaleDB.
	LayoutPlain Layout = "plain"
)

var layouts = []Layout{LayoutAuto, LayoutColumnstore, LayoutRowstore, LayoutPlain}

// Config sets up a store. Start from DefaultConfig.
type Config struct {
	// DSN names the database: postgres://user:password@host:port/database?sslmode=verify-full, or the keyword form.
	DSN configopaque.String `mapstructure:"dsn"`
	// Layout is for a database that has no schema yet. In one that has, it must be the one it has, or empty.
	Layout Layout `mapstructure:"layout"`
	// ReadOnly is for processes that only ask: no maintenance runs, and a role that may only read will do once the schema
	// is there.
	ReadOnly bool `mapstructure:"read_only"`
	// Retention says how long logs are kept; processes that are ReadOnly do not enforce it.
	Retention Retention `mapstructure:"retention"`

	// MaxConcurrentWrites is how many transactions store at a time, each on a connection of its own.
	MaxConcurrentWrites int `mapstructure:"max_concurrent_writes"`
	// MaxCommitRows is up to how many rows of concurrent Writes share one transaction.
	MaxCommitRows int `mapstructure:"max_commit_rows"`
	// MaxPending bounds, in MiB, the batches that wait for their commit. Above it Write answers that the store is overloaded.
	MaxPending int `mapstructure:"max_pending_mib"`
	// MaxConcurrentQueries bounds how many questions are answered at once, on connections of their own; more wait.
	MaxConcurrentQueries int `mapstructure:"max_concurrent_queries"`
	// QueryTimeout ends a statement of a question that takes longer.
	QueryTimeout time.Duration `mapstructure:"query_timeout"`

	// Logger hears of what happens in the background; nil keeps silent.
	Logger *zap.Logger `mapstructure:"-"`
	// Now is the clock of this process; nil is time.Now. It decides only about partitions and retention.
	Now func() time.Time `mapstructure:"-"`
}

// Retention frees space by dropping whole days of logs, by the time they carry, oldest first. Today always stays.
type Retention struct {
	MaxAge   time.Duration `mapstructure:"max_age"`   // 0 keeps for ever
	MaxBytes int64         `mapstructure:"max_bytes"` // 0 sets no cap
}

// DefaultConfig keeps everything in the database that dsn names.
func DefaultConfig(dsn configopaque.String) Config {
	return Config{
		DSN: dsn, MaxConcurrentWrites: 2, MaxCommitRows: 50_000, MaxPending: 128,
		MaxConcurrentQueries: 8, QueryTimeout: time.Minute,
	}
}

// Validate says what is wrong with the settings. It does not look at the server.
func (c Config) Validate() error {
	var errs []error
	if c.DSN == "" {
		errs = append(errs, errors.New(`dsn is empty: set it to "postgres://user:password@host:5432/database"`))
	} else if _, err := parseDSN(c.DSN); err != nil {
		errs = append(errs, err)
	}
	if !slices.Contains(layouts, c.Layout) {
		errs = append(errs, fmt.Errorf("layout %q is unknown: leave it empty, or use one of %s", c.Layout, layoutNames()))
	}
	for name, n := range map[string]int{
		"max_concurrent_writes": c.MaxConcurrentWrites, "max_commit_rows": c.MaxCommitRows, "max_pending_mib": c.MaxPending,
		"max_concurrent_queries": c.MaxConcurrentQueries,
	} {
		if n < 1 {
			errs = append(errs, fmt.Errorf("%s is %d: it must be at least 1", name, n))
		}
	}
	if c.QueryTimeout < time.Millisecond {
		errs = append(errs, fmt.Errorf("query_timeout is %s: no query could end in time", c.QueryTimeout))
	}
	if age := c.Retention.MaxAge; age != 0 && age < day {
		errs = append(errs, fmt.Errorf("retention::max_age is %s: whole days are dropped, so it must be 0 or at least 24h", age))
	}
	if c.Retention.MaxBytes < 0 {
		errs = append(errs, fmt.Errorf("retention::max_bytes is %d: use 0 for no cap", c.Retention.MaxBytes))
	}
	return errors.Join(errs...)
}

func layoutNames() string {
	var names []string
	for _, l := range layouts[1:] {
		names = append(names, string(l))
	}
	return strings.Join(names, ", ")
}

const day = 24 * time.Hour
