package ab

import (
	"fmt"
	"math"
	"slices"

	"golang.org/x/perf/benchmath"
)

// Sample is what one run of one version measured, by the name of the metric.
type Sample map[string]float64

// Metric is one thing that is compared.
type Metric struct {
	Name   string
	Bigger bool // is better
}

// Metrics that are compared, where both versions have them.
var Metrics = []Metric{
	{"throughput rec/s", true},
	{"ack p50 µs", false},
	{"ack p99 µs", false},
	{"target CPU s", false},
	{"target RSS bytes", false},
}

// Comparison of one metric.
type Comparison struct {
	Metric string  `json:"metric"`
	A      float64 `json:"a"` // medians
	B      float64 `json:"b"`
	Delta  float64 `json:"delta"` // of B against A: 0.1 is 10 % more
	Noise  float64 `json:"noise"` // how far runs of one version lie from its median, as a share: the larger version's
	P      float64 `json:"p"`     // of the difference being chance
	Runs   int     `json:"runs"`  // of each version
	Worse  bool    `json:"worse"`
	Better bool    `json:"better"`
}

// Compare compares runs of two versions. floor is the smallest difference that counts, 0.05 for 5 %.
func Compare(a, b []Sample, floor float64) []Comparison {
	thresholds := benchmath.DefaultThresholds
	var all []Comparison
	for _, m := range Metrics {
		left, right := values(a, m.Name), values(b, m.Name)
		if len(left) == 0 || len(right) == 0 {
			continue
		}
		x, y := benchmath.NewSample(left, &thresholds), benchmath.NewSample(right, &thresholds)
		test := benchmath.AssumeNothing.Compare(x, y)
		c := Comparison{
			Metric: m.Name, A: median(x.Values), B: median(y.Values), P: test.P, Runs: min(len(left), len(right)),
			Noise: max(spread(x.Values), spread(y.Values)),
		}
		if c.A != 0 {
			c.Delta = c.B/c.A - 1
		}
		if math.Abs(c.Delta) > floor && math.Abs(c.Delta) > c.Noise && c.P < benchmath.DefaultThresholds.CompareAlpha {
			c.Better = c.Delta > 0 == m.Bigger
			c.Worse = !c.Better
		}
		all = append(all, c)
	}
	return all
}

func values(samples []Sample, metric string) []float64 {
	var all []float64
	for _, s := range samples {
		if v, ok := s[metric]; ok {
			all = append(all, v)
		}
	}
	return all
}

// median of sorted values.
func median(sorted []float64) float64 {
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// spread is the median distance from the median, as a share of it: one bad run does not widen it.
func spread(sorted []float64) float64 {
	m := median(sorted)
	if m == 0 {
		return 0
	}
	var far []float64
	for _, v := range sorted {
		far = append(far, math.Abs(v-m)/math.Abs(m))
	}
	slices.Sort(far)
	return median(far)
}

func (c Comparison) String() string {
	verdict := "no difference"
	switch {
	case c.Worse:
		verdict = "WORSE"
	case c.Better:
		verdict = "better"
	}
	return fmt.Sprintf("%-18s A %-12.5g B %-12.5g %+.1f %% (noise %.1f %%, p=%.3f, n=%d+%d): %s", c.Metric, c.A, c.B, 100*c.Delta,
		100*c.Noise, c.P, c.Runs, c.Runs, verdict)
}

// Order says which version runs when: 0 is A, 1 is B; n runs of each.
func Order(n int) []int {
	var order []int
	for i := range n {
		order = append(order, i%2, 1-i%2)
	}
	return order
}

// MinRuns of each version make a difference that is all one way unlikely to be chance (p < 0.05).
const MinRuns = 4
