package gate

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

type fixed map[string]float64

func (f fixed) Metric(name, aggregate string, argument float64) (float64, Unit, bool, error) {
	units := map[string]Unit{"ack": Seconds, "queryable": Seconds, "target.rss.max": Bytes, "throughput": PerSec, "delivery.lost": Plain}
	unit, known := units[name]
	if !known {
		return 0, 0, false, fmt.Errorf("there is no metric %q", name)
	}
	if aggregate != "" {
		name += fmt.Sprint(".", aggregate, argument)
	}
	v, measured := f[name]
	return v, unit, measured, nil
}

func TestThresholdsAreJudged(t *testing.T) {
	run := fixed{"ack.p99": 0.049, "ack.max0": 0.2, "target.rss.max": 300 << 20, "throughput": 96_000, "delivery.lost": 0}
	base := fixed{"throughput": 100_000, "ack.p99": 0.05}
	for text, want := range map[string]bool{
		"delivery.lost == 0": true, "delivery.lost != 0": false, "delivery.lost >= 1": false,
		"ack.p(99) < 50ms": true, "ack.p(99) < 0.049s": false, "ack.p(99) <= 49ms": true, "ack.max < 100ms": false,
		"target.rss.max < 400MiB": true, "target.rss.max < 300MiB": false, "target.rss.max < 300MB": false,
		"throughput >= 95k": true, "throughput > 96k/s": false, "throughput >= 0.95*baseline": true, "throughput >= 97% * baseline": false,
		"ack.p(99) <= baseline": true, "queryable.p(99) < 2s": false,
	} {
		th, err := Parse(text)
		require.NoError(t, err, text)
		all, err := Check([]Threshold{th}, run, base)
		require.NoError(t, err, text)
		require.Equal(t, want, all[0].OK, "%s: %s", text, all[0].Message)
	}
}

func TestAFailureSaysTheValueAndTheLimit(t *testing.T) {
	th, err := Parse("ack.p(99) < 10ms")
	require.NoError(t, err)
	all, err := Check([]Threshold{th}, fixed{"ack.p99": 0.049}, nil)
	require.NoError(t, err)
	require.Equal(t, "ack.p(99) is 49ms, wanted < 10ms", all[0].Message)
}

func TestWhatCannotBeJudgedIsAnError(t *testing.T) {
	for text, want := range map[string]string{
		"colour < 3": "there is no metric", "ack.p(99) < 50": "give the limit a unit", "delivery.lost < 5ms": "not measured in the unit",
		"throughput >= baseline": "--baseline", "ack.p(99) < 50MiB": "not measured in the unit",
	} {
		th, err := Parse(text)
		require.NoError(t, err, text)
		_, err = Check([]Threshold{th}, fixed{}, nil)
		require.ErrorContains(t, err, want, text)
	}
	for _, text := range []string{"", "ack", "ack.p(99) << 3", "ack.p(101) < 1s", "ack.p(99) < soon", "throughput > x*baseline",
		"delivery.lost != NaN", "delivery.lost <= Inf", "ack.p(99) < -inf", "throughput > nan%"} {
		_, err := Parse(text)
		require.Error(t, err, text)
	}
}

func TestThresholdsComeFromAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "t.yaml")
	require.NoError(t, os.WriteFile(file, []byte("thresholds:\n  - delivery.lost == 0\n  - ack.p(99) < 50ms\n"), 0o600))
	all, err := ReadThresholds(file)
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.NoError(t, os.WriteFile(file, []byte("thresholds: []\n"), 0o600))
	_, err = ReadThresholds(file)
	require.ErrorContains(t, err, "there are none")
	require.NoError(t, os.WriteFile(file, []byte("limits: [x < 1]\n"), 0o600))
	_, err = ReadThresholds(file)
	require.ErrorContains(t, err, "limits")
	require.NoError(t, os.WriteFile(file, []byte("thresholds: [delivery.sent > 0]\n---\nthresholds: [delivery.lost == 0]\n"), 0o600))
	_, err = ReadThresholds(file)
	require.ErrorContains(t, err, "after the first document")
	_, err = ReadThresholds(file + ".gone")
	require.Error(t, err)
}
