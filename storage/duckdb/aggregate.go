package duckdb

import (
	"context"
	"fmt"
	"iter"
	"math"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/duckdb/internal/engine"
)

// Aggregate implements storage.Reader.
func (c *core) Aggregate(ctx context.Context, a storage.Aggregation) iter.Seq2[storage.Point, error] {
	return func(yield func(storage.Point, error) bool) {
		last, ok := lastNano(&a.Query)
		if !ok {
			return
		}
		var result *engine.Result
		keep := func(p *sums) bool { return p.overlaps(a.Tenant, uint64(a.Start), last) }
		err := c.reading(ctx, keep, func(conn *engine.Conn, parts []held) (err error) {
			if len(parts) == 0 {
				return nil
			}
			var b statement
			if err := b.aggregate(&a, parts, last); err != nil {
				return err
			}
			result, err = conn.Query(ctx, b.String(), b.args...)
			return err
		})
		if err != nil {
			yield(storage.Point{}, fmt.Errorf("aggregate: %w", err))
			return
		}
		if result == nil {
			return
		}
		defer result.Close()
		for chunk, ok := result.Next(); ok; chunk, ok = result.Next() {
			for row := range chunk.Len {
				if !yield(scanPoint(&a, chunk, row), nil) {
					return
				}
			}
		}
	}
}

// aggregate writes the statement. Its columns are the bucket, count, bytes, how many numbers, sum, min and max, and then the
// groups. Groups are formed over the columns as they are stored and become text after, once each.
func (s *statement) aggregate(a *storage.Aggregation, parts []held, last uint64) error {
	where, err := s.conditions(a.Where)
	if err != nil {
		return err
	}
	inner := []string{s.bucket(a, parts, last) + " AS bucket"}
	keys, texts := []string{"bucket"}, make([]string, len(a.By))
	for i, field := range a.By {
		stored, text := s.groupKey(field, fmt.Sprintf("g%d", i))
		inner = append(inner, stored+" AS "+fmt.Sprintf("g%d", i))
		keys = append(keys, fmt.Sprintf("g%d", i))
		texts[i] = text + fmt.Sprintf(" AS t%d", i)
	}
	measures := []string{
		"count(*)::UBIGINT AS n", "0::UBIGINT AS bytes", "0::UBIGINT AS numbers", "0::DOUBLE AS total", "0::DOUBLE AS low", "0::DOUBLE AS high",
	}
	if a.Bytes {
		inner = append(inner, "strlen(body) AS size")
		measures[1] = "sum(size)::UBIGINT AS bytes"
	}
	if a.Number != nil {
		inner = append(inner, s.fieldNumber(*a.Number)+" AS number")
		measures[2] = "count(number)::UBIGINT AS numbers"
		measures[3] = "coalesce(sum(number), 0) AS total"
		measures[4] = "coalesce(min(number), 0) AS low"
		measures[5] = "coalesce(max(number), 0) AS high"
	}
	grouped := strings.Join(keys, ", ")
	s.addf("SELECT bucket, n, bytes, numbers, total, low, high%s FROM (SELECT %s, %s FROM ", prefixed(texts), grouped,
		strings.Join(measures, ", "))
	s.fromLogs(parts, strings.Join(inner, ", "), a.Tenant, where, uint64(a.Start), last)
	s.addf(" GROUP BY %s)", grouped)
	order := make([]string, len(a.By))
	for i := range order {
		order[i] = fmt.Sprintf("t%d", i)
	}
	if a.Top > 0 {
		s.addf(" QUALIFY row_number() OVER (PARTITION BY bucket ORDER BY n DESC%s) <= %d", prefixed(order), a.Top)
	}
	s.addf(" ORDER BY bucket%s", prefixed(order))
	return nil
}

// groupKey is what to group a field by, and the text of the key called name.
func (s *statement) groupKey(f storage.FieldRef, name string) (stored, text string) {
	switch f.Kind {
	case storage.FieldTraceID:
		return "trace_id", traceText(name)
	case storage.FieldSpanID:
		return "span_id", spanText(name)
	}
	if column, ok := numberColumn[f.Kind]; ok {
		return column, name + "::VARCHAR"
	}
	return s.fieldText(f), name
}

func prefixed(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return ", " + strings.Join(names, ", ")
}

// fewBuckets is up to how many buckets are told apart by comparing, which is faster than dividing.
const fewBuckets = 4

// bucket is the start of a record's bucket. One that would begin before time 0 begins there.
func (s *statement) bucket(a *storage.Aggregation, parts []held, last uint64) string {
	if a.Step == 0 {
		return s.arg(uint64(a.Start))
	}
	offset := uint64(a.Origin) % a.Step
	first, end := uint64(math.MaxUint64), uint64(0)
	for _, p := range parts {
		first, end = min(first, p.minTime), max(end, p.maxTime)
	}
	first, end = max(first, uint64(a.Start)), min(end, last)
	if first >= offset && first <= end {
		if begin := first - (first-offset)%a.Step; (end-begin)/a.Step < fewBuckets {
			return s.listedBucket(begin, a.Step, (end-begin)/a.Step)
		}
	}
	step := s.arg(a.Step)
	if offset == 0 {
		return "time - time % " + step
	}
	o := s.arg(offset)
	return fmt.Sprintf("CASE WHEN time < %[1]s THEN 0::UBIGINT ELSE time - (time - %[1]s) %% %[2]s END", o, step)
}

// listedBucket compares times with the start of each bucket behind the first.
func (s *statement) listedBucket(first, step, more uint64) string {
	if more == 0 {
		return s.arg(first)
	}
	var b strings.Builder
	b.WriteString("CASE")
	for i := range more {
		fmt.Fprintf(&b, " WHEN time < %s THEN %s", s.arg(first+(i+1)*step), s.arg(first+i*step))
	}
	return b.String() + " ELSE " + s.arg(first+more*step) + " END"
}

func scanPoint(a *storage.Aggregation, c engine.Chunk, row int) storage.Point {
	number := func(i int) uint64 { return engine.Column[uint64](c, i)[row] }
	float := func(i int) float64 { return engine.Column[float64](c, i)[row] }
	p := storage.Point{
		Bucket: pcommon.Timestamp(number(0)), Count: number(1), Bytes: number(2),
		Numbers: number(3), Sum: float(4), Min: float(5), Max: float(6),
	}
	if len(a.By) > 0 {
		p.Group = make([]string, len(a.By))
		for i := range a.By {
			p.Group[i] = c.Texts(7 + i).At(row)
		}
	}
	return p
}
