package conformance

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/instantdevlogs/devlogs/logql"
	"github.com/instantdevlogs/devlogs/logql/pipeline"
)

// An answer is text, so that files can hold it and people can read it.
//
//	log:      "N entries", the first two and the last as +TIME "LINE" and their labels, one kind a line
//	instant:  {labels} NUMBER a line, ordered by labels, or as sort and topk order; a number alone for a scalar
//	range:    {labels} NUMBER@TIME … a line, ordered by labels
//	errors:   "error: " and parse, pipeline, match or instant
//
// Times are those behind Base. Numbers have eight digits: sums may be made in any order.

// answer is what the naive evaluator answers.
func (n *naive) answer(query string, ask Ask) string {
	if n.query != query { // what was made for the last query is of no more use
		n.query, n.made = query, map[*logql.RangeAggregation][]made{}
		if n.expr, n.err = logql.Parse(query); n.err == nil {
			n.err = pipeline.Check(n.expr)
		}
	}
	if n.err != nil {
		return "error: parse\n"
	}
	expr := n.expr
	if q, ok := expr.(*logql.LogQuery); ok {
		return n.logAnswer(q, ask)
	}
	sample := expr.(logql.SampleExpr)
	if ask.Kind == "range" && strings.Contains(query, "approx_topk") {
		return "error: instant\n"
	}
	series := map[string]string{}
	var lines []string
	for t := ask.From; t <= ask.To; t += max(ask.Step, 1) {
		if ask.Kind == "instant" {
			t = ask.To
		}
		values, err := n.at(sample, Base.Add(t).UnixNano())
		if err != nil {
			return "error: " + err.Error() + "\n"
		}
		if ask.Kind == "instant" && logql.IsScalar(sample) {
			return number(values[0].number) + "\n"
		}
		for _, v := range values {
			lines = append(lines, key(v.labels)+" "+number(v.number)+"\n")
			series[key(v.labels)] += " " + number(v.number) + "@" + t.String()
		}
	}
	if ask.Kind == "instant" {
		if v, ok := sample.(*logql.VectorAggregation); !ok || !ordered(v) {
			slices.Sort(lines)
		}
		return strings.Join(lines, "")
	}
	text := ""
	for _, k := range slices.Sorted(maps.Keys(series)) {
		text += k + series[k] + "\n"
	}
	return text
}

// ordered tells whether the order of an instant query's answer means something.
func ordered(v *logql.VectorAggregation) bool {
	switch v.Op {
	case logql.VectorSort, logql.VectorSortDesc, logql.VectorTopK, logql.VectorBottomK, logql.VectorApproxTopK:
		return v.Grouping == nil
	}
	return false
}

// number writes eight digits.
func number(f float64) string {
	if f == 0 || math.Abs(f) < 1e-9 {
		return "0" // sums of what should cancel out
	}
	return strconv.FormatFloat(f, 'g', 8, 64)
}

func (n *naive) logAnswer(q *logql.LogQuery, ask Ask) string {
	var found []logEntry
	for _, stored := range n.entries {
		if stored.time < Base.Add(ask.From).UnixNano() || stored.time >= Base.Add(ask.To).UnixNano() || !selected(stored, q.Selector) {
			continue
		}
		e := stored.clone()
		if process(e, q.Stages) {
			found = append(found, logEntry{e.time, e.line, e.labels})
		}
	}
	if ask.Newest {
		slices.Reverse(found)
	}
	return showEntries(found[:min(len(found), ask.Limit)])
}

// logEntry is an entry of an answer.
type logEntry struct {
	time   int64
	line   string
	labels labels
}

func showEntries(all []logEntry) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d entries\n", len(all))
	for i, e := range all {
		if i >= 2 && i < len(all)-1 {
			continue
		}
		fmt.Fprintf(&b, "+%s %q\n", time.Duration(e.time-Base.UnixNano()), e.line)
		for kind, name := range []string{"stream", "metadata", "parsed"} {
			set := map[string]string{}
			for name, l := range e.labels {
				if l.kind == pipeline.Kind(kind) {
					set[name] = l.value
				}
			}
			if len(set) > 0 {
				fmt.Fprintf(&b, "  %s %s\n", name, allLabels(set))
			}
		}
	}
	return b.String()
}

// allLabels writes labels down, those without a value too.
func allLabels(set map[string]string) string {
	var parts []string
	for name, v := range set {
		parts = append(parts, name+"="+strconv.Quote(v))
	}
	slices.Sort(parts)
	return "{" + strings.Join(parts, ", ") + "}"
}

var errNoAnswer = errors.New("this kind of query is not asked so")
