package conformance

import (
	"errors"
	"maps"
	"math"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/instantdevlogs/devlogs/logql"
	"github.com/instantdevlogs/devlogs/logql/pipeline"
)

// value is the value of one series at one time.
type value struct {
	labels map[string]string
	number float64
}

// key writes labels down in order of their names; equal sets have equal keys.
func key(labels map[string]string) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		if labels[name] != "" {
			parts = append(parts, logql.Matcher{Name: name, Value: labels[name]}.String())
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

var (
	errPipeline = errors.New("pipeline")
	errMatch    = errors.New("match")
)

// naive evaluates queries over entries.
type naive struct {
	entries []*entry
	query   string // the last one
	expr    logql.Expr
	err     error
	made    map[*logql.RangeAggregation][]made // what the pipeline makes of all entries
}

// made is an entry behind a pipeline, with the labels of its series.
type made struct {
	*entry
	set map[string]string
	key string
}

func newNaive() *naive {
	return &naive{entries: entriesOf(Logs())}
}

// at evaluates an expression at one time.
func (n *naive) at(expr logql.SampleExpr, t int64) ([]value, error) {
	switch e := expr.(type) {
	case *logql.Literal:
		return []value{{nil, e.Value}}, nil
	case *logql.Vector:
		return []value{{nil, e.Value}}, nil
	case *logql.RangeAggregation:
		return n.window(e, t)
	case *logql.VectorAggregation:
		if a, ok := e.Inner.(*logql.RangeAggregation); ok && countsTogether(e, a) {
			inner, err := n.entriesOver(a, t, false)
			return aggregate(e, inner), err
		}
		inner, err := n.at(e.Inner, t)
		if err != nil {
			return nil, err
		}
		return aggregate(e, inner), nil
	case *logql.LabelReplace:
		inner, err := n.at(e.Inner, t)
		if err != nil {
			return nil, err
		}
		return replace(e, inner)
	case *logql.Binary:
		left, err := n.at(e.Left, t)
		if err != nil {
			return nil, err
		}
		right, err := n.at(e.Right, t)
		if err != nil {
			return nil, err
		}
		return binary(e, left, right)
	}
	panic("unknown expression")
}

// countsTogether tells whether entries are counted without a look at their labels: then errors don't matter.
func countsTogether(v *logql.VectorAggregation, a *logql.RangeAggregation) bool {
	counts := a.Op == logql.RangeCount || a.Op == logql.RangeRate || a.Op == logql.RangeBytes || a.Op == logql.RangeBytesRate
	none := v.Grouping == nil || !v.Grouping.Without && len(v.Grouping.Labels) == 0
	return v.Op == logql.VectorSum && none && counts && a.Range.Unwrap == nil && a.Grouping == nil
}

// window evaluates a range aggregation.
func (n *naive) window(a *logql.RangeAggregation, t int64) ([]value, error) {
	return n.entriesOver(a, t, true)
}

// entriesOver evaluates a range aggregation by looking at all entries. strict: entries with an error fail it, not only those
// that a filter could not read.
func (n *naive) entriesOver(a *logql.RangeAggregation, t int64, strict bool) ([]value, error) {
	until := t - int64(a.Range.Offset)
	after := until - int64(a.Range.Duration)
	series := map[string][]*entry{}
	sets := map[string]map[string]string{}
	for _, e := range n.pipeline(a) {
		if e.time <= after || e.time > until {
			continue
		}
		if err := e.labels.get("__error__"); err == pipeline.FilterError || strict && err != "" {
			return nil, errPipeline
		}
		series[e.key] = append(series[e.key], e.entry)
		sets[e.key] = e.set
	}
	if a.Op == logql.RangeAbsent {
		if len(series) > 0 {
			return nil, nil
		}
		return []value{{fixed(a.Range.Log.Selector), 1}}, nil
	}
	var out []value
	for k, entries := range series {
		out = append(out, value{sets[k], overTime(a, entries, after, until)})
	}
	return out, nil
}

// pipeline sends all entries through the aggregation's stages.
func (n *naive) pipeline(a *logql.RangeAggregation) []made {
	if all, ok := n.made[a]; ok {
		return all
	}
	all := []made{}
	for _, stored := range n.entries {
		if !selected(stored, a.Range.Log.Selector) {
			continue
		}
		e := stored.clone()
		if !process(e, a.Range.Log.Stages) || a.Range.Unwrap != nil && !unwrap(e, a.Range.Unwrap) {
			continue
		}
		set := map[string]string{}
		for name, l := range e.labels {
			if keeps(a.Grouping, name) {
				set[name] = l.value
			}
		}
		all = append(all, made{e, set, key(set)})
	}
	n.made[a] = all
	return all
}

func selected(e *entry, s logql.Selector) bool {
	for _, m := range s {
		if !matches(m, e.labels.get(m.Name)) {
			return false
		}
	}
	return true
}

func unwrap(e *entry, u *logql.Unwrap) bool {
	l, ok := e.labels[u.Label]
	if !ok {
		return false
	}
	read := &entry{labels: labels{"x": l}}
	// Read the number as a filter would: comparing with anything shows whether it can be read.
	var p logql.Predicate = &logql.NumberPredicate{Name: "x"}
	switch u.Conversion {
	case logql.ConvertDuration, logql.ConvertDurationSeconds:
		p = &logql.DurationPredicate{Name: "x"}
	case logql.ConvertBytes:
		p = &logql.BytesPredicate{Name: "x"}
	}
	holds(read, p)
	if read.labels.get("__error__") != "" {
		e.fail("SampleExtractionErr")
	} else {
		e.sample = readNumber(l.value, u.Conversion)
	}
	delete(e.labels, u.Label)
	for _, f := range u.Filters {
		if !holds(e, f.Predicate) {
			return false
		}
	}
	return true
}

func keeps(g *logql.Grouping, name string) bool {
	return g == nil || slices.Contains(g.Labels, name) != g.Without
}

func fixed(s logql.Selector) map[string]string {
	out, count := map[string]string{}, map[string]int{}
	for _, m := range s {
		count[m.Name]++
		if m.Op == logql.MatchEqual {
			out[m.Name] = m.Value
		}
	}
	for _, m := range s {
		if count[m.Name] > 1 || m.Op != logql.MatchEqual {
			delete(out, m.Name)
		}
	}
	return out
}

func overTime(a *logql.RangeAggregation, entries []*entry, after, until int64) float64 {
	seconds := a.Range.Duration.Seconds()
	var samples []float64
	bytes, sum := 0.0, 0.0
	for _, e := range entries {
		bytes += float64(len(e.line))
		sum += e.sample
		samples = append(samples, e.sample)
	}
	count := float64(len(entries))
	switch a.Op {
	case logql.RangeCount:
		return count
	case logql.RangeRate:
		if a.Range.Unwrap != nil {
			return sum / seconds
		}
		return count / seconds
	case logql.RangeBytes:
		return bytes
	case logql.RangeBytesRate:
		return bytes / seconds
	case logql.RangeSum:
		return sum
	case logql.RangeAvg:
		return sum / count
	case logql.RangeMin:
		return slices.Min(samples)
	case logql.RangeMax:
		return slices.Max(samples)
	case logql.RangeFirst:
		return samples[0]
	case logql.RangeLast:
		return samples[len(samples)-1]
	case logql.RangeStdvar:
		return variance(samples)
	case logql.RangeStddev:
		return math.Sqrt(variance(samples))
	case logql.RangeQuantile:
		return quantile(a.Param, samples)
	default:
		return counterRate(entries, after, until)
	}
}

func variance(samples []float64) float64 {
	mean, total := 0.0, 0.0
	for _, s := range samples {
		mean += s / float64(len(samples))
	}
	for _, s := range samples {
		total += (s - mean) * (s - mean)
	}
	return total / float64(len(samples))
}

func quantile(q float64, samples []float64) float64 {
	if q < 0 || q > 1 {
		return math.Inf(int(math.Copysign(1, q)))
	}
	sort.Float64s(samples)
	at := q * float64(len(samples)-1)
	low := int(at)
	high := min(low+1, len(samples)-1)
	return samples[low] + (at-float64(low))*(samples[high]-samples[low])
}

// counterRate follows the documentation of Prometheus' rate.
func counterRate(entries []*entry, after, until int64) float64 {
	last := len(entries) - 1
	if last < 1 || entries[last].time == entries[0].time {
		return 0
	}
	growth := 0.0
	for i := range last {
		if step := entries[i+1].sample - entries[i].sample; step >= 0 {
			growth += step
		} else {
			growth += entries[i+1].sample
		}
	}
	covered := float64(entries[last].time - entries[0].time)
	gap := covered / float64(last)
	front, back := float64(entries[0].time-after), float64(until-entries[last].time)
	if growth > 0 && entries[0].sample >= 0 {
		front = math.Min(front, covered*entries[0].sample/growth)
	}
	total := covered
	for _, edge := range []float64{front, back} {
		if edge < gap*1.1 {
			total += edge
		} else {
			total += gap / 2
		}
	}
	return growth * total / covered / (float64(until-after) / 1e9)
}

func aggregate(v *logql.VectorAggregation, in []value) []value {
	byRank := func(down bool) func(a, b value) int {
		return func(a, b value) int {
			switch {
			case a.number == b.number:
				return strings.Compare(sortKey(a.labels), sortKey(b.labels))
			case (a.number < b.number) != down:
				return -1
			default:
				return 1
			}
		}
	}
	switch v.Op {
	case logql.VectorSort, logql.VectorSortDesc:
		slices.SortFunc(in, byRank(v.Op == logql.VectorSortDesc))
		return in
	}
	grouping := v.Grouping
	if grouping == nil {
		grouping = &logql.Grouping{}
	}
	groups := map[string][]value{}
	sets := map[string]map[string]string{}
	for _, x := range in {
		set := map[string]string{}
		for name, text := range x.labels {
			if keeps(grouping, name) {
				set[name] = text
			}
		}
		groups[key(set)] = append(groups[key(set)], x)
		sets[key(set)] = set
	}
	var out []value
	for k, members := range groups {
		var numbers []float64
		sum := 0.0
		for _, m := range members {
			numbers = append(numbers, m.number)
			sum += m.number
		}
		number := sum
		switch v.Op {
		case logql.VectorTopK, logql.VectorApproxTopK, logql.VectorBottomK:
			slices.SortFunc(members, byRank(v.Op != logql.VectorBottomK))
			out = append(out, members[:min(v.Param, len(members))]...)
			continue
		case logql.VectorAvg:
			number = sum / float64(len(numbers))
		case logql.VectorMin:
			number = slices.Min(numbers)
		case logql.VectorMax:
			number = slices.Max(numbers)
		case logql.VectorCount:
			number = float64(len(numbers))
		case logql.VectorStdvar:
			number = variance(numbers)
		case logql.VectorStddev:
			number = math.Sqrt(variance(numbers))
		}
		out = append(out, value{sets[k], number})
	}
	return out
}

// sortKey orders label sets by names and values.
func sortKey(labels map[string]string) string {
	var parts []string
	for name, v := range labels {
		if v != "" {
			parts = append(parts, name+"\xff"+v+"\xff")
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, "")
}

func replace(r *logql.LabelReplace, in []value) ([]value, error) {
	re := regexp.MustCompile("^(?:" + r.Regexp + ")$")
	seen := map[string]bool{}
	var out []value
	for _, x := range in {
		set := map[string]string{}
		for name, text := range x.labels {
			set[name] = text
		}
		if source := set[r.Source]; re.MatchString(source) {
			set[r.Destination] = re.ReplaceAllString(source, r.Replacement)
		}
		if seen[key(set)] {
			return nil, errMatch
		}
		seen[key(set)] = true
		out = append(out, value{set, x.number})
	}
	return out, nil
}

// readNumber reads a number that is known to be one.
func readNumber(text string, c logql.Conversion) float64 {
	switch c {
	case logql.ConvertDuration, logql.ConvertDurationSeconds:
		d, _ := time.ParseDuration(text)
		return d.Seconds()
	case logql.ConvertBytes:
		n, _ := humanize.ParseBytes(text)
		return float64(n)
	}
	n, _ := strconv.ParseFloat(text, 64)
	return n
}
