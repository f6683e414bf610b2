// Package pace says when each request of a replay is due.
//
// Every answer counts from the start of the run, never from the request before, so that sleeping too long once is made
// good and errors never add up.
package pace

import "time"

// Load is what a run has scheduled so far.
type Load struct {
	Requests, Records, Bytes int64
}

// Pacer plans one run. Not safe for concurrent use.
type Pacer interface {
	// Due is when a request is to be sent, since the start of the run. before is what was scheduled ahead of it, and arrival
	// its place in the recording: ns since the recording's beginning, loops counted through.
	Due(before Load, arrival time.Duration) time.Duration
}

// ASAP sends as fast as answers come.
type ASAP struct{}

func (ASAP) Due(Load, time.Duration) time.Duration { return 0 }

// Original keeps the recording's distances.
type Original struct {
	Speed  float64       // 2: twice as fast; above 0
	GapMax time.Duration // silence longer than this, in the recording's time, is cut to it; 0: never

	last, cut time.Duration
}

func (o *Original) Due(_ Load, arrival time.Duration) time.Duration {
	if gap := arrival - o.last; o.GapMax > 0 && gap > o.GapMax {
		o.cut += gap - o.GapMax
	}
	o.last = arrival
	return time.Duration(float64(arrival-o.cut) / o.Speed)
}

// Cut is how much silence was left out so far, in the recording's time.
func (o *Original) Cut() time.Duration { return o.cut }
