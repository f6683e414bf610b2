package logql

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

const day = 24 * time.Hour

var durationUnits = map[string]time.Duration{
	"ns": 1, "us": time.Microsecond, "µs": time.Microsecond, "μs": time.Microsecond, "ms": time.Millisecond,
	"s": time.Second, "m": time.Minute, "h": time.Hour, "d": day, "w": 7 * day, "y": 365 * day,
}

// ParseDuration reads a duration as a query writes it: decimal numbers, each with a unit (ns, us, µs, ms, s, m, h, d, w, y),
// such as 5m, 1h30m or 1.5d.
func ParseDuration(s string) (time.Duration, error) {
	tooLong := fmt.Errorf("duration %q is too long: at most 292 years", s)
	total, rest := time.Duration(0), s
	for first := true; first || rest != ""; first = false {
		n := len(rest) - len(strings.TrimLeft(rest, "0123456789."))
		u := n
		for u < len(rest) && !isDigit(rest[u]) && rest[u] != '.' {
			u++
		}
		unit, known := durationUnits[rest[n:u]]
		value, err := strconv.ParseFloat(rest[:n], 64)
		if !known || err != nil {
			return 0, fmt.Errorf("%q is not a duration: expected numbers with a unit (ns, us, ms, s, m, h, d, w, y) such as 5m or 1h30m", s)
		}
		part := time.Duration(0)
		if whole, err := strconv.ParseInt(rest[:n], 10, 64); err == nil && whole <= math.MaxInt64/int64(unit) {
			part = time.Duration(whole) * unit
		} else if value *= float64(unit); value < math.MaxInt64 {
			part = time.Duration(math.Round(value))
		} else {
			return 0, tooLong
		}
		if total += part; total < 0 {
			return 0, tooLong
		}
		rest = rest[u:]
	}
	return total, nil
}

// FormatDuration writes d as ParseDuration reads it, without units that are zero: 5m, 1h30m, 7d.
func FormatDuration(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	var b strings.Builder
	rest := uint64(d)
	if d < 0 {
		b.WriteByte('-')
		rest = -rest
	}
	for _, u := range [...]struct {
		name string
		unit time.Duration
	}{{"d", day}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond}, {"us", time.Microsecond}, {"ns", 1}} {
		if n := rest / uint64(u.unit); n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.name)
			rest %= uint64(u.unit)
		}
	}
	return b.String()
}

// ParseBytes reads a size such as 20B, 42MB, 1.5KiB or 3k; units are those of go-humanize, in any case.
func ParseBytes(s string) (uint64, error) {
	n, err := humanize.ParseBytes(s)
	if err != nil {
		return 0, fmt.Errorf("%q is not a size: expected a number with a unit (B, KB, KiB, MB, MiB, GB, GiB, …) such as 42MB", s)
	}
	return n, nil
}

// FormatBytes writes n as ParseBytes reads it, in the largest unit that takes no fraction.
func FormatBytes(n uint64) string {
	decimal := [...]string{"KB", "MB", "GB", "TB", "PB", "EB"}
	binary := [...]string{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	value, unit := n, "B"
	for d, i := n, 0; d != 0 && d%1000 == 0 && i < len(decimal); i++ {
		d /= 1000
		value, unit = d, decimal[i]
	}
	for b, i := n, 0; b != 0 && b%1024 == 0 && i < len(binary); i++ {
		b /= 1024
		if b < value {
			value, unit = b, binary[i]
		}
	}
	// ParseBytes goes through float64: beyond its exact integers only the plain number comes back the same.
	if back, err := ParseBytes(strconv.FormatUint(value, 10) + unit); err != nil || back != n {
		value, unit = n, "B"
	}
	return strconv.FormatUint(value, 10) + unit
}

// parseNumber reads a decimal or hexadecimal number.
func parseNumber(s string) (float64, bool) {
	if len(s) > 1 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X') {
		n, err := strconv.ParseUint(s[2:], 16, 64)
		return float64(n), err == nil
	}
	if strings.ContainsAny(s, "_xXpP") {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

func formatNumber(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }
