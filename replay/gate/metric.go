package gate

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// Unit of a metric's value.
type Unit uint8

const (
	Plain   Unit = iota // a count or a ratio
	Seconds             // written 50ms, 2s
	Bytes               // written 400MiB
	PerSec              // written 50000, 50k or 50k/s
)

// Metrics are what a run measured.
type Metrics interface {
	// Metric returns the value of a metric such as "delivery.lost", or with an aggregate "ack", "p", 99. measured is false
	// when the run has no such value; err is not nil when no run ever has.
	Metric(name, aggregate string, argument float64) (value float64, unit Unit, measured bool, err error)
}

// Known lists the metrics there are, for messages and documentation.
const Known = `delivery.lost, .duplicated, .retry_duplicates, .phantom, .foreign, .mutated, .sent, .delivered, .refused, .unknown
order.inversions
golden.changed, .missing, .extra
ack, service, replay.lag, queryable (each with .p(N), .mean or .max)
queryable.censored
throughput (acknowledged records a second), replay.dropped, replay.late, replay.failed (requests)
target.rss.max, target.cpu (seconds of processor time)`

// value is a number with its unit.
type value struct {
	number float64
	unit   Unit
	typed  bool // it was written with a unit
}

// parseValue reads 50ms, 400MiB, 50k, 0.95, 1e6, 99%.
func parseValue(text string) (value, error) {
	v, err := parseNumber(text)
	if err == nil && (math.IsNaN(v.number) || math.IsInf(v.number, 0)) {
		return value{}, fmt.Errorf("%q is no limit: every value, or none, is within", text)
	}
	return v, err
}

func parseNumber(text string) (value, error) {
	text = strings.TrimSpace(text)
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		return value{number: n}, nil
	}
	if percent, ok := strings.CutSuffix(text, "%"); ok {
		if n, err := strconv.ParseFloat(percent, 64); err == nil {
			return value{number: n / 100}, nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil {
		return value{number: d.Seconds(), unit: Seconds, typed: true}, nil
	}
	rate := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(text, "/s"), "rec"), " ")
	for suffix, factor := range map[string]float64{"k": 1e3, "M": 1e6, "": 1} {
		if number, ok := strings.CutSuffix(rate, suffix); ok {
			if n, err := strconv.ParseFloat(number, 64); err == nil {
				return value{number: n * factor, unit: PerSec, typed: rate != text}, nil
			}
		}
	}
	if n, err := humanize.ParseBytes(text); err == nil {
		return value{number: float64(n), unit: Bytes, typed: true}, nil
	}
	return value{}, fmt.Errorf("%q is no value: write for example 0, 50ms, 2s, 400MiB, 50k, 95%%", text)
}

// Format writes a value for people.
func Format(v float64, unit Unit) string {
	switch unit {
	case Seconds:
		d := time.Duration(v * float64(time.Second))
		if d > time.Millisecond {
			d = d.Round(10 * time.Microsecond)
		}
		return d.String()
	case Bytes:
		return humanize.IBytes(uint64(max(v, 0)))
	case PerSec:
		return humanize.CommafWithDigits(math.Round(v), 0) + "/s"
	}
	return humanize.CommafWithDigits(v, 3)
}
