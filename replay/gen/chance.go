package gen

import (
	"math"
	"math/rand/v2"
	"time"
)

// chance is where all randomness comes from. The algorithm (PCG) and the ways it is drawn from are part of the promise that
// a seed gives the same bytes.
type chance struct{ *rand.Rand }

func newChance(seed uint64) chance { return chance{rand.New(rand.NewPCG(seed, 0x5eed))} }

func (c chance) one(share float64) bool { return c.Float64() < share }

// between draws from low to high, both included.
func (c chance) between(low, high int) int { return low + c.IntN(high-low+1) }

// wait draws from an exponential distribution.
func (c chance) wait(mean time.Duration) time.Duration {
	return time.Duration(c.ExpFloat64() * float64(mean))
}

// around draws a log-normal duration: its median, and how far a standard deviation takes it (a factor).
func (c chance) around(median time.Duration, factor float64) time.Duration {
	return time.Duration(float64(median) * math.Exp(c.NormFloat64()*math.Log(factor)))
}

// zipf draws 0 to n-1, small ones more often; exponent 1.1.
func (c chance) zipf(n int) int {
	// Inverse of the continuous approximation: no table for each n.
	const s = 1.1
	top := math.Pow(float64(n)+1, 1-s)
	x := math.Pow(c.Float64()*(top-1)+1, 1/(1-s))
	return min(int(x)-1, n-1)
}

func pick[T any](c chance, from []T) T { return from[c.IntN(len(from))] }

func (c chance) traceID() (id [16]byte) {
	high, low := c.Uint64()|1, c.Uint64()
	for i := range 8 {
		id[i], id[8+i] = byte(high>>(8*i)), byte(low>>(8*i))
	}
	return id
}

func (c chance) spanID() (id [8]byte) {
	v := c.Uint64() | 1
	for i := range 8 {
		id[i] = byte(v >> (8 * i))
	}
	return id
}

// hex writes n hexadecimal digits.
func (c chance) hex(n int) string {
	const digits = "0123456789abcdef"
	b := make([]byte, n)
	for i := 0; i < n; {
		for v, k := c.Uint64(), 0; k < 16 && i < n; k++ {
			b[i] = digits[v&15]
			v >>= 4
			i++
		}
	}
	return string(b)
}

// restaurant is the Pitman–Yor process: the n-th guest sits at a new table with a chance that falls as n grows, else at one
// that is taken, the fuller the likelier. Tables are templates.
type restaurant struct {
	discount, strength float64
	limit              int
	guests             []int32 // the table of each guest so far, up to a memory
	taken              []int32
	seen               int
}

const memory = 1 << 14

func (r *restaurant) sit(c chance) (table int) {
	n, k := float64(r.seen), float64(len(r.taken))
	r.seen++
	if len(r.taken) < r.limit && c.Float64()*(n+r.strength) < r.strength+r.discount*k {
		r.taken = append(r.taken, 0)
		table = len(r.taken) - 1
	} else {
		// A guest of the past is followed to its table; the discount is left to the new tables' chance, which keeps the
		// growth exact and the sizes close.
		table = int(r.guests[c.IntN(len(r.guests))])
	}
	r.taken[table]++
	if len(r.guests) < memory {
		r.guests = append(r.guests, int32(table))
	} else {
		r.guests[c.IntN(memory)] = int32(table)
	}
	return table
}
