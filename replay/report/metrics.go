package report

import (
	"fmt"

	"github.com/instantdevlogs/devlogs/replay/gate"
	"github.com/instantdevlogs/devlogs/replay/verify"
)

// Metric implements gate.Metrics.
func (r *Results) Metric(name, aggregate string, argument float64) (float64, gate.Unit, bool, error) {
	if q, ok := r.histogram(name); ok {
		return quantile(q, name, aggregate, argument)
	}
	if aggregate != "" {
		return 0, 0, false, fmt.Errorf("%s has no .%s: only ack, service, replay.lag and queryable have. There are:\n%s", name, aggregate, gate.Known)
	}
	if v := r.Verify; v == nil {
		if _, ok := (&verify.Result{}).Number(name); ok {
			return 0, gate.Plain, false, nil
		}
	} else if n, ok := v.Number(name); ok {
		return float64(n), gate.Plain, true, nil
	}
	switch name {
	case "golden.changed", "golden.missing", "golden.extra":
		return r.goldenMetric(name)
	case "queryable.censored":
		if r.Queryable == nil {
			return 0, gate.Plain, false, nil
		}
		return float64(r.Queryable.Censored), gate.Plain, true, nil
	case "throughput", "replay.dropped", "replay.late", "replay.failed":
		return r.playMetric(name)
	case "target.rss.max", "target.cpu":
		return r.targetMetric(name)
	}
	return 0, 0, false, fmt.Errorf("there is no metric %q. There are:\n%s", name, gate.Known)
}

// histogram finds the latencies of a name; nil when they were not measured.
func (r *Results) histogram(name string) (q *verify.Quantiles, known bool) {
	var l *verify.Latencies
	if r.Verify != nil {
		l = r.Verify.Latency
	}
	switch name {
	case "ack", "service", "replay.lag":
		if l == nil {
			return nil, true
		}
	case "queryable":
		if r.Queryable == nil {
			return nil, true
		}
		return &r.Queryable.Upper, true // the bound that promises less
	}
	switch name {
	case "ack":
		return &l.Ack, true
	case "service":
		return &l.Service, true
	case "replay.lag":
		return &l.Lag, true
	}
	return nil, false
}

func quantile(q *verify.Quantiles, name, aggregate string, argument float64) (float64, gate.Unit, bool, error) {
	if aggregate == "" {
		return 0, 0, false, fmt.Errorf("%s is a histogram: write %s.p(99), %s.mean or %s.max", name, name, name, name)
	}
	if q == nil || q.Count == 0 {
		return 0, gate.Seconds, false, nil
	}
	const micro = 1e6
	switch aggregate {
	case "mean":
		return float64(q.Mean) / micro, gate.Seconds, true, nil
	case "max":
		return float64(q.Max) / micro, gate.Seconds, true, nil
	}
	us, err := q.Percentile(argument)
	return float64(us) / micro, gate.Seconds, err == nil, err
}

func (r *Results) goldenMetric(name string) (float64, gate.Unit, bool, error) {
	if r.Diff == nil {
		return 0, gate.Plain, false, nil
	}
	n := map[string]uint64{"golden.changed": r.Diff.Changed, "golden.missing": r.Diff.Missing, "golden.extra": r.Diff.Extra}[name]
	return float64(n), gate.Plain, true, nil
}

func (r *Results) playMetric(name string) (float64, gate.Unit, bool, error) {
	if name == "throughput" {
		if r.Play == nil {
			return 0, gate.PerSec, false, nil
		}
		return r.Play.Throughput, gate.PerSec, true, nil
	}
	if r.Play == nil {
		return 0, gate.Plain, false, nil
	}
	n := map[string]int64{
		"replay.dropped": r.Play.Dropped.Requests, "replay.late": r.Play.Late, "replay.failed": r.Play.Failed.Requests,
	}[name]
	return float64(n), gate.Plain, true, nil
}

func (r *Results) targetMetric(name string) (float64, gate.Unit, bool, error) {
	if name == "target.rss.max" {
		if r.Target == nil {
			return 0, gate.Bytes, false, nil
		}
		return float64(r.Target.RSSMax), gate.Bytes, true, nil
	}
	if r.Target == nil {
		return 0, gate.Seconds, false, nil
	}
	return r.Target.CPUSeconds, gate.Seconds, true, nil
}

// SameMachine says why the numbers of two runs can't be compared; "" when they can.
func (r *Results) SameMachine(base *Results) string {
	if r.Machine == base.Machine {
		return ""
	}
	return fmt.Sprintf("the baseline was measured on another machine (%s, %d cores; this one: %s, %d cores): numbers of different "+
		"machines say nothing. Measure both on one machine, as replay ab does", base.Machine.CPU, base.Machine.Cores, r.Machine.CPU, r.Machine.Cores)
}
