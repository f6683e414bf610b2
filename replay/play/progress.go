package play

import (
	"context"
	"fmt"
	"time"

	"github.com/dustin/go-humanize"
)

// progressEvery is how often the line comes.
const progressEvery = 5 * time.Second

// watch prints the run's progress until the function that it returns is called.
func (r *run) watch(hard context.Context) (stop func()) {
	if r.config.Progress == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(hard)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(progressEvery)
		defer ticker.Stop()
		var last tally
		for {
			select {
			case <-ticker.C:
				last = r.printProgress(last)
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

func (r *run) printProgress(last tally) tally {
	s := r.stats
	s.mu.Lock()
	acked, failed, late, inFlight, scheduled := s.acked, s.failed, s.late+s.dropped.Requests, s.inFlight, s.scheduled
	waiting := s.waiting
	lag := time.Duration(s.lag.ValueAtQuantile(99)) * time.Microsecond
	s.mu.Unlock()
	line := fmt.Sprintf("%6.0fs  %s records acked (%s/s)  in flight %d  lag p99 %v  late %d  failed %d",
		r.since().Seconds(), humanize.Comma(acked.Records),
		humanize.Comma((acked.Records-last.Records)*int64(time.Second)/int64(progressEvery)), inFlight, lag, late, failed.Requests)
	if left, ok := r.left(scheduled); ok {
		line += fmt.Sprintf("  ETA %v", left.Round(time.Second))
	}
	if waiting.requests > 0 {
		line += fmt.Sprintf("\n         trying %d requests again, for %v by now: %s", waiting.requests, (r.since() - waiting.since).Round(time.Second), waiting.reason)
	}
	fmt.Fprintln(r.config.Progress, line)
	return acked
}

// left guesses how long the run still takes, once that can be known.
func (r *run) left(scheduled tally) (time.Duration, bool) {
	if d := r.config.Duration; d > 0 {
		return max(d-r.since(), 0), true
	}
	if !r.feed.whole || r.config.Loops == 0 || scheduled.Requests == 0 {
		return 0, false
	}
	all := r.feed.requests * int64(r.config.Loops) * int64(r.config.Settings.Replicas)
	return time.Duration(float64(r.since()) * float64(all-scheduled.Requests) / float64(scheduled.Requests)), true
}
