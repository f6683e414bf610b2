package play

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configtls"

	"github.com/instantdevlogs/devlogs/replay/ledger"
	"github.com/instantdevlogs/devlogs/replay/pace"
	"github.com/instantdevlogs/devlogs/replay/prepare"
)

// Late says what becomes of a request that is due while as many are on their way as may be.
type Late string

const (
	LateQueue Late = "queue" // it waits; its latency counts from when it was due
	LateDrop  Late = "drop"  // it is not sent, and counted
)

// Config is one run. Start from Default.
type Config struct {
	Settings prepare.Settings
	Live     func() (prepare.Messages, error) // in place of a recording; without a ledger, as verify could not read it again
	Loops    int                              // how often the recording is sent; 0: until Duration is over

	Target      Target
	Compression string // none, gzip or zstd
	Headers     map[string]configopaque.String
	TLS         configtls.ClientConfig
	Connections int // HTTP/2 connections of gRPC; HTTP has one for each request in flight

	Pace     pace.Pacer // nil: as fast as possible
	PaceName string     // for the report
	InFlight int        // how many requests may wait for an answer at once; with no pace, how many senders there are
	Late     Late
	Duration time.Duration // 0: until the recording ends

	Timeout time.Duration // of one attempt
	Retry   Retry

	Ledger   string // directory of the run; "": nothing is written
	Delivery ledger.Delivery
	Refusals ledger.Refusals

	Preload   int           // bytes of prepared requests held in memory
	MaxLag    time.Duration // p99 of the sender's own lateness above which the run is invalid
	AllowGaps bool          // a recording that lacks traffic is fine
	Progress  io.Writer     // a line every few seconds; nil: none

	// Acked, when set, is told of each request that was acknowledged, with what was sent before compression. The bytes are
	// not to be kept. It holds up a sender, so it must be quick.
	Acked func(request ledger.Request, body []byte)
}

// Retry is how a request is sent again. What may be is OTLP's rule: 429, 502, 503, 504, the retryable gRPC codes, and
// connections that broke.
type Retry struct {
	For     time.Duration // give up this long after the first attempt; 0: one attempt only
	Initial time.Duration // first wait, doubled each time, when the target names none
	Max     time.Duration
}

// Default is the configuration that flags start from.
func Default() Config {
	return Config{
		Settings:    prepare.Settings{Replicas: 1, Identity: ledger.ByUID},
		Loops:       1,
		Compression: "none",
		Connections: 2,
		Late:        LateQueue,
		Timeout:     30 * time.Second,
		Retry:       Retry{For: time.Minute, Initial: 100 * time.Millisecond, Max: 5 * time.Second},
		Delivery:    ledger.AtLeastOnce,
		Refusals:    ledger.RefusalsAmbiguous,
		Preload:     96 << 20,
		MaxLag:      100 * time.Millisecond,
	}
}

// complete fills in what depends on the rest, and refuses what cannot be.
func (c *Config) complete() error {
	if c.Pace == nil {
		c.Pace = pace.ASAP{}
	}
	if c.InFlight == 0 {
		if c.InFlight = 64; c.asap() {
			c.InFlight = 2
		}
	}
	if c.Settings.EventTime == "" {
		c.Settings.EventTime = c.usualEventTime()
	}
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(slices.Contains([]string{"none", "gzip", "zstd"}, c.Compression), "compression: %q is none of none, gzip, zstd", c.Compression)
	check(c.Late == LateQueue || c.Late == LateDrop, "late: %q is neither queue nor drop", c.Late)
	check(c.InFlight > 0, "max-inflight: %d is not above zero", c.InFlight)
	check(c.Connections > 0, "connections: %d is not above zero", c.Connections)
	check(c.Loops > 0 || c.Duration > 0, "loops: without an end a duration is needed")
	check(c.Live == nil || c.Ledger == "" && c.Loops == 1, "ledger: what is made while it is sent cannot be verified or sent twice; write a recording first")
	check(c.Timeout > 0, "timeout: it must be above zero")
	check(slices.Contains([]prepare.EventTime{prepare.Keep, prepare.Shift, prepare.Scale, prepare.Now}, c.Settings.EventTime),
		"event-time: %q is none of keep, shift, scale, now", c.Settings.EventTime)
	check(c.Settings.EventTime != prepare.Scale || c.speed() != 0,
		"event-time: scale needs the original pace; with a rate use now, shift or keep")
	return errors.Join(errs...)
}

func (c *Config) opener() opener {
	if c.Live == nil {
		return prepare.Open
	}
	return func(s prepare.Settings) (*prepare.Source, error) { return prepare.OpenMessages(s, c.Live) }
}

func (c *Config) asap() bool {
	_, ok := c.Pace.(pace.ASAP)
	return ok
}

// speed is that of the original pace, 0 with another.
func (c *Config) speed() float64 {
	if o, ok := c.Pace.(*pace.Original); ok {
		return o.Speed
	}
	return 0
}

// usualEventTime keeps event time by the wall clock, whatever the pace: a shift alone would run ahead of it when the
// recording is sent faster than it was made, and targets refuse logs of the future.
func (c *Config) usualEventTime() prepare.EventTime {
	if c.speed() != 0 {
		return prepare.Scale
	}
	return prepare.Now
}
