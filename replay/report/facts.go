package report

import (
	"fmt"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/instantdevlogs/devlogs/replay/verify"
)

// facts are what people want to know first: pairs of a name and a text.
func (r *Results) facts() (all [][2]string) {
	add := func(name, format string, args ...any) {
		all = append(all, [2]string{name, fmt.Sprintf(format, args...)})
	}
	if r.Recording != "" {
		add("Recording", "%s", r.Recording)
	}
	if v := r.Verify; v != nil {
		add("Delivery", "%s", v.Equation())
		add("Found", "%s records in %s; %s retry duplicates", comma(v.Found), v.Source, comma(v.RetryDuplicates))
	}
	if d := r.Diff; d != nil {
		add("Golden", "%s records equal, %s changed, %s missing, %s too many", comma(d.Equal), comma(d.Changed), comma(d.Missing), comma(d.Extra))
	}
	if p := r.Play; p != nil {
		add("Sent", "%s records in %.1f s (%s/s acknowledged), %s, %s load", comma(uint64(p.Scheduled.Records)), p.Seconds,
			comma(uint64(p.Throughput)), p.Pace, p.Load)
	}
	if v := r.Verify; v != nil && v.Latency != nil {
		add("Acknowledged after", "%s", percentiles(&v.Latency.Ack))
		add("Sender's lag", "%s", percentiles(&v.Latency.Lag))
	}
	if q := r.Queryable; q != nil && q.Samples > 0 {
		add("Queryable after, at least", "%s", percentiles(&q.Lower))
		add("Queryable after, at most", "%s (%d looked for, %d not found in time)", percentiles(&q.Upper), q.Samples, q.Censored)
	}
	if u := r.Target; u != nil {
		add("Target", "%s of memory at most, %.1f s of processor time", humanize.IBytes(u.RSSMax), u.CPUSeconds)
	}
	add("Machine", "%s, %d cores, %s/%s", r.Machine.CPU, r.Machine.Cores, r.Machine.OS, r.Machine.Arch)
	return all
}

func percentiles(q *verify.Quantiles) string {
	return fmt.Sprintf("p50 %s, p90 %s, p99 %s, p99.9 %s, max %s", us(q.P50), us(q.P90), us(q.P99), us(q.P999), us(q.Max))
}

func us(v int64) string {
	d := time.Duration(v) * time.Microsecond
	if d >= 10*time.Millisecond {
		d = d.Round(100 * time.Microsecond)
	}
	return d.String()
}

func comma(n uint64) string { return humanize.Comma(int64(n)) }
