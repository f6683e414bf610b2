package play

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/instantdevlogs/devlogs/replay/ledger"
)

// stats counts a run. Safe for concurrent use: it is touched once for each attempt, never for a record.
type stats struct {
	mu sync.Mutex

	scheduled tally // what was due, also when it was dropped
	acked     tally
	failed    tally // given up
	dropped   tally
	rejected  int64 // records, in partial successes
	attempts  int64
	late      int64 // requests that waited for a free place
	bytes     int64 // on the wire, after compression, all attempts
	inFlight  int
	waiting   retries
	full      time.Duration // how long all places were taken while a request was due

	lag      *hdrhistogram.Histogram // due to first byte, of first attempts, µs
	spacing  *hdrhistogram.Histogram // how far off the time between two first bytes was, µs
	lastLag  time.Duration
	latency  *hdrhistogram.Histogram // due to ack, µs
	service  *hdrhistogram.Histogram // first byte to ack of the attempt that was acknowledged, µs
	outcomes map[outcomeKey]int64    // attempts by how they ended
	reasons  map[string]int64

	elapsed time.Duration
	usage   Usage
}

type tally struct {
	Requests int64 `json:"requests"`
	Records  int64 `json:"records"`
}

func (t *tally) add(records uint32) {
	t.Requests++
	t.Records += int64(records)
}

type outcomeKey struct {
	class  ledger.Class
	status uint16
}

// maxReasons bounds how many different texts of failures are kept; targets may put anything in them.
const maxReasons = 20

// retries are the requests that are tried again.
type retries struct {
	requests int
	since    time.Duration // when the first of them began to be, of the run's clock
	reason   string        // of the last failure
}

// retry notes that a request will be tried again; first: it was not yet.
func (s *stats) retry(first bool, now time.Duration, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if first {
		if s.waiting.requests++; s.waiting.requests == 1 {
			s.waiting.since = now
		}
	}
	s.waiting.reason = reason
}

// retried notes that a request that was tried again has ended, as it may.
func (s *stats) retried() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting.requests--
}

func newStats() *stats {
	// 1 µs to 10 min with three digits.
	hdr := func() *hdrhistogram.Histogram { return hdrhistogram.New(1, int64(10*time.Minute/time.Microsecond), 3) }
	return &stats{
		lag: hdr(), spacing: hdr(), latency: hdr(), service: hdr(),
		outcomes: map[outcomeKey]int64{}, reasons: map[string]int64{},
	}
}

// record clamps to the histogram's range, so that nothing is left out.
func record(h *hdrhistogram.Histogram, d time.Duration) {
	_ = h.RecordValue(min(max(d.Microseconds(), 1), h.HighestTrackableValue()))
}

func (s *stats) schedule(records uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scheduled.add(records)
}

func (s *stats) drop(records uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropped.add(records)
}

// begin notes a first attempt; lateness was due to waiting for a free place or to the sender itself.
func (s *stats) begin(lag time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight++
	record(s.lag, lag)
	record(s.spacing, (lag - s.lastLag).Abs())
	s.lastLag = lag
}

func (s *stats) waited(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.late++
	s.full += d
}

func (s *stats) attempt(r *result, size int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.attempts++
	s.bytes += int64(size)
	s.outcomes[outcomeKey{r.class, r.status}]++
	if r.reason != "" {
		if _, known := s.reasons[r.reason]; known || len(s.reasons) < maxReasons {
			s.reasons[r.reason]++
		}
	}
}

func (s *stats) end(r *result, records uint32, sinceDue, sinceSent time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight--
	if r.class != ledger.Ack {
		s.failed.add(records)
		return
	}
	s.acked.add(records)
	s.rejected += int64(r.rejected)
	record(s.latency, sinceDue)
	record(s.service, sinceSent)
}
