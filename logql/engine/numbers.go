package engine

import "math"

// Numbers sums up the samples of a bucket of time. The order of time is kept: First and Last are of the earliest and the
// latest sample.
type Numbers struct {
	Count       uint64
	Sum         float64
	Min, Max    float64
	First, Last float64
	Mean, M2    float64 // M2: sum of squared differences from Mean
}

// One is the summary of a single sample.
func One(v float64) Numbers {
	return Numbers{Count: 1, Sum: v, Min: v, Max: v, First: v, Last: v, Mean: v}
}

// merge adds a summary of later samples. Means and squares join as in Chan, Golub and LeVeque, "Updating formulae and a
// pairwise algorithm for computing sample variances" (1979).
func (n *Numbers) merge(later Numbers) {
	if later.Count == 0 {
		return
	}
	if n.Count == 0 {
		*n = later
		return
	}
	total := float64(n.Count + later.Count)
	delta := later.Mean - n.Mean
	n.M2 += later.M2 + delta*delta*float64(n.Count)*float64(later.Count)/total
	n.Mean += delta * float64(later.Count) / total
	n.Count += later.Count
	n.Sum += later.Sum
	n.Min = minOf(n.Min, later.Min)
	n.Max = maxOf(n.Max, later.Max)
	n.Last = later.Last
}

// minOf is the smaller number; one that is not a number loses.
func minOf(a, b float64) float64 {
	if b < a || math.IsNaN(a) {
		return b
	}
	return a
}

func maxOf(a, b float64) float64 {
	if b > a || math.IsNaN(a) {
		return b
	}
	return a
}

// window sums up a sliding window of buckets, oldest first. It is a queue of two stacks: each bucket is merged at most
// twice, however many windows it is in, and nothing is ever subtracted, which would cost precision.
type window struct {
	old    []summed // newest at the front: the last is the oldest; each sums up itself and all newer of old
	young  []summed // oldest first, each by itself
	recent Numbers  // all of young together
}

type summed struct {
	bucket  int64
	numbers Numbers
}

// add adds samples of a bucket, which must not lie before the newest.
func (w *window) add(bucket int64, n Numbers) {
	if last := len(w.young) - 1; last >= 0 && w.young[last].bucket == bucket {
		w.young[last].numbers.merge(n)
	} else {
		w.young = append(w.young, summed{bucket, n})
	}
	w.recent.merge(n)
}

// dropBefore removes the buckets before first and tells whether any are left.
func (w *window) dropBefore(first int64) bool {
	for {
		for last := len(w.old) - 1; last >= 0 && w.old[last].bucket < first; last-- {
			w.old = w.old[:last]
		}
		if len(w.old) > 0 {
			return true
		}
		if len(w.young) == 0 {
			return false
		}
		if w.young[0].bucket >= first {
			return true
		}
		w.turn()
	}
}

// turn makes the young buckets old ones.
func (w *window) turn() {
	var all Numbers
	for i := len(w.young) - 1; i >= 0; i-- {
		n := w.young[i].numbers
		n.merge(all)
		all = n
		w.old = append(w.old, summed{w.young[i].bucket, all})
	}
	w.young = w.young[:0]
	w.recent = Numbers{}
}

// sum sums up the window.
func (w *window) sum() Numbers {
	if len(w.old) == 0 {
		return w.recent
	}
	n := w.old[len(w.old)-1].numbers
	n.merge(w.recent)
	return n
}
