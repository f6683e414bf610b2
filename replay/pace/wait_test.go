package pace

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAMomentIsNeverLeftEarly(t *testing.T) {
	var w Waiter
	begin := time.Now()
	for i := range 50 {
		moment := begin.Add(time.Duration(i) * 300 * time.Microsecond)
		require.True(t, w.Until(t.Context(), moment))
		require.False(t, time.Now().Before(moment))
	}
	require.True(t, w.Until(t.Context(), begin), "what is past is not waited for")
}

func TestWaitingEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var w Waiter
	for _, moment := range []time.Time{time.Now().Add(time.Hour), time.Now().Add(-time.Hour)} {
		require.False(t, w.Until(ctx, moment))
	}
	require.False(t, w.stayAwake(ctx, time.Now().Add(time.Hour)))
}

func TestTheMarginFollowsTheLatestSleeps(t *testing.T) {
	for name, c := range map[string]struct {
		late     []time.Duration // one of the first in a hundred
		from, to time.Duration
	}{
		"most are exact, some are not": {[]time.Duration{2 * time.Millisecond, 60 * time.Microsecond}, 2 * time.Millisecond, 3 * time.Millisecond},
		"all are exact":                {[]time.Duration{60 * time.Microsecond, 60 * time.Microsecond}, 90 * time.Microsecond, 100 * time.Microsecond},
		"it is bounded":                {[]time.Duration{time.Second, 60 * time.Microsecond}, maxMargin / 2, maxMargin},
		"nothing helps":                {[]time.Duration{time.Second, 2 * time.Millisecond}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			l := lateness{}
			require.Equal(t, firstMargin, l.margin())
			for i := range 4000 {
				l.learn(c.late[min(i%100, 1)])
				if i > 2000 {
					require.GreaterOrEqual(t, l.margin(), c.from, i)
					require.LessOrEqual(t, l.margin(), c.to, i)
				}
			}
		})
	}
}

func TestAMarginLongerThanTheDistancesIsTriedAgain(t *testing.T) {
	w := Waiter{long: lateness{tried: true, longest: time.Hour}}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range patience {
		require.Equal(t, time.Hour, w.long.margin())
		w.Until(ctx, time.Now().Add(time.Minute))
	}
	require.Zero(t, w.long.margin())
}

// BenchmarkWaiter says how late a wait ends, and how much of the time it stays awake for that.
func BenchmarkWaiter(b *testing.B) {
	const distance = 5 * time.Millisecond
	var w Waiter
	var late []time.Duration
	begin := time.Now()
	for b.Loop() {
		moment := time.Now().Add(distance)
		w.Until(b.Context(), moment)
		late = append(late, time.Since(moment))
	}
	slices.Sort(late)
	us := func(d time.Duration) float64 { return float64(d) / 1e3 }
	b.ReportMetric(us(late[len(late)/2]), "p50-µs")
	b.ReportMetric(us(late[len(late)*99/100]), "p99-µs")
	b.ReportMetric(100*w.Awake().Seconds()/time.Since(begin).Seconds(), "%-awake")
}
