package record_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/instantdevlogs/devlogs/replay/pace"
	"github.com/instantdevlogs/devlogs/replay/play"
	"github.com/instantdevlogs/devlogs/replay/record"
	"github.com/instantdevlogs/devlogs/replay/recording"
)

// BenchmarkInterArrival measures how well a replay keeps the times between requests that a tap recorded. What is replayed is
// recorded once more, by another tap, so the error is that of the player and of both taps together. Arrivals are random, 50
// requests a second on average. It takes a minute: run it with -benchtime 1x.
func BenchmarkInterArrival(b *testing.B) {
	original, _ := tapped(b, irregular(b, 1500, 20*time.Millisecond), 1)
	for _, speed := range []float64{1, 10} {
		b.Run(fmt.Sprintf("%gx", speed), func(b *testing.B) {
			for b.Loop() {
				again, report := tapped(b, original, speed)
				want, got := distances(b, original), distances(b, again)
				require.Len(b, got, len(want))
				var off []float64
				for i := range want {
					off = append(off, math.Abs(got[i]-want[i]/speed)/1e3)
				}
				slices.Sort(off)
				b.ReportMetric(off[len(off)/2], "p50-µs")
				b.ReportMetric(off[len(off)*99/100], "p99-µs")
				b.ReportMetric(off[len(off)-1], "max-µs")
				b.ReportMetric(float64(report.Lag.P99), "lag-p99-µs")
				b.ReportMetric(float64(report.Spacing.P99), "spacing-p99-µs")
				b.ReportMetric(100*report.Sender.AwakeSeconds/report.Seconds, "%-awake")
				b.ReportMetric(100*report.Sender.CPUSeconds/report.Seconds, "%-cpu")
				b.ReportMetric(0, "ns/op")
			}
		})
	}
}

// irregular makes a recording whose requests come independently of each other.
func irregular(b *testing.B, n int, mean time.Duration) string {
	messages, _ := read(b, source(b, n))
	random := rand.New(rand.NewPCG(1, 2))
	dir := filepath.Join(b.TempDir(), "irregular")
	w, err := recording.Create(dir, recording.WriterOptions{})
	require.NoError(b, err)
	at := messages[0].Arrival
	for _, m := range messages {
		at += int64(random.ExpFloat64() * float64(mean))
		require.NoError(b, w.Write(&recording.Message{Body: m.Body, Records: m.Records, Arrival: at, Entry: &recording.Entry{RecvNS: at}}))
	}
	require.NoError(b, w.Close())
	return dir
}

// tapped replays a recording through a tap and returns the tap's own, and what the player says.
func tapped(b *testing.B, from string, speed float64) (dir string, report *play.Report) {
	s, _ := startSink(b, "")
	tp, dir := tap(b, "grpc://"+s.GRPCAddr()+",http://"+s.HTTPAddr(), func(c *record.Config) {})
	report = send(b, tp.Addrs()[0], play.HTTP, from, func(c *play.Config) { c.Pace = &pace.Original{Speed: speed} })
	stop(b, tp)
	return dir, report
}

// distances between the requests of a recording, in ns.
func distances(b *testing.B, dir string) (all []float64) {
	messages, notes := read(b, dir)
	require.Empty(b, notes.Gaps)
	for i := 1; i < len(messages); i++ {
		all = append(all, float64(messages[i].Arrival-messages[i-1].Arrival))
	}
	return all
}
