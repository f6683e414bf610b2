package inspect

import "strings"

// rate counts over time when neither beginning nor end is known: in buckets that double in width when they no longer
// reach.
type rate struct {
	start   int64
	width   int64 // ns; 0: nothing was counted
	buckets []int64
}

const rateBuckets = 1024

func (r *rate) add(at, n int64) {
	if r.width == 0 {
		r.start, r.width, r.buckets = at, 1_000_000, make([]int64, rateBuckets)
	}
	for (at-r.start)/r.width >= rateBuckets {
		for i := range rateBuckets / 2 {
			r.buckets[i] = r.buckets[2*i] + r.buckets[2*i+1]
		}
		clear(r.buckets[rateBuckets/2:])
		r.width *= 2
	}
	r.buckets[max(at-r.start, 0)/r.width] += n
}

// slices gives the counts in at most n equal parts, from the first to the last that has any.
func (r *rate) slices(n int) []int64 {
	last := len(r.buckets)
	for last > 0 && r.buckets[last-1] == 0 {
		last--
	}
	step := (last + n - 1) / n
	var parts []int64
	for i := 0; i < last; i += step {
		sum := int64(0)
		for _, b := range r.buckets[i:min(i+step, last)] {
			sum += b
		}
		parts = append(parts, sum)
	}
	return parts
}

// skeleton is a body without what varies: words with a digit in them, and what follows the first lines.
func skeleton(text string) string {
	const longest = 400
	if len(text) > longest {
		text = text[:longest]
	}
	text, _, _ = strings.Cut(text, "\n")
	var b strings.Builder
	start := -1
	flush := func(end int) {
		if start < 0 {
			return
		}
		if word := text[start:end]; strings.ContainsAny(word, "0123456789") {
			b.WriteByte('*')
		} else {
			b.WriteString(word)
		}
		start = -1
	}
	for i := 0; i < len(text); i++ {
		if strings.IndexByte(" \t,;=:()[]{}\"'/", text[i]) >= 0 {
			flush(i)
			b.WriteByte(text[i])
		} else if start < 0 {
			start = i
		}
	}
	flush(len(text))
	return b.String()
}
