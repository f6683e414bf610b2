package jsonlogreceiver

import (
	"errors"
	"fmt"
	"time"

	"github.com/instantdevlogs/devlogs/receiver/jsonlogreceiver/internal/jsonmap"
	"github.com/instantdevlogs/devlogs/receiver/jsonlogreceiver/internal/jsontape"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/confmap"
)

// Config is the configuration of a json_log receiver.
type Config struct {
	// ServerConfig has the endpoint, TLS, authentication, CORS, the size of a body and the timeouts.
	ServerConfig confighttp.ServerConfig `mapstructure:",squash"`
	// Fields says where in a JSON object the parts of a record are.
	Fields FieldsConfig `mapstructure:"fields"`
	Limits LimitsConfig `mapstructure:"limits"`
	Batch  BatchConfig  `mapstructure:"batch"`
	Schema SchemaConfig `mapstructure:"schema"`

	// prevent unkeyed literal initialization
	_ struct{}
}

// FieldsConfig lists names of members, in the order in which they are tried. A list that is set replaces the default one.
type FieldsConfig = jsonmap.Fields

// LimitsConfig bounds what one client can make the receiver do.
type LimitsConfig struct {
	LineBytes  int `mapstructure:"line_bytes"`       // the longest record
	Depth      int `mapstructure:"depth"`            // levels of nested objects and arrays in a record
	Fields     int `mapstructure:"fields"`           // members of a record, those of nested objects counted too
	WholeBytes int `mapstructure:"whole_body_bytes"` // the largest body that has to be read whole: a Loki push
	Errors     int `mapstructure:"errors"`           // rejected records that an answer lists; all are counted
	// ConcurrentRequests are worked on at once; a request above waits up to QueueTimeout and is then refused.
	ConcurrentRequests int           `mapstructure:"concurrent_requests"`
	QueueTimeout       time.Duration `mapstructure:"queue_timeout"`

	// prevent unkeyed literal initialization
	_ struct{}
}

func (l LimitsConfig) tape() jsontape.Limits {
	return jsontape.Limits{Depth: l.Depth, Fields: l.Fields, Bytes: l.LineBytes}
}

// BatchConfig says into what pieces the records of a body are cut. Each piece is stored as a whole or not at all.
type BatchConfig struct {
	MaxRecords int `mapstructure:"max_records"`
	MaxBytes   int `mapstructure:"max_bytes"` // of JSON

	// prevent unkeyed literal initialization
	_ struct{}
}

// SchemaConfig has the JSON Schema that records are checked against.
type SchemaConfig struct {
	File      string `mapstructure:"file"`       // empty: no check
	OnInvalid string `mapstructure:"on_invalid"` // "reject", or "tag": store with the attribute schema.error

	// prevent unkeyed literal initialization
	_ struct{}
}

// What to do with a record that does not match the schema.
const (
	onInvalidReject = "reject"
	onInvalidTag    = "tag"
)

func createDefaultConfig() component.Config {
	server := confighttp.NewDefaultServerConfig()
	server.NetAddr.Endpoint = "localhost:4319"
	server.MaxRequestBodySize = 32 << 20
	server.ReadHeaderTimeout = 10 * time.Second
	server.ReadTimeout = time.Minute
	server.WriteTimeout = 2 * time.Minute // runs from the start of a request: reading it and storing it come first
	return &Config{
		ServerConfig: server,
		Limits: LimitsConfig{
			LineBytes: 1 << 20, Depth: 64, Fields: 1000, WholeBytes: 16 << 20, Errors: 100,
			ConcurrentRequests: 32, QueueTimeout: 5 * time.Second,
		},
		Batch:  BatchConfig{MaxRecords: 5000, MaxBytes: 4 << 20},
		Schema: SchemaConfig{OnInvalid: onInvalidReject},
	}
}

// Unmarshal refuses settings that do not exist. confmap alone would let them pass here, as the squashed ServerConfig has an
// Unmarshal of its own that must be lenient: with the methods taken off, the same fields are strict.
func (c *Config) Unmarshal(conf *confmap.Conf) error {
	type serverFields confighttp.ServerConfig
	if err := conf.Unmarshal(&struct {
		Server serverFields `mapstructure:",squash"`
		Fields FieldsConfig `mapstructure:"fields"`
		Limits LimitsConfig `mapstructure:"limits"`
		Batch  BatchConfig  `mapstructure:"batch"`
		Schema SchemaConfig `mapstructure:"schema"`
	}{}); err != nil {
		return err
	}
	return conf.Unmarshal(c)
}

// Validate checks what the types don't.
func (c *Config) Validate() error {
	var errs []error
	for _, limit := range []struct {
		name       string
		value, max int
	}{
		{"limits.line_bytes", c.Limits.LineBytes, 1 << 30},
		{"limits.depth", c.Limits.Depth, 1000},
		{"limits.fields", c.Limits.Fields, 1 << 20},
		{"limits.whole_body_bytes", c.Limits.WholeBytes, 1 << 30},
		{"limits.errors", c.Limits.Errors, 1 << 20},
		{"limits.concurrent_requests", c.Limits.ConcurrentRequests, 1 << 16},
		{"batch.max_records", c.Batch.MaxRecords, 1 << 20},
		{"batch.max_bytes", c.Batch.MaxBytes, 1 << 30},
	} {
		if limit.value < 1 || limit.value > limit.max {
			errs = append(errs, fmt.Errorf("%s must be from 1 to %d, is %d", limit.name, limit.max, limit.value))
		}
	}
	if c.Limits.QueueTimeout < 0 {
		errs = append(errs, fmt.Errorf("limits.queue_timeout must not be negative, is %v", c.Limits.QueueTimeout))
	}
	if o := c.Schema.OnInvalid; o != onInvalidReject && o != onInvalidTag {
		errs = append(errs, fmt.Errorf("schema.on_invalid must be %q or %q, is %q", onInvalidReject, onInvalidTag, o))
	}
	return errors.Join(errs...)
}
