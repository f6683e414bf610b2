package postgres

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/storage"
)

// pointPage is how many points are read at a time.
const pointPage = 1000

// heldPoints is up to how many points are held until the database has given all.
const heldPoints = 50_000

// Aggregate implements storage.Reader. SQL counts the records it can judge. When it may not be sure of some, those are read
// and counted here, and the two are put together.
//
// Points are given when the transaction has ended, unless there are very many. An asker that takes from two aggregations in
// turn would else hold the first one's locks while it waits for the second, which may itself wait, in line behind the
// compression of a chunk, for those locks.
func (s *Store) Aggregate(ctx context.Context, a storage.Aggregation) iter.Seq2[storage.Point, error] {
	return func(yield func(storage.Point, error) bool) {
		for noRegex := false; ; {
			var held []storage.Point
			started, stopped := false, false
			flush := func() error {
				for i := range held {
					started = true
					if stopped = !yield(held[i], nil); stopped {
						return errStop
					}
				}
				held = held[:0]
				return ctx.Err()
			}
			err := s.read(ctx, "aggregate", func(r *reading) error {
				return s.aggregate(r, &a, noRegex, func(p *storage.Point) error {
					if held = append(held, *p); len(held) < heldPoints {
						return nil
					}
					return flush()
				})
			})
			if again := refusedRegex(err) && !noRegex; !started && (again || failedJSON(err)) {
				noRegex = noRegex || again
				continue
			}
			if err == nil && !stopped {
				err = flush()
			}
			if err != nil && !stopped {
				yield(storage.Point{}, err)
			}
			return
		}
	}
}

func (s *Store) aggregate(r *reading, a *storage.Aggregation, noRegex bool, give func(*storage.Point) error) error {
	q := a.Query
	q.After = nil
	low, high, ok := bounds(&q)
	if !ok {
		return nil
	}
	survey, err := s.survey(r, a.Tenant, low, high)
	if err != nil {
		return err
	}
	g := &grouping{aggregation: a, survey: survey, low: max(low, survey.low), high: min(high, survey.high), noRegex: noRegex}
	unsure, err := g.unsure()
	if err != nil || g.low > g.high {
		return err
	}
	sums, err := s.fromTallies(r, g, low, high)
	switch {
	case err != nil:
		return err
	case sums == nil && !unsure:
		return g.run(r, a.Top, give)
	case sums == nil:
		sums = newSums(a)
	}
	if err := s.addScanned(r, g, sums); err != nil {
		return err
	}
	for _, p := range sums.points() {
		if err := give(p); err != nil {
			return err
		}
	}
	return nil
}

// addScanned counts by reading records what sums do not have yet.
func (s *Store) addScanned(r *reading, g *grouping, sums *sums) error {
	if g.some && len(g.batches) == 0 {
		return nil
	}
	unsure, err := g.unsure()
	if err == nil && unsure {
		err = s.addUnsure(r, g, sums)
	}
	if err != nil {
		return err
	}
	return g.run(r, 0, func(p *storage.Point) error { sums.addPoint(p); return nil })
}

// addUnsure counts the records that SQL can't judge.
func (s *Store) addUnsure(r *reading, g *grouping, sums *sums) error {
	st := g.survey.statement(g.noRegex)
	where := g.within(st)
	c, err := st.matching(g.aggregation.Where)
	if err != nil {
		return err
	}
	unknown := "(" + c.sql + ") IS NULL"
	if g.survey.odd {
		unknown = "(" + unknown + " OR raw IS NOT NULL)"
	}
	sql := "SELECT " + readColumns + " FROM " + g.survey.from() + " WHERE " + where + " AND (" + c.sql + ") IS NOT FALSE AND " + unknown
	h := &hunt{
		store: s, reading: r, query: &g.aggregation.Query, matcher: storage.NewMatcher(g.aggregation.Where), give: sums.addRecord,
	}
	return r.pages(sql, st.args, recordPage, h.row, func() error { return h.turn(true) })
}

// grouping writes the statement of an aggregation.
type grouping struct {
	aggregation *storage.Aggregation
	survey      survey
	low, high   int64
	noRegex     bool
	some        bool     // only these batches are read
	batches     []uint64 // with some
}

// unsure tells whether there may be records that SQL can't judge: by the condition, or odd ones in the range.
func (g *grouping) unsure() (bool, error) {
	c, err := g.survey.statement(g.noRegex).where(g.aggregation.Where)
	return c.unsure || g.survey.odd, err
}

// run gives the points of the records that SQL judges.
func (g *grouping) run(r *reading, top int, give func(*storage.Point) error) error {
	st := g.survey.statement(g.noRegex)
	sql, err := g.sql(st, top)
	if err != nil {
		return err
	}
	var page []storage.Point
	return r.pages(sql, st.args, pointPage, func(v [][]byte) error {
		page = append(page, g.scan(v))
		return nil
	}, func() error {
		for i := range page {
			if err := give(&page[i]); err != nil {
				return err
			}
		}
		page = page[:0]
		return nil
	})
}

// sql groups by columns as they are stored, which is quick, and writes their texts for the few groups that come out. The
// columns of the answer: bucket, count, bytes, how many numbers, sum, min, max, then the groups.
func (g *grouping) sql(st *statement, top int) (string, error) {
	a := g.aggregation
	inner := []string{g.bucket(st) + " AS bucket"}
	var texts []string
	for i, field := range a.By {
		key := groupKey(st, field)
		inner = append(inner, fmt.Sprintf("%s AS k%d", key.column, i))
		texts = append(texts, fmt.Sprintf("(%s) COLLATE \"C\" AS g%d", fmt.Sprintf(key.text, fmt.Sprintf("k%d", i)), i))
	}
	keys := make([]string, len(inner))
	for i := range keys {
		keys[i] = strconv.Itoa(i + 1)
	}
	measures := [...]string{"count(*) AS n", "0::bigint AS bytes", "0::bigint AS numbers", "0::double precision AS total", "0::double precision AS low", "0::double precision AS high"}
	row := "*"
	if a.Bytes {
		measures[1] = "sum(octet_length(body))::bigint AS bytes"
	}
	if a.Number != nil {
		row = "*, " + st.fieldNumber(*a.Number) + " AS number"
		measures[2] = "count(number) AS numbers"
		measures[3] = "coalesce(sum(number), 0) AS total"
		measures[4] = "coalesce(min(number), 0) AS low"
		measures[5] = "coalesce(max(number), 0) AS high"
	}
	from, err := g.from(st)
	if err != nil {
		return "", err
	}
	if row != "*" {
		from = "(SELECT " + row + " FROM " + from + " OFFSET 0) AS logs"
	}
	names := make([]string, len(a.By))
	for i := range names {
		names[i] = fmt.Sprintf("g%d", i)
	}
	sql := fmt.Sprintf("SELECT bucket, n, bytes, numbers, total, low, high%s FROM (SELECT %s, %s FROM %s GROUP BY %s) AS grouped",
		joined(texts), strings.Join(inner, ", "), strings.Join(measures[:], ", "), from, strings.Join(keys, ", "))
	order := "bucket" + joined(names)
	if top > 0 {
		sql = fmt.Sprintf("SELECT bucket, n, bytes, numbers, total, low, high%s FROM (SELECT *, row_number() OVER (PARTITION BY bucket ORDER BY n DESC%s) AS place FROM (%s) AS a) AS b WHERE place <= %d",
			joined(names), joined(names), sql, top)
	}
	return sql + " ORDER BY " + order, nil
}

// from writes where the records come from that SQL judges. When words decide a part and are not known of all rows, those are
// asked by their attributes and the others by words, each by a plan that suits.
func (g *grouping) from(st *statement) (string, error) {
	if !g.survey.wordless || !asksWords(g.aggregation.Where) {
		where, err := g.where(st, "")
		return g.survey.from() + " WHERE " + where, err
	}
	st.worded = true
	known, err := g.where(st, "")
	if err != nil {
		return "", err
	}
	st.worded, st.asked = false, false
	unknown, err := g.where(st, " AND words = '"+storage.WordsUnknown+"'")
	return fmt.Sprintf("(SELECT * FROM %[1]s WHERE %[2]s UNION ALL SELECT * FROM %[1]s WHERE %[3]s) AS logs", g.survey.from(), known, unknown), err
}

func (g *grouping) where(st *statement, words string) (string, error) {
	where := g.within(st) + words
	c, err := st.matching(g.aggregation.Where)
	if g.survey.odd {
		where += " AND raw IS NULL"
	}
	return where + " AND (" + c.sql + ")", err
}

// within writes which records are looked at, whatever they hold.
func (g *grouping) within(st *statement) string {
	where := st.inRange(&g.aggregation.Query, g.low, g.high)
	if g.some {
		where += " AND batch_seq = ANY (" + st.arg(bigints(g.batches), "bigint[]") + ")"
	}
	return where
}

func joined(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return ", " + strings.Join(names, ", ")
}

// key is what to group by for a field, and its text as a format of the grouped column.
type key struct{ column, text string }

func groupKey(st *statement, f storage.FieldRef) key {
	switch f.Kind {
	case storage.FieldSeverity:
		return key{"severity", "%s::text"}
	case storage.FieldStream:
		return key{"stream", "CASE WHEN %[1]s >= 0 THEN %[1]s::text ELSE (%[1]s::numeric + 18446744073709551616)::text END"}
	case storage.FieldTraceID:
		return key{"trace_id", "coalesce(replace(%s::text, '-', ''), '')"}
	case storage.FieldSpanID:
		return key{"span_id", "coalesce(lpad(to_hex(%s), 16, '0'), '')"}
	}
	return key{st.fieldText(f), "%s"}
}

// bucket is the number of a record's bucket: for one bucket 0, else the bucket's start, in microseconds since 2000 when that
// can be told from the time without its nanoseconds, else in nanoseconds since 1970.
func (g *grouping) bucket(st *statement) string {
	a := g.aggregation
	if a.Step == 0 {
		return "0::numeric"
	}
	step, offset := a.Step, uint64(a.Origin)%a.Step
	if !g.wholeMicros() {
		nanos := "(extract(epoch FROM time) * 1000000000 + time_ns)"
		return fmt.Sprintf("CASE WHEN %[1]s < %[2]s THEN 0 ELSE %[1]s - mod(%[1]s - %[2]s, %[3]s) END", nanos,
			st.arg(strconv.FormatUint(offset, 10), "numeric"), st.arg(strconv.FormatUint(step, 10), "numeric"))
	}
	// A step that begins k nanoseconds after a microsecond: a time with fewer belongs to the microsecond before.
	time := "time"
	if k := offset % 1000; k > 0 {
		time = fmt.Sprintf("(time - CASE WHEN time_ns < %d THEN interval '1 microsecond' ELSE interval '0' END)", k)
	}
	// The origin is before all times, where date_bin rounds the way we want.
	origin := toMicros(offset) - int64(step/1000)
	return fmt.Sprintf("date_bin(%s, %s, %s)", st.arg(strconv.FormatUint(step/1000, 10)+" microseconds", "interval"), time,
		st.arg(string(timestamp(origin)), "timestamptz"))
}

// maxMicroStep keeps a step's origin within what PostgreSQL has.
const maxMicroStep = 1000 * 365 * 24 * 3600 * 1_000_000

func (g *grouping) wholeMicros() bool {
	return g.aggregation.Step%1000 == 0 && g.aggregation.Step/1000 < maxMicroStep
}

func (g *grouping) scan(v [][]byte) storage.Point {
	p := storage.Point{
		Bucket: g.scanBucket(v[0]), Count: binary.BigEndian.Uint64(v[1]), Bytes: binary.BigEndian.Uint64(v[2]),
		Numbers: binary.BigEndian.Uint64(v[3]), Sum: scanFloat(v[4]), Min: scanFloat(v[5]), Max: scanFloat(v[6]),
	}
	if len(g.aggregation.By) > 0 {
		p.Group = make([]string, len(g.aggregation.By))
		for i := range p.Group {
			p.Group[i] = string(v[7+i])
		}
	}
	return p
}

func (g *grouping) scanBucket(v []byte) pcommon.Timestamp {
	switch a := g.aggregation; {
	case a.Step == 0:
		return a.Start
	case !g.wholeMicros():
		return pcommon.Timestamp(scanNumeric(v))
	default:
		micros := int64(binary.BigEndian.Uint64(v)) + microsTo2000
		nanos := uint64(a.Origin) % a.Step % 1000
		if micros < 0 || uint64(micros)*1000+nanos < uint64(a.Origin)%a.Step {
			return 0
		}
		return pcommon.Timestamp(uint64(micros)*1000 + nanos)
	}
}

func scanFloat(v []byte) float64 { return math.Float64frombits(binary.BigEndian.Uint64(v)) }

// scanNumeric reads a whole number that is not negative from the binary format of numeric: digits of base 10,000, of which
// weight+1 are before the point; those at the end that are 0 are left out.
func scanNumeric(v []byte) (n uint64) {
	digits, weight := int(binary.BigEndian.Uint16(v)), int(int16(binary.BigEndian.Uint16(v[2:])))
	for i := 0; i <= weight; i++ {
		n *= 10_000
		if i < digits {
			n += uint64(binary.BigEndian.Uint16(v[8+2*i:]))
		}
	}
	return n
}
