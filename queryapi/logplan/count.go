package logplan

import (
	"context"
	"iter"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/logql"
	"github.com/instantdevlogs/devlogs/logql/engine"
	"github.com/instantdevlogs/devlogs/logql/pipeline"
	"github.com/instantdevlogs/devlogs/storage"
)

// counted is a range aggregation as a store can count it.
type counted struct {
	where  storage.Expr
	by     []storage.FieldRef
	labels []func(group []string) pipeline.Label
	number *storage.FieldRef // the attribute that unwrap reads
	bytes  bool
}

// countable makes of a range aggregation what a store can count. why says what stands against it; "" when nothing does.
func (c conditions) countable(leaf *engine.Leaf, s *split) (counted, string) {
	out := counted{where: s.where}
	if len(s.stages) > 0 {
		return out, "stages are left to run here: " + s.stages[0].String()
	}
	a := leaf.Aggregation
	switch a.Op {
	case logql.RangeFirst, logql.RangeLast, logql.RangeStddev, logql.RangeStdvar, logql.RangeQuantile, logql.RangeRateCounter:
		return out, a.Op.String() + " needs each entry"
	}
	out.bytes = a.Op == logql.RangeBytes || a.Op == logql.RangeBytesRate
	if leaf.Needs() == nil {
		return out, "the series keep all labels, which the store can't group by: group by some, as in sum by (…)"
	}
	for _, label := range leaf.Needs() {
		if s.dropped[label] || a.Range.Unwrap != nil && a.Range.Unwrap.Label == label {
			continue
		}
		if !c.groupBy(&out, label) {
			return out, "the store can't group by " + label
		}
	}
	if a.Range.Unwrap == nil {
		return out, ""
	}
	return out, c.unwrap(&out, a.Range.Unwrap, s)
}

// unwrap makes the store sum an attribute. Whether all its values are numbers shows when they have been counted.
func (c conditions) unwrap(out *counted, u *logql.Unwrap, s *split) (why string) {
	n := c.catalogue.resolve(u.Label)
	switch {
	case u.Conversion != logql.ConvertNumber:
		return "the store can't convert " + u.Conversion.String() + "(" + u.Label + ")"
	case !n.known || n.level || n.column != nil || len(n.values) > 0 || s.dropped[u.Label]:
		return u.Label + " is not one attribute of records"
	case n.attribute == nil:
		out.where = never
		return ""
	}
	for _, f := range u.Filters {
		if m, ok := f.Predicate.(*logql.MatchPredicate); ok && m.Name == pipeline.ErrorLabel && pipeline.NewMatcher(m.Matcher).Matches("") {
			continue // there are no errors, or the store's counts are not used
		}
		e, ok := c.predicate(f.Predicate)
		if !ok || s.readsDropped(f.Predicate) || reads(f.Predicate, u.Label) {
			return "the filter behind unwrap is left to run here: " + f.String()
		}
		out.where = allOf(out.where, e)
	}
	out.number = &n.attribute.ref
	out.where = allOf(out.where, storage.Has{Field: n.attribute.ref})
	return ""
}

func reads(p logql.Predicate, label string) bool {
	for _, name := range pipeline.PredicateLabels(p) {
		if name == label {
			return true
		}
	}
	return false
}

// groupBy adds what it takes to group by a label.
func (c conditions) groupBy(out *counted, label string) bool {
	n := c.catalogue.resolve(label)
	if !n.known {
		return false
	}
	values := []func(group []string) string{}
	_, lacking := c.catalogue.split(n, func(string) bool { return true })
	if len(n.values) > 0 {
		at := out.column(storage.FieldRef{Kind: storage.FieldStream})
		values = append(values, func(group []string) string {
			id, _ := strconv.ParseUint(group[at], 10, 64)
			return n.values[id]
		})
	}
	if len(lacking) > 0 || len(c.catalogue.streams) == 0 {
		more, ok := out.recordValues(n)
		if !ok {
			return false
		}
		values = append(values, more...)
	}
	out.labels = append(out.labels, func(group []string) pipeline.Label {
		for _, value := range values {
			if text := value(group); text != "" {
				return pipeline.Label{Name: label, Value: text}
			}
		}
		return pipeline.Label{Name: label}
	})
	return true
}

// recordValues adds what it takes to know a name's value in records of streams without it.
func (out *counted) recordValues(n name) (values []func(group []string) string, ok bool) {
	if n.level {
		number := out.column(storage.FieldRef{Kind: storage.FieldSeverity})
		text := out.column(storage.FieldRef{Kind: storage.FieldSeverityText})
		return append(values, func(group []string) string {
			severity, _ := strconv.ParseInt(group[number], 10, 32)
			return Level(int32(severity), group[text])
		}), true
	}
	if n.column != nil {
		at, zero := out.column(storage.FieldRef{Kind: n.column.kind}), n.column.zero
		values = append(values, func(group []string) string {
			if zero && group[at] == "0" {
				return ""
			}
			return group[at]
		})
	}
	if n.attribute == nil {
		return values, true
	}
	at := out.column(n.attribute.ref)
	switch {
	case n.attribute.types.only(storage.TypeString, storage.TypeInt, storage.TypeBool, storage.TypeNull):
		return append(values, func(group []string) string { return group[at] }), true
	case n.attribute.types.only(storage.TypeDouble, storage.TypeInt, storage.TypeBool, storage.TypeNull):
		return append(values, func(group []string) string { return numberText(group[at]) }), true
	}
	return nil, false
}

// numberText makes the text of a label of a number's text in typed JSON.
func numberText(text string) string {
	if strings.HasPrefix(text, "{") {
		v := pcommon.NewValueEmpty()
		if storage.DecodeValue(text, v) == nil {
			return textOf(v)
		}
	}
	return strings.TrimSuffix(text, ".0")
}

// column adds a field to group by, once, and tells its place.
func (out *counted) column(ref storage.FieldRef) int {
	for i, known := range out.by {
		if known.Kind == ref.Kind && known.Pointer() == ref.Pointer() {
			return i
		}
	}
	out.by = append(out.by, ref)
	return len(out.by) - 1
}

// aggregation is the storage query. Its buckets are those that the leaf's windows are made of.
func (out *counted) aggregation(leaf *engine.Leaf, start, end uint64) storage.Aggregation {
	a := storage.Aggregation{
		Query: storage.Query{Start: timestamp(start), End: timestamp(end), Where: whereOf(out.where), Direction: storage.OldestFirst},
		By:    out.by, Number: out.number, Bytes: out.bytes,
	}
	if leaf.Grid.Steps() > 1 {
		width := int64(leaf.Bucket())
		after, _ := leaf.Span()
		a.Step = uint64(width)
		a.Origin = timestamp(uint64(((after+1)%width + width) % width))
	}
	return a
}

// points yields an observation for each bucket and group that the store counts. Where unwrap meets values that are no
// numbers it goes on over entries, from the start of that bucket.
func (m *MetricPlan) points(ctx context.Context, leaf *engine.Leaf, s *split, c counted, start, end uint64) iter.Seq2[*engine.Observation, error] {
	return func(yield func(*engine.Observation, error) bool) {
		var o engine.Observation
		emit := func(p *storage.Point) bool {
			o.Time, o.Labels = int64(p.Bucket), o.Labels[:0]
			for _, label := range c.labels {
				o.Labels = append(o.Labels, label(p.Group))
			}
			o.Numbers = numbers(leaf, p)
			return yield(&o, nil)
		}
		var bucket []storage.Point // of unwrapped numbers: held until the bucket is whole
		flush := func() bool {
			for i := range bucket {
				if !emit(&bucket[i]) {
					return false
				}
			}
			bucket = bucket[:0]
			return true
		}
		for p, err := range m.store.Aggregate(ctx, c.aggregation(leaf, start, end)) {
			if err != nil {
				yield(nil, err)
				return
			}
			m.planner.stats.Points++
			if c.number == nil {
				if !emit(&p) {
					return
				}
				continue
			}
			if len(bucket) > 0 && bucket[0].Bucket != p.Bucket && !flush() {
				return
			}
			if p.Numbers != p.Count {
				from := max(start, uint64(p.Bucket))
				for o, err := range m.entries(ctx, leaf, s, from, end) {
					if !yield(o, err) {
						return
					}
				}
				return
			}
			bucket = append(bucket, p)
		}
		flush()
	}
}

func numbers(leaf *engine.Leaf, p *storage.Point) engine.Numbers {
	switch {
	case leaf.Aggregation.Range.Unwrap != nil:
		return engine.Numbers{Count: p.Numbers, Sum: p.Sum, Min: p.Min, Max: p.Max}
	case leaf.Aggregation.Op == logql.RangeBytes || leaf.Aggregation.Op == logql.RangeBytesRate:
		return engine.Numbers{Count: p.Count, Sum: float64(p.Bytes)}
	default:
		return engine.Numbers{Count: p.Count, Sum: float64(p.Count)}
	}
}
