package queryapi

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// defaultSince is the range of a query that names none.
const defaultSince = time.Hour

var errBadTime = errors.New(`a time is RFC 3339 ("2026-01-02T15:04:05Z"), a date, unix s/ms/µs/ns, "now", or a duration before now ("1h", "7d")`)

// parseTime reads a point in time: RFC 3339 with or without fractions, a date (UTC midnight), a unix time in seconds
// (fractions allowed), milli-, micro- or nanoseconds told apart by magnitude, "now", or a duration before now.
func parseTime(s string, now time.Time) (pcommon.Timestamp, error) {
	if s == "now" {
		return pcommon.NewTimestampFromTime(now), nil
	}
	for _, layout := range [...]string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return timestamp(t)
		}
	}
	if t, ok := parseUnix(s); ok {
		return t, nil
	}
	d, err := parseDuration(strings.TrimPrefix(strings.TrimPrefix(s, "now"), "-"))
	if err != nil {
		return 0, fmt.Errorf("%w, got %q", errBadTime, s)
	}
	return timestamp(now.Add(-d))
}

// ParseTime reads a time as the API's parameters are read, for those who have to know it before they ask. Times before 1970 are
// 1970.
func ParseTime(s string, now time.Time) (time.Time, error) {
	t, err := parseTime(s, now)
	return goTime(t), err
}

// ParseDuration reads a duration as the API's parameters are read.
func ParseDuration(s string) (time.Duration, error) { return parseDuration(s) }

// parseUnix reads a number of seconds, milli-, micro- or nanoseconds: what it is follows from its magnitude, as times
// between 1973 and 5138 don't overlap.
func parseUnix(s string) (pcommon.Timestamp, bool) {
	if s == "" || len(s) > 32 || strings.Trim(s, "0123456789.") != "" {
		return 0, false
	}
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return 0, false
	}
	scale := int64(time.Second)
	switch f, _ := r.Float64(); {
	case f >= 1e17:
		scale = 1
	case f >= 1e14:
		scale = int64(time.Microsecond)
	case f >= 1e11:
		scale = int64(time.Millisecond)
	}
	r.Mul(r, new(big.Rat).SetInt64(scale))
	ns := new(big.Int).Quo(r.Num(), r.Denom())
	if !ns.IsUint64() {
		return 0, false
	}
	return pcommon.Timestamp(ns.Uint64()), true
}

// timestamp refuses what OTLP's unsigned nanoseconds since 1970 can't hold.
func timestamp(t time.Time) (pcommon.Timestamp, error) {
	if t.Unix() < 0 {
		return 0, nil // nothing is older: the same as the beginning
	}
	if uint64(t.Unix()) >= math.MaxUint64/1_000_000_000 {
		return 0, fmt.Errorf("%s is later than a log's time can be", t.Format(time.RFC3339))
	}
	return pcommon.Timestamp(uint64(t.Unix())*1e9 + uint64(t.Nanosecond())), nil
}

// parseDuration reads Go's durations ("1h30m", "1.5s") and Prometheus' ("7d", "2w", "1y"). Zero and negative ones are
// refused.
func parseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil {
		var m model.Duration
		if m, err = model.ParseDuration(s); err != nil {
			return 0, fmt.Errorf(`a duration looks like "15m", "1h30m" or "7d", got %q`, s)
		}
		d = time.Duration(m)
	}
	if d <= 0 {
		return 0, fmt.Errorf("a duration must be greater than zero, got %q", s)
	}
	return d, nil
}

// formatTime writes RFC 3339 in UTC with as many fraction digits as it takes.
func formatTime(t pcommon.Timestamp) string { return goTime(t).Format(time.RFC3339Nano) }

// goTime is Timestamp.AsTime without its overflow past the year 2262.
func goTime(t pcommon.Timestamp) time.Time {
	return time.Unix(int64(uint64(t)/1e9), int64(uint64(t)%1e9)).UTC()
}

// formatDuration writes what parseDuration reads, without the zeros of Duration.String: "1h", not "1h0m0s".
func formatDuration(d time.Duration) string {
	s := d.String()
	if d >= time.Minute {
		s = strings.TrimSuffix(s, "0s")
	}
	if d >= time.Hour && strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
