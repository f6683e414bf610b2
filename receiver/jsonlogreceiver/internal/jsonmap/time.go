package jsonmap

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/instantdevlogs/devlogs/receiver/jsonlogreceiver/internal/jsontape"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// maxSeconds is the end of what 63 bits of nanoseconds hold: April 2262.
const maxSeconds = math.MaxInt64 / 1_000_000_000

// ReadTime reads a time in any of the forms that loggers write: text, a number, or an object of seconds and nanoseconds
// (log4j2's instant, Google Cloud's timestamp).
func ReadTime(t *jsontape.Tape, node uint32) (pcommon.Timestamp, bool) {
	switch t.Nodes[node].Kind {
	case jsontape.String:
		return ParseTime(t.Str(node))
	case jsontape.Int, jsontape.Double:
		return parseUnix(t.Raw(node))
	case jsontape.Object:
		for _, names := range [...][2]string{{"epochSecond", "nanoOfSecond"}, {"seconds", "nanos"}} {
			s, ok1 := t.Find(node, names[0])
			n, ok2 := t.Find(node, names[1])
			if !ok1 {
				continue
			}
			seconds, err1 := strconv.ParseInt(t.Raw(s), 10, 64)
			nanos, err2 := int64(0), error(nil)
			if ok2 {
				nanos, err2 = strconv.ParseInt(t.Raw(n), 10, 64)
			}
			if err1 == nil && err2 == nil && seconds > 0 && seconds < maxSeconds && nanos >= 0 && nanos < 1e9 {
				return pcommon.Timestamp(seconds*1e9 + nanos), true
			}
		}
	}
	return 0, false
}

// ParseTime reads RFC 3339 (also with a space, a comma before the fraction, a lower-case t or z, a zone without colon, or
// no zone, which means UTC), unix time as parseUnix does, and the formats of web servers and syslog. The time must be
// after 1970 and before 2262, what 63 bits of nanoseconds hold.
func ParseTime(s string) (pcommon.Timestamp, bool) {
	if len(s) < 10 {
		return parseUnix(s)
	}
	if s[4] == '-' && s[7] == '-' {
		return parseISO(s)
	}
	if s[0]-'0' <= 9 && s[2] != '/' && s[4] != '/' {
		return parseUnix(s)
	}
	for _, layout := range otherLayouts {
		if parsed, err := time.Parse(layout, s); err == nil {
			return fromTime(parsed)
		}
	}
	return 0, false
}

// otherLayouts are tried for text that is neither ISO 8601 nor a number.
var otherLayouts = []string{
	"02/Jan/2006:15:04:05 -0700", time.RFC1123Z, time.RFC1123, time.RFC850, time.ANSIC, time.UnixDate, time.RubyDate,
	"2006/01/02 15:04:05.999999999",
}

func fromTime(t time.Time) (pcommon.Timestamp, bool) {
	seconds := t.Unix()
	if seconds < 0 || seconds >= maxSeconds || t.UnixNano() == 0 {
		return 0, false
	}
	return pcommon.Timestamp(t.UnixNano()), true
}

// parseISO reads yyyy-mm-dd, optionally followed by a time, a fraction and a zone. time.Parse would do, at ten times the
// cost and without the variants.
func parseISO(s string) (pcommon.Timestamp, bool) {
	year, ok1 := digits(s[0:4])
	month, ok2 := digits(s[5:7])
	day, ok3 := digits(s[8:10])
	if !ok1 || !ok2 || !ok3 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || year < 1970 || year > 2262 {
		return 0, false
	}
	seconds, nanos := daysSince1970(year, month, day)*86400, int64(0)
	if rest := s[10:]; rest != "" {
		if c := rest[0]; (c != 'T' && c != 't' && c != ' ') || len(rest) < 6 || rest[3] != ':' {
			return 0, false
		}
		hour, ok1 := digits(rest[1:3])
		minute, ok2 := digits(rest[4:6])
		second, ok3 := 0, true
		rest = rest[6:]
		if len(rest) >= 3 && rest[0] == ':' {
			second, ok3 = digits(rest[1:3])
			rest = rest[3:]
		}
		if !ok1 || !ok2 || !ok3 || hour > 23 || minute > 59 || second > 60 {
			return 0, false
		}
		seconds += int64(hour*3600 + minute*60 + second)
		if rest != "" && (rest[0] == '.' || rest[0] == ',') {
			nanos, rest = fraction(rest[1:])
		}
		offset, ok := zone(rest)
		if !ok {
			return 0, false
		}
		seconds -= offset
	}
	if seconds < 0 || seconds >= maxSeconds || seconds+nanos == 0 {
		return 0, false
	}
	return pcommon.Timestamp(seconds*1e9 + nanos), true
}

// zone reads what follows the clock: nothing, Z, UTC, ±hh, ±hhmm or ±hh:mm. The offset is in seconds.
func zone(s string) (offset int64, ok bool) {
	s = strings.TrimPrefix(s, " ")
	switch s {
	case "", "Z", "z", "UTC", "GMT":
		return 0, true
	}
	sign := int64(1)
	switch s[0] {
	case '+':
	case '-':
		sign = -1
	default:
		return 0, false
	}
	s = s[1:]
	if len(s) == 5 && s[2] == ':' {
		s = s[:2] + s[3:]
	}
	if len(s) == 2 {
		s += "00"
	}
	if len(s) != 4 {
		return 0, false
	}
	hours, ok1 := digits(s[:2])
	minutes, ok2 := digits(s[2:])
	return sign * int64(hours*3600+minutes*60), ok1 && ok2 && hours <= 23 && minutes <= 59
}

// fraction reads digits after a decimal point as billionths and returns what follows them; digits past the ninth are cut.
func fraction(s string) (nanos int64, rest string) {
	i, scale := 0, int64(1e8)
	for ; i < len(s) && s[i]-'0' <= 9; i++ {
		nanos += int64(s[i]-'0') * scale
		scale /= 10
	}
	return nanos, s[i:]
}

func digits(s string) (int, bool) {
	n := 0
	for i := range len(s) {
		if s[i]-'0' > 9 {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, true
}

var monthDays = [...]int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

func daysIn(year, month int) int {
	if month == 2 && year%4 == 0 && (year%100 != 0 || year%400 == 0) {
		return 29
	}
	return monthDays[month-1]
}

// daysSince1970 is days_from_civil from Howard Hinnant's "chrono-Compatible Low-Level Date Algorithms", for years from 1970.
func daysSince1970(year, month, day int) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	era := year / 400
	yearOfEra := year - era*400
	dayOfYear := (153*(month-3)+2)/5 + day - 1
	return int64(era*146097+yearOfEra*365+yearOfEra/4-yearOfEra/100+dayOfYear) - 719468
}

// parseUnix reads seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by magnitude, with or without
// a fraction. Numbers below 1e8 (March 1973 in seconds) are taken for something else: a duration, a counter.
func parseUnix(s string) (pcommon.Timestamp, bool) {
	whole, rest := uint64(0), s
	for rest != "" && rest[0]-'0' <= 9 {
		if whole > math.MaxInt64/10-1 {
			return 0, false
		}
		whole, rest = whole*10+uint64(rest[0]-'0'), rest[1:]
	}
	var nanos int64
	if rest != "" && rest != s && rest[0] == '.' {
		nanos, rest = fraction(rest[1:])
	}
	if rest != "" { // an exponent, or no number at all
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || f < 1e8 || f >= math.MaxInt64 {
			return 0, false
		}
		whole, nanos = uint64(f), int64((f-math.Floor(f))*1e9)
	}
	var unit uint64
	switch {
	case whole < 1e8:
		return 0, false
	case whole < 1e11:
		unit = 1e9
	case whole < 1e14:
		unit = 1e6
	case whole < 1e17:
		unit = 1e3
	default:
		unit = 1
	}
	if whole >= math.MaxInt64/unit {
		return 0, false
	}
	return pcommon.Timestamp(whole*unit + uint64(nanos)*unit/1e9), true
}
