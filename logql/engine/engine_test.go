package engine

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/instantdevlogs/devlogs/logql"
	"github.com/instantdevlogs/devlogs/logql/pipeline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// entry is one entry of a memory source.
type entry struct {
	time   int64
	line   string
	labels []pipeline.Label
}

// memory is a source that holds its entries, in order of time.
type memory []entry

func (m memory) Samples(ctx context.Context, leaf *Leaf) iter.Seq2[*Observation, error] {
	return func(yield func(*Observation, error) bool) {
		r := leaf.Aggregation.Range
		p, err := pipeline.CompileRange(r, pipeline.Options{Need: leaf.Needs()})
		if err != nil {
			yield(nil, err)
			return
		}
		after, until := leaf.Span()
		var e pipeline.Entry
		var o Observation
		for _, stored := range m {
			if stored.time <= after || stored.time > until || !selects(r.Log.Selector, stored.labels) {
				continue
			}
			e.Time, e.Line = stored.time, stored.line
			e.Labels.Reset(stored.labels, nil)
			if !p.Process(&e) {
				continue
			}
			o.Time, o.Labels = e.Time, e.Labels.AppendTo(o.Labels[:0])
			o.Numbers = One(leaf.Value(e.Line, e.Sample))
			o.Err, o.ErrDetails = e.Labels.Error()
			if !yield(&o, ctx.Err()) {
				return
			}
		}
	}
}

func selects(s logql.Selector, labels []pipeline.Label) bool {
	for _, m := range s {
		value := ""
		for _, l := range labels {
			if l.Name == m.Name {
				value = l.Value
			}
		}
		if !pipeline.NewMatcher(m).Matches(value) {
			return false
		}
	}
	return true
}

// at makes an entry: seconds, "a=1 b=2" labels, line.
func at(seconds float64, labels, line string) entry {
	e := entry{time: int64(seconds * 1e9), line: line}
	for pair := range strings.FieldsSeq(labels) {
		name, value, _ := strings.Cut(pair, "=")
		e.labels = append(e.labels, pipeline.Label{Name: name, Value: value})
	}
	return e
}

// show writes a result in a few characters: a vector as {a="x"} 1; …, a matrix as {a="x"} 1@10 2@20; ….
func show(r Result) string {
	var parts []string
	switch r.Type {
	case TypeScalar:
		return fmt.Sprintf("%g", r.Scalar.Value)
	case TypeVector:
		for _, s := range r.Vector {
			parts = append(parts, fmt.Sprintf("%s %.4g", s.Metric, s.Value))
		}
	case TypeMatrix:
		for _, s := range r.Matrix {
			text := s.Metric.String()
			for _, p := range s.Points {
				text += fmt.Sprintf(" %.4g@%d", p.Value, p.Time/int64(time.Second))
			}
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, "; ")
}

func evaluate(t testing.TB, source Source, query string, grid Grid, limits Limits) (Result, error) {
	t.Helper()
	expr, err := logql.ParseMetric(query)
	require.NoError(t, err, query)
	return Evaluate(t.Context(), expr, source, Params{Grid: grid, Limits: limits})
}

var data = memory{
	at(1, "app=a pod=1", "v=10"), at(5, "app=a pod=2", "v=2"), at(10, "app=b pod=1", "v=7"), at(12, "app=a pod=1", "v=30"),
	at(20, "app=a pod=1", "v=20"), at(25, "app=b pod=1", "v=1"), at(30, "app=a pod=2", "v=4"), at(31, "app=a pod=2", "v=x"),
}

func TestRangeAggregationCountsItsWindow(t *testing.T) {
	for _, c := range []struct{ query, want string }{
		{`count_over_time({app="a"}[30s])`, `{app="a", pod="1"} 3; {app="a", pod="2"} 2`}, // (0, 30]
		{`count_over_time({app="a"}[29s])`, `{app="a", pod="1"} 2; {app="a", pod="2"} 2`}, // 1 s is out
		{`count_over_time({app="a"}[10s] offset 20s)`, `{app="a", pod="1"} 1; {app="a", pod="2"} 1`},
		{`count_over_time({app="a"}[10s] offset -10s)`, `{app="a", pod="2"} 1`},
		{`rate({app="b"}[30s])`, `{app="b", pod="1"} 0.06667`},
		{`bytes_over_time({app="b"}[30s])`, `{app="b", pod="1"} 6`},
		{`bytes_rate({app="b"}[30s])`, `{app="b", pod="1"} 0.2`},
		{`absent_over_time({app="a"}[30s])`, ``},
		{`absent_over_time({app="c", pod=~".+"}[30s])`, `{app="c"} 1`},
		{`sum_over_time({app="a"} | logfmt | unwrap v [30s])`, `{app="a", pod="1"} 60; {app="a", pod="2"} 6`},
		{`avg_over_time({app="a"} | logfmt | unwrap v [30s]) by (app)`, `{app="a"} 13.2`},
		{`min_over_time({app="a"} | logfmt | unwrap v [30s]) without (pod)`, `{app="a"} 2`},
		{`max_over_time({app="a"} | logfmt | unwrap v [30s]) by ()`, `{} 30`},
		{`first_over_time({app="a"} | logfmt | unwrap v [30s]) by (app)`, `{app="a"} 10`},
		{`last_over_time({app="a"} | logfmt | unwrap v [30s]) by (app)`, `{app="a"} 4`},
		{`stdvar_over_time({app="a", pod="1"} | logfmt | unwrap v [30s])`, `{app="a", pod="1"} 66.67`},
		{`stddev_over_time({app="a", pod="1"} | logfmt | unwrap v [30s])`, `{app="a", pod="1"} 8.165`},
		{`quantile_over_time(0.5, {app="a"} | logfmt | unwrap v [30s]) by (app)`, `{app="a"} 10`},
		{`quantile_over_time(0.25, {app="a", pod="1"} | logfmt | unwrap v [30s])`, `{app="a", pod="1"} 15`},
		{`rate({app="a", pod="1"} | logfmt | unwrap v [30s])`, `{app="a", pod="1"} 2`},
		{`absent_over_time({app="a"} | logfmt | unwrap nope [30s])`, `{app="a"} 1`},
	} {
		got, err := evaluate(t, data, c.query, Instant(30e9), Limits{})
		if assert.NoError(t, err, c.query) {
			assert.Equal(t, c.want, show(got), c.query)
		}
	}
}

func TestWindowsSlideOverSteps(t *testing.T) {
	for _, c := range []struct {
		query            string
		start, end, step int64
		want             string
	}{
		{`count_over_time({app="a"}[10s])`, 10, 40, 10, `{app="a", pod="1"} 1@10 2@20; {app="a", pod="2"} 1@10 1@30 1@40`},
		{`count_over_time({app="a"}[20s])`, 10, 40, 10, `{app="a", pod="1"} 1@10 3@20 2@30; {app="a", pod="2"} 1@10 1@20 1@30 2@40`},
		{`count_over_time({app="a"}[5s])`, 10, 40, 10, `{app="a", pod="1"} 1@20; {app="a", pod="2"} 1@30`},
		{`count_over_time({app="a"}[15s])`, 10, 40, 7, `{app="a", pod="1"} 1@10 1@17 2@24 1@31; {app="a", pod="2"} 1@10 1@17 2@31 2@38`},
		{`sum by (app) (count_over_time({app=~"a|b"}[10s]))`, 10, 30, 10, `{app="a"} 2@10 2@20 1@30; {app="b"} 1@10 1@30`},
		{`max(max_over_time({app="a", pod="1"} | logfmt | unwrap v [20s]))`, 10, 40, 10, `{} 10@10 30@20 30@30`},
		{`1 + 1`, 0, 20, 10, `{} 2@0 2@10 2@20`},
		{`sum(count_over_time({app="c"}[10s])) or vector(0)`, 0, 10, 10, `{} 0@0 0@10`},
		{`topk(1, count_over_time({app=~"a|b"}[10s]))`, 10, 30, 10, `{app="a", pod="1"} 1@10 2@20; {app="a", pod="2"} 1@30`},
		{`absent_over_time({app="b"}[10s])`, 10, 40, 10, `{app="b"} 1@20 1@40`},
	} {
		got, err := evaluate(t, data, c.query, Grid{c.start * 1e9, c.end * 1e9, time.Duration(c.step * 1e9)}, Limits{})
		if assert.NoError(t, err, c.query) {
			assert.Equal(t, c.want, show(got), c.query)
		}
	}
}

func TestVectorOperatorsAnswer(t *testing.T) {
	const a, b = `count_over_time({app="a"}[30s])`, `count_over_time({app="b"}[30s])`
	const all = `count_over_time({app=~"a|b"}[30s])`
	for _, c := range []struct{ query, want string }{
		{`sum(` + all + `)`, `{} 7`}, {`avg by (app) (` + all + `)`, `{app="a"} 2.5; {app="b"} 2`}, {`count without (pod) (` + all + `)`, `{app="a"} 2; {app="b"} 1`},
		{`min(` + all + `)`, `{} 2`}, {`max by (pod) (` + all + `)`, `{pod="1"} 3; {pod="2"} 2`}, {`stddev(` + all + `)`, `{} 0.4714`}, {`stdvar(` + all + `)`, `{} 0.2222`},
		{`topk(1, ` + all + `)`, `{app="a", pod="1"} 3`}, {`topk by (app) (1, ` + all + `)`, `{app="a", pod="1"} 3; {app="b", pod="1"} 2`},
		{`bottomk(2, ` + all + `)`, `{app="a", pod="2"} 2; {app="b", pod="1"} 2`}, {`approx_topk(2, ` + all + `)`, `{app="a", pod="1"} 3; {app="a", pod="2"} 2`},
		{`sort(` + all + `)`, `{app="a", pod="2"} 2; {app="b", pod="1"} 2; {app="a", pod="1"} 3`},
		{`sort_desc(` + all + `)`, `{app="a", pod="1"} 3; {app="a", pod="2"} 2; {app="b", pod="1"} 2`},
		{a + ` * 2`, `{app="a", pod="1"} 6; {app="a", pod="2"} 4`}, {`2 ^ ` + b, `{app="b", pod="1"} 4`}, {a + ` > 2`, `{app="a", pod="1"} 3`},
		{`2 < ` + a, `{app="a", pod="1"} 3`}, {a + ` > bool 2`, `{app="a", pod="1"} 1; {app="a", pod="2"} 0`}, {b + ` % 2`, `{app="b", pod="1"} 0`},
		{a + ` + on (pod) ` + b, `{pod="1"} 5`}, {a + ` - ignoring (app) ` + b, `{pod="1"} 1`}, {a + ` > on (pod) ` + b, `{pod="1"} 3`}, {a + ` < bool on (pod) ` + b, `{pod="1"} 0`},
		{a + ` * on (pod) group_left ` + b, `{app="a", pod="1"} 6`}, {a + ` / ignoring (app, pod) group_left sum(` + a + `)`, `{app="a", pod="1"} 0.6; {app="a", pod="2"} 0.4`},
		{b + ` * on (pod) group_right (app) ` + a, `{app="b", pod="1"} 6`}, {a + ` + on (pod) group_left (app) ` + b, `{app="b", pod="1"} 5`},
		{all + ` and ` + a, `{app="a", pod="1"} 3; {app="a", pod="2"} 2`}, {all + ` unless ` + a, `{app="b", pod="1"} 2`}, {a + ` and on (pod) ` + b, `{app="a", pod="1"} 3`},
		{a + ` or ` + b, `{app="a", pod="1"} 3; {app="a", pod="2"} 2; {app="b", pod="1"} 2`}, {b + ` or on (pod) ` + a, `{app="a", pod="2"} 2; {app="b", pod="1"} 2`},
		{a + ` + ` + b, ``}, {`vector(1) + vector(1)`, `{} 2`}, {`1 + 2 * 3`, `7`}, {`1 > 2`, `0`}, {`vector(3) >= bool 3`, `{} 1`}, {`-7 % 3`, `-1`},
		{`label_replace(` + b + `, "x", "$1-$2", "app", "(.)()")`, `{app="b", pod="1", x="b-"} 2`}, {`label_replace(` + b + `, "app", "", "app", "b")`, `{pod="1"} 2`},
		{`label_replace(` + b + `, "x", "y", "app", "no")`, `{app="b", pod="1"} 2`}, {`label_replace(` + b + `, "x", "y", "none", "")`, `{app="b", pod="1", x="y"} 2`},
	} {
		got, err := evaluate(t, data, c.query, Instant(30e9), Limits{})
		if assert.NoError(t, err, c.query) {
			assert.Equal(t, c.want, show(got), c.query)
		}
	}
}

func TestQueryThatCannotBeEvaluatedSaysWhy(t *testing.T) {
	const a, b = `count_over_time({app="a"}[30s])`, `count_over_time({app="b"}[30s])`
	for _, c := range []struct {
		query, want string
		grid        Grid
	}{
		{`sum_over_time({app="a"} | logfmt | unwrap v [40s])`, `pipeline error: 'SampleExtractionErr' for series: '{__error__`, Instant(40e9)},
		{`sum by (app) (count_over_time({app="a"} | json [30s]))`, `pipeline error: 'JSONParserErr'`, Instant(30e9)},
		{a + ` + on (app) ` + a, `found duplicate series for the match group {app="a"} on the right`, Instant(30e9)},
		{a + ` + on () ` + b, `many-to-one matching must be explicit`, Instant(30e9)},
		{a + ` * on (app) group_right ` + a, `on the left hand-side`, Instant(30e9)},
		{`label_replace(` + a + `, "pod", "x", "app", ".*")`, `two series of the same labels`, Instant(30e9)},
		{`approx_topk(1, ` + a + `)`, `only supported for instant queries`, Grid{0, 30e9, 1e9}},
	} {
		_, err := evaluate(t, data, c.query, c.grid, Limits{})
		var queryErr *QueryError
		if assert.ErrorAs(t, err, &queryErr, c.query) {
			assert.ErrorContains(t, err, c.want, c.query)
		}
	}
}

func TestLimitNamesItself(t *testing.T) {
	for _, c := range []struct {
		query, want string
		limits      Limits
	}{
		{`count_over_time({app="a"}[30s])`, "max_query_series", Limits{Series: 1}},
		{`sum(count_over_time({app="a"}[30s]) * 2)`, "max_query_groups", Limits{Groups: 1}},
		{`quantile_over_time(0.5, {app="a"} | logfmt | unwrap v [30s])`, "max_query_samples", Limits{Samples: 2}},
		{`count_over_time({app="a"}[30s])`, "max_query_steps", Limits{Steps: 5}},
	} {
		_, err := evaluate(t, data, c.query, Grid{0, 30e9, 5e9}, c.limits)
		var limitErr *LimitError
		if assert.ErrorAs(t, err, &limitErr, c.query) {
			assert.Equal(t, c.want, limitErr.Limit)
		}
	}
	_, err := evaluate(t, data, `sum(count_over_time({app="a"}[30s]))`, Grid{0, 30e9, 5e9}, Limits{Series: 1, Groups: 1, Steps: 7})
	require.NoError(t, err, "a sum holds one series")
}

func TestCounterRateFollowsResetsAndEdges(t *testing.T) {
	counter := memory{}
	for i := range 10 { // 0, 10, …, 50, then again 0, 10, 20, 30: one reset
		counter = append(counter, at(float64(5+10*i), "app=a", fmt.Sprintf("v=%d", i*10%60)))
	}
	got, err := evaluate(t, counter, `rate_counter({app="a"} | logfmt | unwrap v [100s])`, Instant(100e9), Limits{})
	require.NoError(t, err)
	// It grows by 80 in the 90 s between the samples, is 0 at 5 s so can't have grown before, and 5 s are added at the end.
	require.InDelta(t, 80.0*(95.0/90.0)/100, got.Vector[0].Value, 1e-9)
}

func TestCancelledQueryStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	expr, err := logql.ParseMetric(`count_over_time({app="a"}[30s])`)
	require.NoError(t, err)
	_, err = Evaluate(ctx, expr, data, Params{Grid: Instant(30e9)})
	require.ErrorIs(t, err, context.Canceled)
}

func TestLeafSaysWhatAStoreNeedsToKnow(t *testing.T) {
	expr, err := logql.ParseMetric(`sum by (app) (count_over_time({app="a"}[5m] offset 1m))`)
	require.NoError(t, err)
	leaves := Leaves(expr, Grid{600e9, 1200e9, 2 * time.Minute})
	require.Len(t, leaves, 1)
	after, until := leaves[0].Span()
	require.Equal(t, []int64{240e9, 1140e9}, []int64{after, until})
	require.Equal(t, time.Minute, leaves[0].Bucket())
	require.Equal(t, []string{"app"}, leaves[0].Needs())
	require.True(t, slices.Equal([]string{"app"}, leaves[0].Grouping.Labels))
}

// A template, or label_replace in label_replace, can make labels of any length: 100,000 series of a query took 16 GB.
func TestLongLabelsCountForMore(t *testing.T) {
	long := strings.Repeat("x", 10<<10)
	query := `sum by (long) (count_over_time({app="a"} | label_format long="` + long + `" [30s]))`
	_, err := evaluate(t, data, query, Grid{0, 30e9, 5e9}, Limits{Groups: 10})
	var limitErr *LimitError
	require.ErrorAs(t, err, &limitErr)
	require.Equal(t, "max_query_groups", limitErr.Limit)
	_, err = evaluate(t, data, query, Grid{0, 300e9, 5e9}, Limits{Groups: 11})
	require.NoError(t, err, "what a window forgets counts no more")

	doubled := func(times int) string {
		return strings.Repeat("label_replace(", times) + `sum by (app) (count_over_time({app="a"}[30s]))` + strings.Repeat(`, "app", "$1$1", "app", "(.*)")`, times)
	}
	_, err = evaluate(t, data, doubled(15), Instant(30e9), Limits{})
	require.NoError(t, err)
	_, err = evaluate(t, data, doubled(60), Instant(30e9), Limits{})
	var queryErr *QueryError
	require.ErrorAs(t, err, &queryErr)
	require.Contains(t, queryErr.Msg, "label_replace may make a value of more than 65536 bytes")
}
