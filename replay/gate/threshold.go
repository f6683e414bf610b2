package gate

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Threshold is a condition on one metric.
type Threshold struct {
	Text string

	metric, aggregate string
	argument          float64
	op                string
	limit             value
	baseline          bool // limit is a factor of the earlier run's value
}

// ReadThresholds reads a file of conditions:
//
//	thresholds:
//	  - delivery.lost == 0
//	  - ack.p(99) < 50ms
//	  - throughput >= 0.95*baseline
func ReadThresholds(file string) ([]Threshold, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read the thresholds: %w", err)
	}
	defer f.Close()
	var content struct {
		Thresholds []string `yaml:"thresholds"`
	}
	decoder := yaml.NewDecoder(f)
	decoder.KnownFields(true)
	if err := decoder.Decode(&content); err != nil {
		return nil, fmt.Errorf("read the thresholds in %s: %w", file, err)
	}
	if !errors.Is(decoder.Decode(new(any)), io.EOF) {
		return nil, fmt.Errorf("read the thresholds in %s: after the first document (---) there is more, which nobody would look at", file)
	}
	var all []Threshold
	var errs []error
	for _, text := range content.Thresholds {
		t, err := Parse(text)
		errs = append(errs, err)
		all = append(all, t)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("read the thresholds in %s: %w", file, err)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("read the thresholds in %s: there are none", file)
	}
	return all, nil
}

var (
	condition = regexp.MustCompile(`^\s*([a-z_.]+?)(?:\.(p)\(([0-9.]+)\)|\.(mean|max))?\s*(==|!=|<=|>=|<|>)\s*(.+?)\s*$`)
	factor    = regexp.MustCompile(`^(?:([0-9.]+%?)\s*\*\s*)?baseline$`)
)

// Parse reads one condition. Names of metrics are checked.
func Parse(text string) (Threshold, error) {
	parts := condition.FindStringSubmatch(text)
	if parts == nil {
		return Threshold{}, fmt.Errorf("%q is no condition: write for example delivery.lost == 0, ack.p(99) < 50ms", text)
	}
	t := Threshold{Text: strings.TrimSpace(text), metric: parts[1], op: parts[5]}
	switch {
	case parts[2] != "":
		t.aggregate = "p"
		var err error
		if t.argument, err = strconv.ParseFloat(parts[3], 64); err != nil || t.argument > 100 {
			return t, fmt.Errorf("%q: p(%s) is no percentile: write p(99) or p(99.9)", text, parts[3])
		}
	case parts[4] != "" && parts[1] != "target.rss":
		t.aggregate = parts[4]
	case parts[4] != "":
		t.metric += "." + parts[4]
	}
	if b := factor.FindStringSubmatch(parts[6]); b != nil {
		t.baseline, t.limit.number = true, 1
		if b[1] != "" {
			v, err := parseValue(b[1])
			if err != nil {
				return t, fmt.Errorf("%q: %w", text, err)
			}
			t.limit = v
		}
		return t, nil
	}
	var err error
	if t.limit, err = parseValue(parts[6]); err != nil {
		return t, fmt.Errorf("%q: %w", text, err)
	}
	return t, nil
}

// Check judges the thresholds. baseline may be nil when none of them needs it. An error means that a threshold can't be
// judged by anybody: an unknown metric, a wrong unit. A metric that this run did not measure fails its threshold.
func Check(thresholds []Threshold, run, baseline Metrics) ([]Assertion, error) {
	var all []Assertion
	var errs []error
	for i := range thresholds {
		a, err := thresholds[i].check(run, baseline)
		if err != nil {
			errs = append(errs, fmt.Errorf("threshold %q: %w", thresholds[i].Text, err))
		}
		all = append(all, a)
	}
	return all, errors.Join(errs...)
}

func (t *Threshold) check(run, baseline Metrics) (Assertion, error) {
	a := Assertion{Suite: "thresholds", Name: t.Text}
	v, unit, measured, err := run.Metric(t.metric, t.aggregate, t.argument)
	if err != nil {
		return a, err
	}
	if t.limit.typed && !t.baseline && t.limit.unit != unit {
		return a, fmt.Errorf("%s is not measured in the unit that the limit has", t.metric)
	}
	if unit == Seconds && !t.limit.typed && !t.baseline && t.limit.number != 0 {
		return a, fmt.Errorf("%s is a time: give the limit a unit, as 50ms", t.metric)
	}
	if t.baseline && baseline == nil {
		return a, errors.New("it needs a baseline: name the results of an earlier run with --baseline")
	}
	if !measured {
		a.Message = t.metric + " was not measured in this run"
		return a, nil
	}
	limit := t.limit.number
	if t.baseline {
		base, _, measured, err := baseline.Metric(t.metric, t.aggregate, t.argument)
		if err != nil {
			return a, err
		}
		if !measured {
			a.Message = t.metric + " was not measured in the baseline"
			return a, nil
		}
		limit *= base
	}
	a.OK = holds(v, t.op, limit)
	a.Message = fmt.Sprintf("%s is %s, wanted %s %s", t.name(), Format(v, unit), t.op, Format(limit, unit))
	return a, nil
}

func (t *Threshold) name() string {
	switch t.aggregate {
	case "":
		return t.metric
	case "p":
		return fmt.Sprintf("%s.p(%v)", t.metric, t.argument)
	}
	return t.metric + "." + t.aggregate
}

func holds(v float64, op string, limit float64) bool {
	switch op {
	case "==":
		return v == limit
	case "!=":
		return v != limit
	case "<":
		return v < limit
	case "<=":
		return v <= limit
	case ">":
		return v > limit
	default:
		return v >= limit
	}
}
