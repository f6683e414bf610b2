package verify

import (
	"fmt"
	"strings"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"github.com/instantdevlogs/devlogs/replay/ledger"
)

// Latencies of a run. Histograms have three digits, from a microsecond to ten minutes; their values are microseconds.
type Latencies struct {
	// Ack counts requests from when they should have been sent to their acknowledgement, so that a sender that fell behind
	// doesn't hide the target's slowness. Service counts from their first byte, Lag from the schedule to the first byte.
	Ack     Quantiles `json:"ack"`
	Service Quantiles `json:"service"`
	Lag     Quantiles `json:"lag"`

	// Queryable is from acknowledgement to the first hit, of the records that were looked for while the run went on. The
	// truth lies between the last miss (Lower) and the first hit (Upper).
	Queryable *Queryable `json:"queryable,omitempty"`
}

// Queryable is what a Watcher measured.
type Queryable struct {
	Samples  uint64    `json:"samples"`
	Censored uint64    `json:"censored"` // never found in time: they count in both bounds with the time they were waited for
	Lower    Quantiles `json:"lower"`
	Upper    Quantiles `json:"upper"`
	// Watermark says how many records had been acknowledged and how many the source had, over time.
	Watermark []Watermark `json:"watermark,omitempty"`
}

// Watermark is one reading of both sides.
type Watermark struct {
	At      time.Duration `json:"at"` // since the run's start
	Acked   uint64        `json:"acked"`
	Visible uint64        `json:"visible"`
}

// Quantiles sum up a histogram; times are in microseconds.
type Quantiles struct {
	Count uint64 `json:"count"`
	Mean  int64  `json:"mean_us"`
	P50   int64  `json:"p50_us"`
	P90   int64  `json:"p90_us"`
	P95   int64  `json:"p95_us"`
	P99   int64  `json:"p99_us"`
	P999  int64  `json:"p999_us"`
	Max   int64  `json:"max_us"`
	// Histogram is the whole of it in HdrHistogram's own compressed text (V2, base64), for merging and for .hgrm files.
	Histogram string `json:"hdr,omitempty"`
}

// NewHistogram makes a histogram of microseconds.
func NewHistogram() *hdr.Histogram { return hdr.New(1, (10 * time.Minute).Microseconds(), 3) }

// Record adds a duration, cut to what the histogram can hold.
func Record(h *hdr.Histogram, d time.Duration) {
	us := min(max(d.Microseconds(), 1), h.HighestTrackableValue())
	_ = h.RecordValue(us) // in range by the line above
}

// SumUp gives a histogram's quantiles, and itself in text.
func SumUp(h *hdr.Histogram) Quantiles {
	q := Quantiles{
		Count: uint64(h.TotalCount()), Mean: int64(h.Mean()), P50: h.ValueAtQuantile(50), P90: h.ValueAtQuantile(90),
		P95: h.ValueAtQuantile(95), P99: h.ValueAtQuantile(99), P999: h.ValueAtQuantile(99.9), Max: h.Max(),
	}
	if encoded, err := h.Encode(hdr.V2CompressedEncodingCookieBase); err == nil {
		q.Histogram = string(encoded)
	}
	return q
}

// Percentile of the whole histogram, in microseconds; p is between 0 and 100.
func (q *Quantiles) Percentile(p float64) (int64, error) {
	h, err := q.Decode()
	if err != nil {
		return 0, err
	}
	return h.ValueAtQuantile(p), nil
}

// Decode gives the whole histogram back.
func (q *Quantiles) Decode() (*hdr.Histogram, error) {
	if q.Histogram == "" {
		return NewHistogram(), nil
	}
	h, err := hdr.Decode([]byte(q.Histogram))
	if err != nil {
		return nil, fmt.Errorf("read a latency histogram: %w", err)
	}
	return h, nil
}

// readLatencies gathers the latencies that the ledger holds.
func readLatencies(r *ledger.Reader) (*Latencies, error) {
	ack, service, lag := NewHistogram(), NewHistogram(), NewHistogram()
	err := r.Walk(ledger.Events{End: func(_ uint64, _ uint32, l ledger.Latency, o ledger.Outcome) {
		if o.Class == ledger.Ack {
			Record(ack, l.FromIntended)
			Record(service, l.FromSent)
		}
		if o.Class != ledger.NotSent {
			Record(lag, l.Lag)
		}
	}})
	return &Latencies{Ack: SumUp(ack), Service: SumUp(service), Lag: SumUp(lag)}, err
}

func (l *Latencies) write(b *strings.Builder) {
	line := func(name string, q *Quantiles) {
		if q.Count > 0 {
			fmt.Fprintf(b, "  %-24s p50 %-9s p90 %-9s p99 %-9s p99.9 %-9s max %s\n", name,
				us(q.P50), us(q.P90), us(q.P99), us(q.P999), us(q.Max))
		}
	}
	line("ack (from schedule)", &l.Ack)
	line("ack (from first byte)", &l.Service)
	line("sender's lag", &l.Lag)
	if q := l.Queryable; q != nil && q.Samples > 0 {
		line("queryable, at least", &q.Lower)
		line("queryable, at most", &q.Upper)
		fmt.Fprintf(b, "  queryable: %s looked for, %d not found in time\n", records(q.Samples), q.Censored)
	}
}

func us(v int64) string {
	d := time.Duration(v) * time.Microsecond
	switch {
	case d >= time.Second:
		return d.Round(time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	}
	return d.String()
}
