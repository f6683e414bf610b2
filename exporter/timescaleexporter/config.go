package timescaleexporter

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/config/configtls"

	"github.com/instantdevlogs/devlogs/exporter/timescaleexporter/queue"
	"github.com/instantdevlogs/devlogs/storage/postgres"
)

// Config of the timescale exporter.
type Config struct {
	// Redis is where the queue is.
	Redis RedisConfig `mapstructure:"redis"`
	// Postgres is where the logs are kept. A process that only enqueues does not need it.
	Postgres configoptional.Optional[postgres.Config] `mapstructure:"postgres"`
	// Role says which half this process runs: "enqueue" (a gateway), "drain" (a worker), or "all".
	Role Role `mapstructure:"role"`
	// Timeout bounds how long one request waits for Redis.
	Timeout time.Duration `mapstructure:"timeout"`
	// DeduplicateRetries stores a request that comes again only once, also when the client gave it no Idempotency-Key. It
	// needs every record to have a time; then two requests with the same content are one request sent twice.
	DeduplicateRetries bool `mapstructure:"deduplicate_retries"`
	// Drain is how batches are taken from the queue.
	Drain DrainConfig `mapstructure:"drain"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// RedisConfig is the queue's place and what TLS needs beyond the URL.
type RedisConfig struct {
	Queue queue.Config `mapstructure:",squash"`
	// TLS is for rediss:// URLs that need a CA, a client certificate or another server name.
	TLS configoptional.Optional[configtls.ClientConfig] `mapstructure:"tls"`
	// prevent unkeyed literal initialization
	_ struct{}
}

// DrainConfig is how batches are taken from the queue.
type DrainConfig struct {
	// Consumers is how many transactions run side by side for each shard: while the database works on one, the next is
	// being decoded.
	Consumers int `mapstructure:"consumers"`
	// MaxRows bounds the records of one transaction. Under backlog transactions grow up to it; when there is none, each
	// batch is stored as it comes.
	MaxRows int `mapstructure:"max_rows"`
	// MaxBytes bounds the compressed bytes that one transaction takes from the queue.
	MaxBytes int `mapstructure:"max_bytes"`
	// Timeout bounds one transaction: a network that swallows packets must not hold a worker for ever. The batch is tried
	// again.
	Timeout time.Duration `mapstructure:"timeout"`
	// ClaimAfter is how long a drain may show no sign of life before others take over its batches.
	ClaimAfter time.Duration `mapstructure:"claim_after"`
	// prevent unkeyed literal initialization
	_ struct{}
}

// Role is which half of the exporter a process runs.
type Role string

// The roles.
const (
	RoleAll     Role = "all"
	RoleEnqueue Role = "enqueue"
	RoleDrain   Role = "drain"
)

func (r Role) enqueues() bool { return r != RoleDrain }
func (r Role) drains() bool   { return r != RoleEnqueue }

func createDefaultConfig() component.Config {
	return &Config{
		Redis:              RedisConfig{Queue: queue.DefaultConfig()},
		Postgres:           configoptional.Default(postgres.DefaultConfig("")),
		Role:               RoleAll,
		Timeout:            5 * time.Second,
		DeduplicateRetries: true,
		Drain:              DrainConfig{Consumers: 2, MaxRows: 50_000, MaxBytes: 16 << 20, Timeout: time.Minute, ClaimAfter: 30 * time.Second},
	}
}

// Validate says what can't work. The parts validate themselves.
func (c *Config) Validate() error {
	var errs []error
	switch c.Role {
	case RoleAll, RoleDrain:
		if !c.Postgres.HasValue() {
			errs = append(errs, fmt.Errorf("postgres is not set: the role %q stores logs and needs postgres.dsn", c.Role))
		}
	case RoleEnqueue:
	default:
		errs = append(errs, fmt.Errorf("role %q: it is all, enqueue or drain", c.Role))
	}
	if c.Timeout < 0 {
		errs = append(errs, errors.New("timeout can't be negative; 0 waits for as long as the client does"))
	}
	if c.Drain.Consumers < 1 || c.Drain.MaxRows < 1 || c.Drain.MaxBytes < 1 {
		errs = append(errs, errors.New("drain.consumers, drain.max_rows and drain.max_bytes must be at least 1"))
	}
	if c.Drain.Timeout < time.Second {
		errs = append(errs, errors.New("drain.timeout must be at least 1s: large transactions take that long"))
	}
	if c.Drain.ClaimAfter < time.Second {
		errs = append(errs, errors.New("drain.claim_after must be at least 1s: living drains would lose their batches to each other"))
	}
	return errors.Join(errs...)
}
