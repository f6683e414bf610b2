package queue

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"go.opentelemetry.io/collector/config/configopaque"
)

// Config says where the queue is. Gateways, drains and the command line use the same one.
type Config struct {
	// URL of the server, as redis-cli -u takes it: redis://user:password@host:port/db, rediss:// for TLS. With cluster: true
	// further nodes may follow as ?addr=host:port&addr=….
	URL configopaque.String `mapstructure:"url"`
	// Cluster says that the URL names nodes of a Redis Cluster.
	Cluster bool `mapstructure:"cluster"`
	// Prefix begins the names of all keys, so that several installations can share a server.
	Prefix string `mapstructure:"prefix"`
	// Shards is the number of streams. One stream lives on one node and is written by one thread there: more than one
	// spreads the load over a cluster. All gateways and drains must agree on it; it may grow, and shrink after the upper
	// streams are empty.
	Shards int `mapstructure:"shards"`

	// MaxEntries and MaxBytes are the high-water marks over all shards: above them gateways refuse until drains catch up.
	MaxEntries int64 `mapstructure:"max_entries"`
	// MaxBytes is compared with what Redis says that the streams take. Keep it well below the server's maxmemory.
	MaxBytes int64 `mapstructure:"max_bytes"`
}

// DefaultConfig is a single stream on a server that the user has to name.
func DefaultConfig() Config {
	return Config{Prefix: "devlogs", Shards: 1, MaxEntries: 1_000_000, MaxBytes: 1 << 30}
}

// Validate says what can't work.
func (c *Config) Validate() error {
	var errs []error
	if c.URL == "" {
		errs = append(errs, errors.New("redis.url is not set: it says where the queue is, like redis://localhost:6379/0 (config/production.yaml takes it from DEVLOGS_REDIS_URL)"))
	} else if _, err := c.options(nil); err != nil {
		errs = append(errs, err)
	}
	if c.Prefix == "" || strings.ContainsAny(c.Prefix, "{}") {
		errs = append(errs, errors.New("redis.prefix must be a name without braces: braces decide where Redis Cluster keeps a key"))
	}
	if c.Shards < 1 || c.Shards > 1024 {
		errs = append(errs, fmt.Errorf("redis.shards is %d: it must be from 1 to 1024", c.Shards))
	}
	if c.MaxEntries < 1 || c.MaxBytes < 1<<20 {
		errs = append(errs, errors.New("redis.max_entries must be at least 1 and redis.max_bytes at least 1 MiB: below that every request would be refused"))
	}
	return errors.Join(errs...)
}

// Connect makes a client; it does not reach the server yet. tlsConfig, when not nil, is used with rediss URLs.
func (c *Config) Connect(tlsConfig *tls.Config) (redis.UniversalClient, error) {
	options, err := c.options(tlsConfig)
	if err != nil {
		return nil, err
	}
	if c.Cluster {
		return redis.NewClusterClient(options.Cluster()), nil
	}
	return redis.NewClient(options.Simple()), nil
}

func (c *Config) options(tlsConfig *tls.Config) (*redis.UniversalOptions, error) {
	// The parse errors of the library hold the URL, and so the password: say what is expected instead.
	wrong := errors.New("redis.url can't be read: it looks like redis://user:password@host:6379/0, or rediss:// for TLS")
	o := &redis.UniversalOptions{}
	if c.Cluster {
		parsed, err := redis.ParseClusterURL(string(c.URL))
		if err != nil {
			return nil, wrong
		}
		o.Addrs, o.Username, o.Password, o.TLSConfig = parsed.Addrs, parsed.Username, parsed.Password, parsed.TLSConfig
	} else {
		parsed, err := redis.ParseURL(string(c.URL))
		if err != nil {
			return nil, wrong
		}
		o.Addrs, o.DB, o.Username, o.Password, o.TLSConfig = []string{parsed.Addr}, parsed.DB, parsed.Username, parsed.Password, parsed.TLSConfig
	}
	if tlsConfig != nil {
		if o.TLSConfig == nil {
			return nil, errors.New("redis.tls is set but redis.url does not begin with rediss://")
		}
		if tlsConfig.ServerName == "" {
			tlsConfig.ServerName = o.TLSConfig.ServerName
		}
		o.TLSConfig = tlsConfig
	}
	// A command that was sent may have been done, so the library must not send it again by itself: who sends decides.
	o.MaxRetries = -1
	o.DialerRetries = 1
	logging.Disable() // it prints what the errors say, past the Collector's logger
	o.DisableIdentity = true
	return o, nil
}

func (c *Config) logsKey(shard int) string { return fmt.Sprintf("{%s:%d}:logs", c.Prefix, shard) }
func (c *Config) deadKey(shard int) string { return fmt.Sprintf("{%s:%d}:dead", c.Prefix, shard) }

// batchKey is where what was sent under a batch's id is remembered.
func (c *Config) batchKey(id uuid.UUID) string {
	return fmt.Sprintf("{%s:%d}:key:%s", c.Prefix, c.keyShard(id), id)
}
