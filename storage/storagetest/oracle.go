package storagetest

import (
	"cmp"
	"encoding/hex"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/storage"
)

// sample is a record with its attributes read.
type sample struct {
	storage.Record
	attributes pcommon.Map
}

func newSamples(records []storage.Record) []sample {
	all := make([]sample, len(records))
	for i, r := range records {
		all[i] = sample{r, pcommon.NewMap()}
		if err := storage.DecodeMap(r.Attributes, all[i].attributes); err != nil {
			panic(err) // the round trip test comes first
		}
	}
	return all
}

// attribute finds the value at a path; false when it is not there.
func (s *sample) attribute(path []string) (pcommon.Value, bool) {
	m := s.attributes
	for i, key := range path {
		v, ok := m.Get(key)
		switch {
		case !ok:
			return pcommon.Value{}, false
		case i == len(path)-1:
			return v, true
		case v.Type() != pcommon.ValueTypeMap:
			return pcommon.Value{}, false
		}
		m = v.Map()
	}
	return pcommon.Value{}, false
}

// text is a field's text as storage.Text defines it.
func (s *sample) text(f storage.FieldRef) string {
	switch f.Kind {
	case storage.FieldBody:
		return s.Body
	case storage.FieldSeverity:
		return strconv.Itoa(int(s.Severity))
	case storage.FieldSeverityText:
		return s.SeverityText
	case storage.FieldStream:
		return strconv.FormatUint(s.Stream.ID, 10)
	case storage.FieldTraceID:
		if s.TraceID.IsEmpty() {
			return ""
		}
		return hex.EncodeToString(s.TraceID[:])
	case storage.FieldSpanID:
		if s.SpanID.IsEmpty() {
			return ""
		}
		return hex.EncodeToString(s.SpanID[:])
	case storage.FieldEventName:
		return s.EventName
	case storage.FieldFlags:
		return strconv.FormatUint(uint64(s.Flags), 10)
	case storage.FieldObserved:
		return strconv.FormatUint(uint64(s.Observed), 10)
	}
	v, ok := s.attribute(f.Path)
	switch {
	case !ok || v.Type() == pcommon.ValueTypeEmpty:
		return ""
	case v.Type() == pcommon.ValueTypeStr:
		return v.Str()
	}
	return string(storage.AppendValue(nil, v))
}

var numeric = regexp.MustCompile(`^[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

func (s *sample) number(f storage.FieldRef) (float64, bool) {
	text := s.text(f)
	if !numeric.MatchString(text) {
		return 0, false
	}
	n, err := strconv.ParseFloat(text, 64)
	return n, err == nil
}

func (s *sample) matches(e storage.Expr) bool {
	switch e := e.(type) {
	case nil:
		return true
	case storage.And:
		return !slices.ContainsFunc(e, func(x storage.Expr) bool { return !s.matches(x) })
	case storage.Or:
		return slices.ContainsFunc(e, s.matches)
	case storage.Not:
		return !s.matches(e.X)
	case storage.InStreams:
		return slices.Contains(e.IDs, s.Stream.ID)
	case storage.Text:
		return matchesText(s.text(e.Field), e)
	case storage.Number:
		n, ok := s.number(e.Field)
		return ok && compares(n, e.Op, e.Value)
	case storage.Has:
		return s.has(e.Field)
	}
	panic("unknown condition")
}

func matchesText(text string, t storage.Text) bool {
	switch {
	case t.Op == storage.TextMatch:
		return regexp.MustCompile(t.Value).MatchString(text)
	case !utf8.ValidString(t.Value):
		return false // stored text is UTF-8
	case t.Op == storage.TextEqual && !t.Fold:
		return text == t.Value
	case t.Op == storage.TextEqual:
		return strings.EqualFold(text, t.Value)
	case !t.Fold:
		return strings.Contains(text, t.Value)
	}
	return regexp.MustCompile("(?i)" + regexp.QuoteMeta(t.Value)).MatchString(text)
}

func compares(n float64, op storage.NumberOp, with float64) bool {
	switch op {
	case storage.NumberEqual:
		return n == with
	case storage.NumberLess:
		return n < with
	case storage.NumberLessEqual:
		return n <= with
	case storage.NumberGreater:
		return n > with
	default:
		return n >= with
	}
}

func (s *sample) has(f storage.FieldRef) bool {
	switch f.Kind {
	case storage.FieldAttribute:
		_, ok := s.attribute(f.Path)
		return ok
	case storage.FieldBody:
		return s.BodyKind != storage.BodyEmpty
	default:
		text := s.text(f)
		return text != "" && text != "0"
	}
}

// selectFrom answers a query from the records in memory.
func selectFrom(all []sample, q storage.Query) []sample {
	var found []sample
	for _, s := range all {
		inside := s.Time >= q.Start && (s.Time < q.End || q.End == storage.EndOfTime)
		if inside && s.matches(q.Where) {
			found = append(found, s)
		}
	}
	sign := 1
	if q.Direction == storage.NewestFirst {
		sign = -1
	}
	slices.SortFunc(found, func(a, b sample) int { return sign * a.Position().Compare(b.Position()) })
	if q.After != nil {
		found = slices.DeleteFunc(found, func(s sample) bool { return sign*s.Position().Compare(*q.After) <= 0 })
	}
	if q.Limit > 0 && len(found) > q.Limit {
		found = found[:q.Limit]
	}
	return found
}

// aggregateFrom answers an aggregation from the records in memory.
func aggregateFrom(all []sample, a storage.Aggregation) []storage.Point {
	var points []storage.Point
	for _, s := range selectFrom(all, a.Query) {
		key := storage.Point{Bucket: bucketOf(s.Time, a)}
		for _, field := range a.By {
			key.Group = append(key.Group, s.text(field))
		}
		i, known := slices.BinarySearchFunc(points, key, comparePoints)
		if !known {
			points = slices.Insert(points, i, key)
		}
		addTo(&points[i], &s, a)
	}
	if a.Top == 0 {
		return points
	}
	var top []storage.Point
	for start := 0; start < len(points); {
		end := start
		for end < len(points) && points[end].Bucket == points[start].Bucket {
			end++
		}
		bucket := slices.Clone(points[start:end])
		slices.SortStableFunc(bucket, func(x, y storage.Point) int { return cmp.Compare(y.Count, x.Count) })
		bucket = bucket[:min(a.Top, len(bucket))]
		slices.SortFunc(bucket, comparePoints)
		top = append(top, bucket...)
		start = end
	}
	return top
}

func addTo(p *storage.Point, s *sample, a storage.Aggregation) {
	p.Count++
	if a.Bytes {
		p.Bytes += uint64(len(s.Body))
	}
	if a.Number == nil {
		return
	}
	if n, ok := s.number(*a.Number); ok {
		if p.Numbers == 0 {
			p.Min, p.Max = math.Inf(1), math.Inf(-1)
		}
		p.Numbers++
		p.Sum += n
		p.Min, p.Max = min(p.Min, n), max(p.Max, n)
	}
}

// bucketOf goes down from Origin as well as up; a bucket that would begin before 0 begins there.
func bucketOf(t pcommon.Timestamp, a storage.Aggregation) pcommon.Timestamp {
	if a.Step == 0 {
		return a.Start
	}
	offset := uint64(a.Origin) % a.Step
	if uint64(t) < offset {
		return 0
	}
	return t - pcommon.Timestamp((uint64(t)-offset)%a.Step)
}

func comparePoints(a, b storage.Point) int {
	return cmp.Or(cmp.Compare(a.Bucket, b.Bucket), slices.CompareFunc(a.Group, b.Group, strings.Compare))
}
