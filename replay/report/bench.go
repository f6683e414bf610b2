package report

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/instantdevlogs/devlogs/replay/gate"
	"github.com/instantdevlogs/devlogs/replay/verify"
)

// number is one measured value for benchmark formats.
type number struct {
	name, unit string
	value      float64
	bigger     bool // is better
}

// numbers are the values worth following from run to run.
func (r *Results) numbers() (all []number) {
	add := func(metric, aggregate string, argument float64, name string, bigger bool) {
		v, unit, measured, err := r.Metric(metric, aggregate, argument)
		if err != nil || !measured {
			return
		}
		n := number{name: name, value: v, bigger: bigger}
		switch unit {
		case gate.Seconds:
			n.unit, n.value = "ns", v*1e9
		case gate.Bytes:
			n.unit = "B"
		case gate.PerSec:
			n.unit = "rec/s"
		}
		all = append(all, n)
	}
	add("throughput", "", 0, "throughput", true)
	for _, p := range []float64{50, 99} {
		add("ack", "p", p, fmt.Sprintf("ack-p%v", p), false)
		add("queryable", "p", p, fmt.Sprintf("queryable-p%v", p), false)
	}
	add("target.rss.max", "", 0, "target-rss", false)
	add("target.cpu", "", 0, "target-cpu", false)
	return all
}

var notInName = regexp.MustCompile(`[^A-Za-z0-9_.=-]+`)

// WriteGoBench writes a line in the format of Go's benchmarks, so that benchstat compares runs: write each run's line to
// one file for each version.
func (r *Results) WriteGoBench(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "goos: %s\ngoarch: %s\ncpu: %s\n", r.Machine.OS, r.Machine.Arch, r.Machine.CPU)
	records := uint64(1)
	if r.Play != nil {
		records = max(1, uint64(r.Play.Acked.Records))
	}
	fmt.Fprintf(&b, "BenchmarkReplay/recording=%s %d", notInName.ReplaceAllString(r.Recording, "_"), records)
	for _, n := range r.numbers() {
		unit := n.name + "-" + n.unit
		if n.unit == "rec/s" {
			unit = n.unit
		}
		fmt.Fprintf(&b, " %.6g %s", n.value, unit)
	}
	b.WriteByte('\n')
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteBenchmarkAction writes the JSON that github-action-benchmark reads as customSmallerIsBetter. What is better when
// bigger is turned into the time for one record.
func (r *Results) WriteBenchmarkAction(w io.Writer) error {
	type point struct {
		Name  string  `json:"name"`
		Unit  string  `json:"unit"`
		Value float64 `json:"value"`
	}
	all := []point{}
	for _, n := range r.numbers() {
		p := point{Name: "replay " + n.name, Unit: n.unit, Value: n.value}
		if n.bigger && n.value > 0 {
			p = point{Name: "replay time for a record", Unit: "ns", Value: 1e9 / n.value}
		}
		all = append(all, p)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(all)
}

// WriteHGRM writes the percentiles of one histogram (ack, service, lag or queryable) in HdrHistogram's text form, in
// milliseconds, which its plotter reads.
func (r *Results) WriteHGRM(w io.Writer, which string) error {
	name := which
	if which == "lag" {
		name = "replay.lag"
	}
	q, known := r.histogram(name)
	if !known {
		return fmt.Errorf("there is no histogram %q, only ack, service, lag and queryable", which)
	}
	if q == nil {
		q = &verify.Quantiles{}
	}
	h, err := q.Decode()
	if err != nil {
		return err
	}
	_, err = h.PercentilesPrint(w, 5, 1000)
	return err
}
