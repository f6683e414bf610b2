package lokiapi

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// parseTime reads RFC 3339, or a unix time: with a point or exponent it is in seconds, else its number of digits tells
// seconds (up to 10), milliseconds (up to 14), microseconds (up to 17) and nanoseconds apart.
func parseTime(s string) (time.Time, error) {
	bad := fmt.Errorf("cannot parse %q to a valid timestamp", s)
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		switch digits := len(strings.TrimLeft(s, "+-")); {
		case digits <= 10:
			return time.Unix(n, 0), nil
		case digits <= 14:
			return time.UnixMilli(n), nil
		case digits <= 17:
			return time.UnixMicro(n), nil
		default:
			return time.Unix(0, n), nil
		}
	}
	if seconds, err := strconv.ParseFloat(s, 64); err == nil {
		if !(math.Abs(seconds) < math.MaxInt64/1e9) {
			return time.Time{}, bad
		}
		whole, part := math.Modf(seconds)
		return time.Unix(int64(whole), int64(math.Round(part*1000)*1e6)), nil // a float of today holds no more
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.Year() > 2262 {
		return time.Time{}, bad
	}
	return t, nil
}

// parseDuration reads seconds, Prometheus' durations ("1d", "5m") and Go's ("1.5s").
func parseDuration(s string) (time.Duration, error) {
	if seconds, err := strconv.ParseFloat(s, 64); err == nil {
		if ns := seconds * 1e9; math.Abs(ns) < math.MaxInt64 {
			return time.Duration(ns), nil
		}
		return 0, fmt.Errorf("cannot parse %q to a valid duration. It overflows int64", s)
	}
	if d, err := model.ParseDuration(s); err == nil {
		return time.Duration(d), nil
	}
	if d, err := time.ParseDuration(s); err == nil {
		return d, nil
	}
	return 0, fmt.Errorf("cannot parse %q to a valid duration", s)
}
