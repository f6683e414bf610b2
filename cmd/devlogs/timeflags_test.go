package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTimesAreReadAsTheyAreShown(t *testing.T) {
	local := time.Local
	t.Cleanup(func() { time.Local = local })
	time.Local = time.FixedZone("east", 2*60*60)
	now := time.Date(2026, 1, 2, 22, 30, 0, 0, time.UTC) // here it is the next day already
	for text, want := range map[string]string{
		"2026-01-02 15:04:05.006":   "2026-01-02T13:04:05.006Z",
		"2026-01-02 15:04:05":       "2026-01-02T13:04:05Z",
		"2026-01-02T15:04:05":       "2026-01-02T13:04:05Z",
		"2026-01-02 15:04":          "2026-01-02T13:04:00Z",
		"2026-01-02T15:04":          "2026-01-02T13:04:00Z",
		"2026-01-02":                "2026-01-01T22:00:00Z",
		"15:04":                     "2026-01-03T13:04:00Z",
		"15:04:05":                  "2026-01-03T13:04:05Z",
		"2026-01-02 15:04:05Z":      "2026-01-02T15:04:05Z",
		"2026-01-02 15:04:05+01:00": "2026-01-02T14:04:05Z",
		"2026-01-02T15:04:05Z":      "2026-01-02T15:04:05Z",
		"1767366245":                "2026-01-02T15:04:05Z",
		"2h":                        "2026-01-02T20:30:00Z",
	} {
		flags := timeFlags{start: text}
		start, end, err := flags.span(now)
		require.NoError(t, err, text)
		require.Equal(t, want, start.UTC().Format(time.RFC3339Nano), text)
		require.Equal(t, now, end)
	}

	flags := timeFlags{start: "2026-01-02 15:04", end: "2026-01-03", utc: true}
	start, end, err := flags.span(now)
	require.NoError(t, err)
	require.Equal(t, "2026-01-02T15:04:00Z 2026-01-03T00:00:00Z", start.Format(time.RFC3339)+" "+end.Format(time.RFC3339))
	require.Equal(t, "2026-01-02T15:04:00Z", flags.values().Get("start"), "the server reads no such form")

	flags = timeFlags{since: "7d", end: "2h"}
	require.Equal(t, "end=2h&since=7d", flags.values().Encode(), "these are the server's to read")
}
