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
type timeFlags struct{ since, start, end string }

func (t *timeFlags) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&t.since, "since", "", "how far back to look from now or --end, as in `15m`, 1h30m or 7d (default 1h)")
	f.StringVar(&t.start, "start", "", "beginning of the time range: RFC 3339, unix time, or a `time` ago such as 2h")
	f.StringVar(&t.end, "end", "", "end of the time range (default now)")
}

func (t *timeFlags) check() error {
	if t.since != "" && t.start != "" {
		return errors.New("give --since or --start, not both")
	}
	return nil
}

// values are the parameters of the native endpoints, which read them as they are.
func (t *timeFlags) values() url.Values {
	v := url.Values{}
	for name, value := range map[string]string{"since": t.since, "start": t.start, "end": t.end} {
		if value != "" {
			v.Set(name, value)
		}
	}
	return v
}

// span is the range in absolute times.
func (t *timeFlags) span(now time.Time) (start, end time.Time, err error) {
	if err := t.check(); err != nil {
		return start, end, err
	}
	end = now
	if t.end != "" {
		if end, err = queryapi.ParseTime(t.end, now); err != nil {
			return start, end, fmt.Errorf("--end: %w", err)
		}
	}
	if t.start != "" {
		if start, err = queryapi.ParseTime(t.start, now); err != nil {
			return start, end, fmt.Errorf("--start: %w", err)
		}
		return start, end, nil
	}
	since := time.Hour
	if t.since != "" {
		if since, err = queryapi.ParseDuration(t.since); err != nil {
			return start, end, fmt.Errorf("--since: %w", err)
		}
	}
	return end.Add(-since), end, nil
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
