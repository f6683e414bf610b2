package logql

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestDurationIsRead(t *testing.T) {
	for _, c := range []struct {
		text string
		want time.Duration
	}{
		{"5m", 5 * time.Minute}, {"1h30m", 90 * time.Minute}, {"1.5h", 90 * time.Minute}, {"2d", 48 * time.Hour},
		{"1w", 7 * 24 * time.Hour}, {"1y", 365 * 24 * time.Hour}, {"0s", 0}, {"10µs", 10 * time.Microsecond},
		{"10us", 10 * time.Microsecond}, {"1ns", 1}, {"100ms", 100 * time.Millisecond}, {"9223372036854775807ns", math.MaxInt64},
	} {
		got, err := ParseDuration(c.text)
		if assert.NoError(t, err, c.text) {
			assert.Equal(t, c.want, got, c.text)
		}
	}
	for _, text := range []string{"", "5", "m", "5x", "5 m", "-5m", "5m3", "1..5h", ".h", "300y", "9223372036854775808ns", "5minutes"} {
		_, err := ParseDuration(text)
		assert.Error(t, err, text)
	}
}

func TestDurationAndSizeReadBackAsPrinted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(0, math.MaxInt64).Draw(t, "duration"))
		back, err := ParseDuration(FormatDuration(d))
		require.NoError(t, err)
		require.Equal(t, d, back)

		n := uint64(rapid.Uint32().Draw(t, "bytes")) << rapid.IntRange(0, 20).Draw(t, "shift")
		size, err := ParseBytes(FormatBytes(n))
		require.NoError(t, err)
		require.Equal(t, n, size)
	})
}

func TestSizeIsPrintedInItsLargestWholeUnit(t *testing.T) {
	for _, c := range []struct {
		n    uint64
		want string
	}{{0, "0B"}, {20, "20B"}, {20_000, "20KB"}, {1536, "1536B"}, {2048, "2KiB"}, {5 << 20, "5MiB"}, {42_000_000, "42MB"}, {1 << 40, "1TiB"}} {
		assert.Equal(t, c.want, FormatBytes(c.n))
	}
}
