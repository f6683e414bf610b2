package queryapi

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/confmap"

	"github.com/instantdevlogs/devlogs/logql/engine"
)

// Config of the query_api extension.
type Config struct {
	// ServerConfig is where and how to listen: endpoint, tls, cors, auth, middlewares and the rest of confighttp.
	ServerConfig confighttp.ServerConfig `mapstructure:",squash"`

	// AllowedHosts are what a request may give as its Host, beside this machine's own names, while the endpoint is on loopback.
	AllowedHosts []string `mapstructure:"allowed_hosts"`

	// Storage is the store to read; exactly one must be set.
	Storage StorageConfig `mapstructure:"storage"`

	// Limits keep one client's queries from taking the machine away from the others.
	Limits Limits `mapstructure:"limits"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// Limits bound what one request may ask for. 0 means no limit wherever a setting says so.
type Limits struct {
	// MaxRows is the most records in one JSON page. Exports have no such limit.
	MaxRows int `mapstructure:"max_rows"`
	// MaxRange is the longest time range a query may cover; 0: no limit.
	MaxRange time.Duration `mapstructure:"max_range"`
	// MaxPoints is the most numbers in one histogram: buckets times groups.
	MaxPoints int `mapstructure:"max_points"`
	// MaxGroups is the most distinct values that one request may count.
	MaxGroups int `mapstructure:"max_groups"`
	// MaxQuerySeries is the most series in the answer of a metric query of LogQL.
	MaxQuerySeries int `mapstructure:"max_query_series"`
	// MaxQuerySteps is the most times at which a range query of LogQL is evaluated.
	MaxQuerySteps int `mapstructure:"max_query_steps"`
	// MaxQueryGroups is the most series that a metric query holds at once on its way to the answer.
	MaxQueryGroups int `mapstructure:"max_query_groups"`
	// MaxQuerySamples is the most entries that a metric query holds at once, for the functions that need each of them.
	MaxQuerySamples int `mapstructure:"max_query_samples"`
	// MaxQueryBytes is the most bytes of bodies and attributes that a query of LogQL reads to run stages that the store can't.
	MaxQueryBytes uint64 `mapstructure:"max_query_bytes"`
	// MaxAnswerBytes is the most bytes of lines and labels in an answer of the Loki API, about; 0: no limit.
	MaxAnswerBytes int `mapstructure:"max_answer_bytes"`
	// MaxTails is how many tails are followed at a time; more are refused.
	MaxTails int `mapstructure:"max_tails"`
	// MaxTailLag is how far a tail's reader may fall behind before logs are left out for it.
	MaxTailLag time.Duration `mapstructure:"max_tail_lag"`
	// QueryTimeout ends a query; 0: no limit.
	QueryTimeout time.Duration `mapstructure:"query_timeout"`
	// ExportTimeout ends an NDJSON or CSV export; 0: no limit.
	ExportTimeout time.Duration `mapstructure:"export_timeout"`
	// MaxConcurrentQueries is how many queries and exports run at a time. The ones beyond wait.
	MaxConcurrentQueries int `mapstructure:"max_concurrent_queries"`
	// MaxWait is how long a query waits for its turn before it is refused.
	MaxWait time.Duration `mapstructure:"max_wait"`

	// prevent unkeyed literal initialization
	_ struct{}
}

const defaultEndpoint = "localhost:3100"

func createDefaultConfig() component.Config {
	server := confighttp.NewDefaultServerConfig()
	server.NetAddr.Endpoint = defaultEndpoint
	return &Config{
		ServerConfig: server,
		Storage:      defaultStorage(),
		Limits: Limits{
			MaxRows:              5000,
			MaxPoints:            50_000,
			MaxGroups:            100_000,
			MaxQuerySeries:       engine.DefaultLimits.Series,
			MaxQuerySteps:        engine.DefaultLimits.Steps,
			MaxQueryGroups:       engine.DefaultLimits.Groups,
			MaxQuerySamples:      engine.DefaultLimits.Samples,
			MaxAnswerBytes:       32 << 20,
			MaxTails:             100,
			MaxTailLag:           10 * time.Second,
			QueryTimeout:         time.Minute,
			MaxConcurrentQueries: 16,
			MaxWait:              10 * time.Second,
		},
	}
}

// Unmarshal refuses settings that there are not. confmap overlooks them at any depth in a struct that has ServerConfig
// squashed into it, as ServerConfig reads itself and takes what it does not know for its neighbours'.
func (c *Config) Unmarshal(conf *confmap.Conf) error {
	type server confighttp.ServerConfig // the same settings, read as any struct
	strict := struct {
		Server  server        `mapstructure:",squash"`
		Hosts   []string      `mapstructure:"allowed_hosts"`
		Storage StorageConfig `mapstructure:"storage"`
		Limits  Limits        `mapstructure:"limits"`
	}{server(c.ServerConfig), c.AllowedHosts, c.Storage, c.Limits}
	if err := conf.Unmarshal(&strict); err != nil {
		return err
	}
	return conf.Unmarshal(c)
}

// Validate tells what is wrong with the configuration and how to mend it.
func (c *Config) Validate() error {
	var errs []error
	if c.ServerConfig.NetAddr.Endpoint == "" {
		errs = append(errs, fmt.Errorf("endpoint is empty: set it to host:port, such as %q", defaultEndpoint))
	}
	return errors.Join(errs...)
}

// Validate checks one section of the configuration.
func (l *Limits) Validate() error {
	var errs []error
	for _, setting := range []struct {
		name         string
		value, least int
	}{
		{"max_rows", l.MaxRows, 1}, {"max_points", l.MaxPoints, 100}, {"max_groups", l.MaxGroups, 100},
		{"max_concurrent_queries", l.MaxConcurrentQueries, 1}, {"max_tails", l.MaxTails, 1},
		{"max_query_series", l.MaxQuerySeries, 0}, {"max_query_steps", l.MaxQuerySteps, 0}, {"max_query_groups", l.MaxQueryGroups, 0},
		{"max_query_samples", l.MaxQuerySamples, 0}, {"max_answer_bytes", l.MaxAnswerBytes, 0},
	} {
		if setting.value < setting.least {
			errs = append(errs, fmt.Errorf("%s is %d: it must be at least %d", setting.name, setting.value, setting.least))
		}
	}
	for _, setting := range []struct {
		name  string
		value time.Duration
	}{
		{"max_range", l.MaxRange}, {"query_timeout", l.QueryTimeout}, {"export_timeout", l.ExportTimeout}, {"max_wait", l.MaxWait},
		{"max_tail_lag", l.MaxTailLag},
	} {
		if setting.value < 0 {
			errs = append(errs, fmt.Errorf("%s is %s: it must not be negative", setting.name, setting.value))
		}
	}
	return errors.Join(errs...)
}
