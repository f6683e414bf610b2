package record_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/instantdevlogs/devlogs/replay/pace"
	"github.com/instantdevlogs/devlogs/replay/play"
	"github.com/instantdevlogs/devlogs/replay/recording"
)

// BenchmarkInterArrival measures how well a replay keeps the times between requests that a tap recorded. What is replayed is
// recorded once more, by another tap, so the error is that of the player and of the tap together. The tap runs in a process
// of its own, as it does in use. Arrivals are random, 50 requests a second on average.
//
// Two yardsticks say what the machine's part is: single bytes, sent at the same moments over loopback to a reader in the
// other process, which sleeps until each comes. floor-p99 is how far the distances that the kernel notes there are off, when
// the sender's own lateness is taken off: so much passes between a write and its arrival. woken-p99 is what the reader itself
// sees: so much would be added if arrivals were when a process is woken.
//
// It takes a minute: run it with -benchtime 1x.
func BenchmarkInterArrival(b *testing.B) {
	original, _ := tapped(b, irregular(b, 1000, 20*time.Millisecond), 1)
	want := distances(b, original)
	for _, speed := range []float64{1, 10} {
		b.Run(fmt.Sprintf("%gx", speed), func(b *testing.B) {
			for b.Loop() {
				again, report := tapped(b, original, speed)
				off := offBy(b, want, distances(b, again), speed)
				b.ReportMetric(off[len(off)/2], "p50-µs")
				b.ReportMetric(off[len(off)*95/100], "p95-µs")
				b.ReportMetric(off[len(off)*99/100], "p99-µs")
				b.ReportMetric(off[len(off)-1], "max-µs")
				b.ReportMetric(float64(report.Lag.P99), "lag-p99-µs")
				b.ReportMetric(float64(report.Spacing.P99), "spacing-p99-µs")
				b.ReportMetric(100*report.Sender.AwakeSeconds/report.Seconds, "%-awake")
				b.ReportMetric(100*report.Sender.CPUSeconds/report.Seconds, "%-cpu")
				kernel, woken := bytesAt(b, want, speed)
				for name, got := range map[string][]float64{"floor-p99-µs": kernel, "woken-p99-µs": woken} {
					floor := offBy(b, want, got, speed)
					b.ReportMetric(floor[len(floor)*99/100], name)
				}
				b.ReportMetric(0, "ns/op")
			}
		})
	}
}

// offBy is how far distances were from the wanted ones, in µs, sorted.
func offBy(b *testing.B, want, got []float64, speed float64) (off []float64) {
	require.Len(b, got, len(want))
	for i := range want {
		off = append(off, math.Abs(got[i]-want[i]/speed)/1e3)
	}
	slices.Sort(off)
	return off
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
	dir = filepath.Join(b.TempDir(), "tapped")
	tp := startElsewhere(b, dir)
	report = send(b, tp.tap, play.HTTP, from, func(c *play.Config) { c.Pace = &pace.Original{Speed: speed} })
	tp.stop(b)
	return dir, report
}

// bytesAt sends single bytes at the distances, as the player waits for its moments, and returns the distances between their
// arrivals, by the kernel and by the reader, less the sender's own lateness.
func bytesAt(b *testing.B, want []float64, speed float64) (kernel, woken []float64) {
	tp := startElsewhere(b, filepath.Join(b.TempDir(), "unused"))
	defer tp.stop(b)
	conn, err := net.Dial("tcp", tp.floor)
	require.NoError(b, err)
	defer conn.Close()
	var w pace.Waiter
	sent := make([]time.Time, len(want)+1)
	at := time.Now().Add(20 * time.Millisecond)
	for i := range sent {
		w.Until(b.Context(), at)
		sent[i] = time.Now()
		_, err := conn.Write([]byte{1})
		require.NoError(b, err)
		if i < len(want) {
			at = at.Add(time.Duration(want[i] / speed))
		}
	}
	came := make([][2]int64, len(sent))
	require.NoError(b, binary.Read(conn, binary.LittleEndian, came))
	for i := range want {
		own := float64(sent[i+1].Sub(sent[i])) - want[i]/speed
		kernel = append(kernel, float64(came[i+1][0]-came[i][0])-own)
		woken = append(woken, float64(came[i+1][1]-came[i][1])-own)
	}
	return kernel, woken
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
