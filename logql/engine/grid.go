package engine

import "time"

// Grid is the times at which a query is evaluated: Start, Start+Step, … up to End, in nanoseconds since 1970. An instant
// query has the Step 0 and is evaluated at End only.
type Grid struct {
	Start, End int64
	Step       time.Duration
}

// Instant is the grid of a query for one time.
func Instant(at int64) Grid { return Grid{Start: at, End: at} }

// Steps is the number of times.
func (g Grid) Steps() int {
	if g.Step <= 0 {
		return 1
	}
	if g.End < g.Start {
		return 0
	}
	return int((g.End-g.Start)/int64(g.Step)) + 1
}

// At is the i-th time.
func (g Grid) At(i int) int64 {
	if g.Step <= 0 {
		return g.End
	}
	return g.Start + int64(i)*int64(g.Step)
}
