package main

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/instantdevlogs/devlogs/queryapi"
)

// timeFlags are the flags of commands that look at a range of time.
type timeFlags struct {
	since, start, end string
	utc               bool
}

func (t *timeFlags) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&t.since, "since", "", "how far back to look from now or --end, as in `15m`, 1h30m or 7d (default 1h)")
	f.StringVar(&t.start, "start", "", "beginning of the time range: a `time` as devlogs shows it ('2026-01-02 15:04:05', 15:04 for today, "+
		"a date), RFC 3339, unix time, or a duration ago such as 2h")
	f.StringVar(&t.end, "end", "", "end of the time range, in the same forms (default now)")
	f.BoolVar(&t.utc, "utc", false, "show times in UTC, and read those without a zone so, instead of local time")
}

// check says what is wrong with the flags before anybody is asked.
func (t *timeFlags) check() error {
	_, _, err := t.span(time.Now())
	return err
}

// values are the parameters of the native endpoints.
func (t *timeFlags) values() url.Values {
	v, now := url.Values{}, time.Now()
	for name, value := range map[string]string{"since": t.since, "start": t.start, "end": t.end} {
		if value == "" {
			continue
		}
		if at, ok := t.wallClock(value, now); ok && name != "since" {
			value = at.Format(time.RFC3339Nano)
		}
		v.Set(name, value)
	}
	return v
}

// span is the range in absolute times.
func (t *timeFlags) span(now time.Time) (start, end time.Time, err error) {
	if t.since != "" && t.start != "" {
		return start, end, errors.New("--since counts back from the end of the time range, which --start begins already: give one of the two, " +
			"or --start and --end")
	}
	end = now
	if t.end != "" {
		if end, err = t.time("--end", t.end, now); err != nil {
			return start, end, err
		}
	}
	if t.start != "" {
		start, err = t.time("--start", t.start, now)
		return start, end, err
	}
	since := time.Hour
	if t.since != "" {
		if since, err = queryapi.ParseDuration(t.since); err != nil {
			return start, end, fmt.Errorf("--since: %w", err)
		}
	}
	return end.Add(-since), end, nil
}

func (t *timeFlags) time(flag, text string, now time.Time) (time.Time, error) {
	if at, ok := t.wallClock(text, now); ok {
		return at, nil
	}
	at, err := queryapi.ParseTime(text, now)
	if err != nil {
		return at, fmt.Errorf("%s is %q: a time is '2026-01-02 15:04:05' (local, or with --utc in UTC), 15:04 (today), a date, "+
			"2026-01-02T15:04:05Z, unix s/ms/µs/ns, now, or a duration ago such as 2h or 7d", flag, text)
	}
	return at, nil
}

// zone is where the clock hangs that times without a zone are read from.
func (t *timeFlags) zone() *time.Location {
	if t.utc {
		return time.UTC
	}
	return time.Local
}

// wallClock reads the forms that devlogs shows times in, and shorter ones: they have no zone. Fractions of a second are read too.
func (t *timeFlags) wallClock(text string, now time.Time) (time.Time, bool) {
	for _, layout := range []string{time.DateTime, "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02T15:04", time.DateOnly} {
		if at, err := time.ParseInLocation(layout, text, t.zone()); err == nil {
			return at, true
		}
	}
	if at, err := time.Parse("2006-01-02 15:04:05Z07:00", text); err == nil {
		return at, true
	}
	for _, layout := range []string{time.TimeOnly, "15:04"} {
		if at, err := time.Parse(layout, text); err == nil {
			year, month, day := now.In(t.zone()).Date()
			return time.Date(year, month, day, at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), t.zone()), true
		}
	}
	return time.Time{}, false
}

// lokiValues are the parameters of the endpoints that Loki has too, which take absolute times in nanoseconds.
func (t *timeFlags) lokiValues() (url.Values, error) {
	start, end, err := t.span(time.Now())
	if err != nil {
		return nil, err
	}
	return url.Values{"start": {nanoseconds(start)}, "end": {nanoseconds(end)}}, nil
}

func nanoseconds(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }
