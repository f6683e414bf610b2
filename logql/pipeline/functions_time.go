package pipeline

import (
	"fmt"
	"strconv"
	"text/template"
	"time"
)

func timeFunctions() template.FuncMap {
	return template.FuncMap{
		"date":             date,
		"toDate":           func(layout, s string) (time.Time, error) { return time.ParseInLocation(layout, s, time.Local) },
		"toDateInZone":     toDateInZone,
		"unixEpoch":        func(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) },
		"unixEpochMillis":  func(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) },
		"unixEpochNanos":   func(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) },
		"unixToTime":       unixToTime,
		"duration":         seconds,
		"duration_seconds": seconds,
	}
}

func date(layout string, v any) (string, error) {
	switch v := v.(type) {
	case time.Time:
		return v.Format(layout), nil
	case int64:
		return time.Unix(v, 0).UTC().Format(layout), nil
	case int:
		return time.Unix(int64(v), 0).UTC().Format(layout), nil
	}
	return "", fmt.Errorf("date: %v is not a time", v)
}

func toDateInZone(layout, zone, s string) (time.Time, error) {
	location, err := time.LoadLocation(zone)
	if err != nil {
		return time.Time{}, err
	}
	return time.ParseInLocation(layout, s, location)
}

// unixToTime tells the unit by the number of digits.
func unixToTime(s string) (time.Time, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("unixToTime: %q is not an integer", s)
	}
	switch len(s) {
	case 5:
		return time.Unix(n*24*60*60, 0).UTC(), nil
	case 10:
		return time.Unix(n, 0).UTC(), nil
	case 13:
		return time.UnixMilli(n).UTC(), nil
	case 16:
		return time.UnixMicro(n).UTC(), nil
	case 19:
		return time.Unix(0, n).UTC(), nil
	}
	return time.Time{}, fmt.Errorf("unixToTime: %q has neither 5, 10, 13, 16 nor 19 digits", s)
}

func seconds(s string) (float64, error) {
	d, err := time.ParseDuration(s)
	return d.Seconds(), err
}
