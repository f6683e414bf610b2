package pace_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/instantdevlogs/devlogs/replay/pace"
)

func TestOriginalKeepsDistances(t *testing.T) {
	p := &pace.Original{Speed: 10, GapMax: 5 * time.Second}
	require.Equal(t, time.Duration(0), p.Due(pace.Load{}, 0))
	require.Equal(t, 100*time.Millisecond, p.Due(pace.Load{}, time.Second))
	require.Equal(t, 600*time.Millisecond, p.Due(pace.Load{}, 61*time.Second), "a minute of silence is cut to five seconds")
	require.Equal(t, 700*time.Millisecond, p.Due(pace.Load{}, 62*time.Second))
	require.Equal(t, 55*time.Second, p.Cut())
}

func TestRatesAreRead(t *testing.T) {
	for text, want := range map[string]pace.Rate{
		"50k rec/s": {PerSecond: 50_000}, "200 req/s": {PerSecond: 200, Unit: pace.Requests}, "1.5M": {PerSecond: 1_500_000},
		"20MiB/s": {PerSecond: 20 << 20, Unit: pace.Bytes}, "3 kB/s": {PerSecond: 3000, Unit: pace.Bytes},
	} {
		got, err := pace.ParseRate(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "fast", "0", "10 rec/m", "-1"} {
		_, err := pace.ParseRate(text)
		require.Error(t, err, text)
	}
	require.Equal(t, 2*time.Second, pace.Rate{PerSecond: 50}.Due(pace.Load{Records: 100}, 0))
}

// What is due by a time must be the integral of the rate until then.
func TestStagesFollowTheIntegral(t *testing.T) {
	s, err := pace.ParseStages("0s:0,10s:100,20s:100,30s:50 req/s")
	require.NoError(t, err)
	for _, c := range []struct{ sent, seconds float64 }{{0, 0}, {500, 10}, {1000, 15}, {1500, 20}, {2250, 30}, {2300, 31}} {
		require.InDelta(t, c.seconds, s.Due(pace.Load{Requests: int64(c.sent)}, 0).Seconds(), 1e-6, "%v", c)
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(0, 5000).Draw(t, "n")
		require.LessOrEqual(t, s.Due(pace.Load{Requests: n}, 0), s.Due(pace.Load{Requests: n + 1}, 0))
	})
	for _, bad := range []string{"", "5s:1", "0s:1,0s:2", "0s:1,5s:0", "0s"} {
		_, err := pace.ParseStages(bad)
		require.Error(t, err, bad)
	}
}
