package postgres

import (
	"cmp"
	"encoding/binary"
	"maps"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/storage"
)

// sums puts together points from SQL and records that were counted here.
type sums struct {
	aggregation *storage.Aggregation
	byKey       map[string]*storage.Point
	key         []byte
}

func newSums(a *storage.Aggregation) *sums {
	return &sums{aggregation: a, byKey: map[string]*storage.Point{}}
}

// point finds or makes the point of a bucket and group.
func (s *sums) point(bucket pcommon.Timestamp, group []string) *storage.Point {
	s.key = binary.BigEndian.AppendUint64(s.key[:0], uint64(bucket))
	for _, text := range group {
		s.key = binary.AppendUvarint(s.key, uint64(len(text)))
		s.key = append(s.key, text...)
	}
	p, ok := s.byKey[string(s.key)]
	if !ok {
		p = &storage.Point{Bucket: bucket, Group: group}
		s.byKey[string(s.key)] = p
	}
	return p
}

func (s *sums) addPoint(p *storage.Point) {
	into := s.point(p.Bucket, p.Group)
	into.Count += p.Count
	into.Bytes += p.Bytes
	addNumbers(into, p.Numbers, p.Sum, p.Min, p.Max)
}

func (s *sums) addRecord(r *storage.Record) error {
	values := storage.ValuesOf(r)
	var group []string
	for _, field := range s.aggregation.By {
		text, err := values.Text(field)
		if err != nil {
			return err
		}
		group = append(group, text)
	}
	p := s.point(s.bucket(r.Time), group)
	p.Count++
	if s.aggregation.Bytes {
		p.Bytes += uint64(len(r.Body))
	}
	if s.aggregation.Number == nil {
		return nil
	}
	n, ok, err := values.Number(*s.aggregation.Number)
	if ok {
		addNumbers(p, 1, n, n, n)
	}
	return err
}

func addNumbers(p *storage.Point, count uint64, sum, low, high float64) {
	switch {
	case count == 0:
		return
	case p.Numbers == 0:
		p.Min, p.Max = low, high
	}
	p.Numbers += count
	p.Sum += sum
	p.Min, p.Max = min(p.Min, low), max(p.Max, high)
}

// bucket goes down from Origin as well as up; a bucket that would begin before 0 begins there.
func (s *sums) bucket(t pcommon.Timestamp) pcommon.Timestamp {
	a := s.aggregation
	if a.Step == 0 {
		return a.Start
	}
	offset := pcommon.Timestamp(uint64(a.Origin) % a.Step)
	if t < offset {
		return 0
	}
	return t - (t-offset)%pcommon.Timestamp(a.Step)
}

// points gives all in their order, and of each bucket only the largest when the aggregation wants that.
func (s *sums) points() []*storage.Point {
	all := slices.SortedFunc(maps.Values(s.byKey), func(a, b *storage.Point) int {
		return cmp.Or(cmp.Compare(a.Bucket, b.Bucket), slices.CompareFunc(a.Group, b.Group, strings.Compare))
	})
	if s.aggregation.Top == 0 {
		return all
	}
	var top []*storage.Point
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].Bucket == all[0].Bucket {
			n++
		}
		bucket := slices.Clone(all[:n])
		slices.SortStableFunc(bucket, func(a, b *storage.Point) int { return cmp.Compare(b.Count, a.Count) })
		bucket = bucket[:min(n, s.aggregation.Top)]
		slices.SortFunc(bucket, func(a, b *storage.Point) int { return slices.CompareFunc(a.Group, b.Group, strings.Compare) })
		top = append(top, bucket...)
		all = all[n:]
	}
	return top
}
