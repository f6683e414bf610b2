package engine

import (
	"math"
	"slices"
)

// quantile interpolates between the two samples next to the rank q*(n-1), as Prometheus does.
func quantile(q float64, samples []sample) float64 {
	switch {
	case len(samples) == 0 || math.IsNaN(q):
		return math.NaN()
	case q < 0:
		return math.Inf(-1)
	case q > 1:
		return math.Inf(1)
	}
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = s.value
	}
	slices.Sort(values)
	rank := q * float64(len(values)-1)
	lower := math.Floor(rank)
	weight := rank - lower
	return values[int(lower)]*(1-weight) + values[min(int(lower)+1, len(values)-1)]*weight
}

// counterRate is how fast a counter that starts again at 0 after a reset grows per second. The growth between the first
// and the last sample is stretched to the window's edges where samples come that close to them, as Prometheus' rate does.
func counterRate(samples []sample, after, until int64) float64 {
	if len(samples) < 2 {
		return 0
	}
	first, last := samples[0], samples[len(samples)-1]
	growth := last.value - first.value
	for i := 1; i < len(samples); i++ {
		if samples[i].value < samples[i-1].value {
			growth += samples[i-1].value
		}
	}
	const second = 1e9
	toStart := float64(first.time-after) / second
	toEnd := float64(until-last.time) / second
	covered := float64(last.time-first.time) / second
	if covered == 0 {
		return 0
	}
	between := covered / float64(len(samples)-1)
	if growth > 0 && first.value >= 0 {
		// A counter was not below 0: it can't have grown further back than this.
		toStart = min(toStart, covered*(first.value/growth))
	}
	edge := between * 1.1
	stretched := covered
	for _, gap := range [...]float64{toStart, toEnd} {
		if gap < edge {
			stretched += gap
		} else {
			stretched += between / 2
		}
	}
	return growth * (stretched / covered) / (float64(until-after) / second)
}
