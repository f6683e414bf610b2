package ab

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// The test binary is the target too.
func TestMain(m *testing.M) {
	if address := os.Getenv("AB_TEST_LISTEN"); address != "" {
		l, err := net.Listen("tcp", address)
		if err != nil {
			panic(err)
		}
		stop := make(chan os.Signal, 1)
		signal.Notify(stop, syscall.SIGTERM)
		<-stop
		l.Close()
		fmt.Println("stopped")
		return
	}
	goleak.VerifyTestMain(m)
}

func samples(metric string, values ...float64) (all []Sample) {
	for _, v := range values {
		all = append(all, Sample{metric: v})
	}
	return all
}

func TestOnlyADifferenceBeyondFloorNoiseAndChanceCounts(t *testing.T) {
	for name, c := range map[string]struct {
		metric        string
		a, b          []float64
		worse, better bool
	}{
		"slower":                 {"throughput rec/s", []float64{100, 101, 99, 100, 102}, []float64{80, 81, 79, 80, 82}, true, false},
		"faster":                 {"throughput rec/s", []float64{100, 101, 99, 100, 102}, []float64{120, 121, 119, 122, 120}, false, true},
		"a longer latency":       {"ack p99 µs", []float64{100, 101, 99, 100, 102}, []float64{120, 121, 119, 122, 120}, true, false},
		"within the floor":       {"throughput rec/s", []float64{100, 101, 99, 100, 102}, []float64{97, 97, 96, 97, 98}, false, false},
		"within the noise":       {"throughput rec/s", []float64{70, 130, 100, 85, 115}, []float64{60, 118, 90, 75, 104}, false, false},
		"too few to say":         {"throughput rec/s", []float64{100, 101}, []float64{50, 51}, false, false},
		"one bad run among good": {"throughput rec/s", []float64{100, 101, 99, 100, 102}, []float64{100, 101, 99, 40, 102}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			all := Compare(samples(c.metric, c.a...), samples(c.metric, c.b...), 0.05)
			require.Len(t, all, 1)
			require.Equal(t, [2]bool{c.worse, c.better}, [2]bool{all[0].Worse, all[0].Better}, all[0].String())
		})
	}
}

func TestVersionsTakeTurns(t *testing.T) {
	require.Equal(t, []int{0, 1, 1, 0, 0, 1, 1, 0}, Order(4))
	least := samples("ack p50 µs", 1, 1.01, 1.02, 1.03)
	require.True(t, Compare(least, samples("ack p50 µs", 2, 2.01, 2.02, 2.03), 0.05)[0].Worse, "MinRuns must be enough")
	require.Len(t, least, MinRuns)
}

func TestTargetIsStartedAndStoppedWithAllItStarted(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	_, err = StartTarget(t.Context(), "true", address, os.Stderr)
	require.ErrorContains(t, err, "something listens")
	require.NoError(t, l.Close())

	var out bytes.Buffer
	target, err := StartTarget(t.Context(), fmt.Sprintf("AB_TEST_LISTEN=%s %s; echo done", address, os.Args[0]), address, &out)
	require.NoError(t, err)
	require.NoError(t, target.Stop())
	_, err = net.Dial("tcp", address)
	require.Error(t, err)

	_, err = StartTarget(t.Context(), "exit 3", address, &out)
	require.ErrorContains(t, err, "ended before it took connections")
}
