package play

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/instantdevlogs/devlogs/replay/recording"
)

// ReportFile is where a run's report lies, in the run's directory.
const ReportFile = "play.json"

// Report is what a run did. Times are in microseconds.
type Report struct {
	Target    string    `json:"target"`
	Protocol  Protocol  `json:"protocol"`
	Pace      string    `json:"pace"`
	Load      string    `json:"load"` // open or closed
	EventTime string    `json:"event_time"`
	Started   time.Time `json:"started"`
	Seconds   float64   `json:"seconds"`
	Stopped   bool      `json:"stopped,omitempty"` // by the user, before its end

	Scheduled  tally            `json:"scheduled"`
	Acked      tally            `json:"acked"`
	Failed     tally            `json:"failed"`
	Dropped    tally            `json:"dropped"`
	Rejected   int64            `json:"rejected_records"`
	Attempts   int64            `json:"attempts"`
	Late       int64            `json:"late"`
	WireBytes  int64            `json:"wire_bytes"`
	Outcomes   map[string]int64 `json:"outcomes"`          // attempts, by class and status
	Reasons    map[string]int64 `json:"reasons,omitempty"` // of failures, the first kinds
	Throughput float64          `json:"acked_records_per_second"`

	Lag     Percentiles `json:"lag_us"`     // due to first byte: the sender's own lateness
	Spacing Percentiles `json:"spacing_us"` // how far the time between two requests was from the scheduled one
	Latency Percentiles `json:"latency_us"` // due to ack; of a closed load, first byte to ack
	Service Percentiles `json:"service_us"` // first byte to ack

	Sender Usage           `json:"sender"`
	Notes  recording.Notes `json:"recording"`

	Invalid []string `json:"invalid,omitempty"` // why the run proves nothing about its target
}

// Percentiles of one histogram.
type Percentiles struct {
	P50, P90, P99, P999, Max int64
}

func percentiles(h *hdrhistogram.Histogram) Percentiles {
	return Percentiles{
		P50: h.ValueAtQuantile(50), P90: h.ValueAtQuantile(90), P99: h.ValueAtQuantile(99), P999: h.ValueAtQuantile(99.9), Max: h.Max(),
	}
}

func (p Percentiles) String() string {
	d := func(us int64) time.Duration { return time.Duration(us) * time.Microsecond }
	return fmt.Sprintf("p50 %v, p90 %v, p99 %v, p99.9 %v, max %v", d(p.P50), d(p.P90), d(p.P99), d(p.P999), d(p.Max))
}

func (r *run) report(soft context.Context) *Report {
	s, c := r.stats, &r.config
	s.mu.Lock()
	defer s.mu.Unlock()
	rep := &Report{
		Target: c.Target.String(), Protocol: c.Target.Protocol, Pace: cmp.Or(c.PaceName, "asap"), Load: "open",
		EventTime: string(c.Settings.EventTime), Started: r.started, Seconds: s.elapsed.Seconds(), Stopped: soft.Err() != nil,
		Scheduled: s.scheduled, Acked: s.acked, Failed: s.failed, Dropped: s.dropped, Rejected: s.rejected,
		Attempts: s.attempts, Late: s.late, WireBytes: s.bytes, Outcomes: map[string]int64{}, Reasons: maps.Clone(s.reasons),
		Throughput: float64(s.acked.Records) / max(s.elapsed.Seconds(), 1e-9),
		Lag:        percentiles(s.lag), Spacing: percentiles(s.spacing), Latency: percentiles(s.latency), Service: percentiles(s.service),
		Sender: s.usage, Notes: r.feed.notes(),
	}
	for key, n := range s.outcomes {
		rep.Outcomes[fmt.Sprintf("%v %d", key.class, key.status)] = n
	}
	if c.asap() {
		rep.Load = "closed"
	} else {
		rep.Sender.AllPlacesTaken = s.full.Seconds()
	}
	rep.Sender.WaitedForRecording = time.Duration(r.feed.starved.Load()).Seconds()
	rep.Invalid = r.invalid(rep)
	return rep
}

// invalid says why the run proves nothing.
func (r *run) invalid(rep *Report) (why []string) {
	c := &r.config
	if lag := time.Duration(rep.Lag.P99) * time.Microsecond; lag > c.MaxLag && !c.asap() {
		cause := "this machine was too busy to send faster"
		switch half := rep.Seconds / 4; {
		case rep.Sender.AllPlacesTaken > half:
			cause = fmt.Sprintf("for %.1f s all %d places (--max-inflight) waited for answers", rep.Sender.AllPlacesTaken, c.InFlight)
		case rep.Sender.WaitedForRecording > half:
			cause = "the recording could not be read fast enough: convert it to proto"
		}
		why = append(why, fmt.Sprintf("the schedule was not kept: requests went out %v late (p99, allowed %v): %s", lag, c.MaxLag, cause))
	}
	if rep.Dropped.Requests > 0 {
		why = append(why, fmt.Sprintf("%d of %d requests were not sent, as %d were waiting for answers when they were due",
			rep.Dropped.Requests, rep.Scheduled.Requests, c.InFlight))
	}
	if gaps := rep.Notes.Gaps; len(gaps) > 0 && !c.AllowGaps {
		why = append(why, lacking(gaps)+" (--allow-gaps takes it as it is)")
	}
	return why
}

// lacking says what a recording with gaps has not.
func lacking(gaps []recording.Gap) string {
	missing := int64(0)
	var reasons []string
	for _, g := range gaps {
		missing += g.Requests
		if !slices.Contains(reasons, g.Reason) && len(reasons) < 3 {
			reasons = append(reasons, g.Reason)
		}
	}
	why := strings.Join(reasons, "; ")
	if missing == 0 {
		return "the recording may lack requests: " + why
	}
	return fmt.Sprintf("the recording lacks %d requests, in %d gaps: %s", missing, len(gaps), why)
}

// Reason is a kind of failure and how often it came.
type Reason struct {
	Text  string
	Count int64
}

// TopReasons are the commonest failures.
func (rep *Report) TopReasons(n int) (top []Reason) {
	for text, count := range rep.Reasons {
		top = append(top, Reason{text, count})
	}
	slices.SortFunc(top, func(a, b Reason) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Text, b.Text))
	})
	return top[:min(n, len(top))]
}

// Save writes the report into the run's directory.
func (rep *Report) Save(dir string) error {
	text, err := json.MarshalIndent(rep, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, ReportFile), append(text, '\n'), 0o644)
}

func defaultTLS() *tls.Config { return &tls.Config{MinVersion: tls.VersionTLS12} }
