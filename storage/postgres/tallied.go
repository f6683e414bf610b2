package postgres

import (
	"encoding/binary"
	"errors"
	"math"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/storage"
)

// When tallies are given up for a scan of everything. It reads about ten records in the time that a row of the ledger takes.
const (
	talliedRecords = 10      // records a batch, at least
	talliedBatches = 1000    // batches to be scanned, at most: each makes the scan's condition longer
	talliedPoints  = 100_000 // points held, at most
)

// fromTallies counts the batches that lie within one bucket by what the ledger says of them. g is left with the batches that
// have to be scanned. Together they are what the ledger had at one moment: batches that others commit meanwhile are in
// neither. nil when all has to be scanned, because what is asked for is not in tallies or they would be no quicker.
//
// What was dropped counts no more. Retention takes tallies back in its own transaction. Partitions that somebody else drops
// are seen by their absence, or as younger than the batch when they were made anew. They can't be dropped between the look at
// the ledger and the scan, since planning one before has locked them.
func (s *Store) fromTallies(r *reading, g *grouping, low, high int64) (*sums, error) {
	if !inTallies(g.aggregation) {
		return nil, nil
	}
	if err := r.lock(low, high); err != nil {
		return nil, err
	}
	t := &tallying{
		aggregation: g.aggregation, matcher: storage.NewMatcher(g.aggregation.Where), sums: newSums(g.aggregation),
		streams: map[uint64]int{}, levels: map[level]int{}, groups: map[string]int{}, low: math.MaxInt64, high: math.MinInt64,
	}
	var err error
	if t.parts, err = s.extents(r, low, high); err != nil {
		return nil, err
	}
	args := [][]byte{[]byte(g.aggregation.Tenant), timestamp(low), timestamp(high)}
	err = r.pages(talliesSQL, args, ledgerPage, t.batch, t.check)
	t.flush()
	switch {
	case errors.Is(err, errNoTallies) || err == nil && 2*t.scanned > t.records:
		return nil, nil
	case err != nil:
		return nil, err
	}
	g.some, g.batches = true, t.scan
	g.low, g.high = max(low, t.low), min(high, t.high)
	g.survey.odd, g.survey.far = t.odd, t.far
	return t.sums, nil
}

const talliesSQL = `SELECT batch_seq, rows, odd_rows, far_rows, min_time, max_time, min_ns, max_ns, committed_at, tally FROM log_batches
	WHERE tenant = $1::text AND rows > 0 AND max_time >= $2::timestamptz AND min_time <= $3::timestamptz ORDER BY min_time`

// ledgerPage is how many batches are read at a time.
const ledgerPage = 500

// errNoTallies ends the reading of tallies when a scan is better.
var errNoTallies = errors.New("tallies are no quicker")

// inTallies tells whether tallies can answer an aggregation.
func inTallies(a *storage.Aggregation) bool {
	if a.Number != nil {
		return false
	}
	for _, f := range a.By {
		if !tallied(f) {
			return false
		}
	}
	return onlyTallied(a.Where)
}

func tallied(f storage.FieldRef) bool {
	return f.Kind == storage.FieldStream || f.Kind == storage.FieldSeverity || f.Kind == storage.FieldSeverityText
}

func onlyTallied(e storage.Expr) bool {
	all := func(list []storage.Expr) bool {
		for _, e := range list {
			if !onlyTallied(e) {
				return false
			}
		}
		return true
	}
	switch e := e.(type) {
	case nil, storage.InStreams:
		return true
	case storage.And:
		return all(e)
	case storage.Or:
		return all(e)
	case storage.Not:
		return onlyTallied(e.X)
	case storage.Text:
		return tallied(e.Field)
	case storage.Number:
		return tallied(e.Field)
	case storage.Has:
		return tallied(e.Field)
	}
	return false
}

// tallying is the sum of tallies under way.
type tallying struct {
	aggregation *storage.Aggregation
	matcher     *storage.Matcher
	parts       []partExtent
	reader      tallyReader
	sums        *sums

	batches, records, scanned uint64
	scan                      []uint64 // batches that have to be scanned
	low, high                 int64    // of their times, in µs
	odd, far                  bool     // whether they have such rows

	// The group of a stream and level, which are numbered as they are met.
	streams map[uint64]int
	levels  map[level]int
	groupOf [][]int // by stream and level: one more than the index in texts; 0: not known yet; noGroup: does not match
	groups  map[string]int
	texts   [][]string

	bucket pcommon.Timestamp // of counts
	counts []struct{ records, bytes uint64 }
	here   []int // the levels of the tally that is being added, as numbers in levels
}

const noGroup = -1

// batch takes a row of talliesSQL.
func (t *tallying) batch(v [][]byte) error {
	number := func(i int) uint64 { return binary.BigEndian.Uint64(v[i]) }
	micros := func(i int) int64 { return int64(number(i)) }
	rows := number(1)
	t.batches++
	t.records += rows
	first, last := fromMicros(micros(4), binary.BigEndian.Uint16(v[6])), fromMicros(micros(5), binary.BigEndian.Uint16(v[7]))
	q, tally := &t.aggregation.Query, v[9]
	bucket := t.sums.bucket(first)
	whole := first >= q.Start && last <= lastNano(q) && bucket == t.sums.bucket(last)
	if whole && hasTally(tally) && t.there(micros(4), micros(5), micros(8)) {
		return t.add(bucket, tally)
	}
	if hasTally(tally) {
		if none, err := t.nothingIn(tally); none || err != nil {
			return err
		}
	}
	t.scan = append(t.scan, number(0))
	t.scanned += rows
	t.low, t.high = min(t.low, micros(4)), max(t.high, micros(5))
	t.odd, t.far = t.odd || number(2) > 0, t.far || number(3) > 0
	return nil
}

// check is called between pages.
func (t *tallying) check() error {
	if t.records < talliedRecords*t.batches && t.batches >= ledgerPage || len(t.scan) > talliedBatches || len(t.sums.byKey) > talliedPoints {
		return errNoTallies
	}
	return nil
}

// there tells whether the partitions of a batch's times are there and not younger than the batch.
func (t *tallying) there(low, high, committed int64) bool {
	for _, p := range t.parts {
		if low >= p.from && low < p.to {
			if p.made > committed {
				return false
			}
			if high < p.to {
				return true
			}
			low = p.to
		}
	}
	return false
}

// add counts a batch.
func (t *tallying) add(bucket pcommon.Timestamp, tally []byte) error {
	if bucket != t.bucket {
		t.flush()
		t.bucket = bucket
	}
	return t.each(tally, func(group int, c *cell) {
		t.counts[group].records += c.records
		t.counts[group].bytes += c.bytes
	})
}

// nothingIn tells whether none of a batch's records match, wherever they are.
func (t *tallying) nothingIn(tally []byte) (none bool, err error) {
	none = true
	err = t.each(tally, func(int, *cell) { none = false })
	return none, err
}

// each gives the cells that match, each with its group.
func (t *tallying) each(tally []byte, give func(group int, c *cell)) error {
	if err := t.reader.read(tally); err != nil {
		return err
	}
	t.here = t.here[:0]
	for _, l := range t.reader.levels {
		n, ok := t.levels[l]
		if !ok {
			n = len(t.levels)
			t.levels[l] = n
		}
		t.here = append(t.here, n)
	}
	stream := -1
	for i := range t.reader.cells {
		c := &t.reader.cells[i]
		if i == 0 || c.stream != t.reader.cells[i-1].stream {
			stream = t.stream(c.stream)
		}
		group, err := t.group(stream, t.here[c.level], c.stream, t.reader.levels[c.level])
		if err != nil {
			return err
		}
		if group != noGroup {
			give(group, c)
		}
	}
	return nil
}

// stream gives a stream's number.
func (t *tallying) stream(id uint64) int {
	n, ok := t.streams[id]
	if !ok {
		n = len(t.streams)
		t.streams[id] = n
		t.groupOf = append(t.groupOf, nil)
	}
	return n
}

// group gives the index of the group that a stream and level belong to, or noGroup.
func (t *tallying) group(stream, level int, id uint64, of level) (int, error) {
	known := t.groupOf[stream]
	if level < len(known) && known[level] != 0 {
		if known[level] == noGroup {
			return noGroup, nil
		}
		return known[level] - 1, nil
	}
	for len(known) <= level {
		known = append(known, 0)
	}
	t.groupOf[stream] = known
	record := storage.Record{Severity: of.severity, SeverityText: of.text, Stream: &storage.Stream{ID: id}}
	if matches, err := t.matcher.Matches(&record); err != nil || !matches {
		known[level] = noGroup
		return noGroup, err
	}
	values, texts, key := storage.ValuesOf(&record), make([]string, 0, len(t.aggregation.By)), []byte(nil)
	for _, f := range t.aggregation.By {
		text, err := values.Text(f)
		if err != nil {
			return noGroup, err
		}
		texts = append(texts, text)
		key = append(binary.AppendUvarint(key, uint64(len(text))), text...)
	}
	group, ok := t.groups[string(key)]
	if !ok {
		group = len(t.texts)
		t.groups[string(key)] = group
		t.texts = append(t.texts, texts)
		t.counts = append(t.counts, struct{ records, bytes uint64 }{})
	}
	known[level] = group + 1
	return group, nil
}

// flush adds what was counted for a bucket to the sums.
func (t *tallying) flush() {
	for group, n := range t.counts {
		if n.records == 0 {
			continue
		}
		p := storage.Point{Bucket: t.bucket, Group: t.texts[group], Count: n.records}
		if len(p.Group) == 0 {
			p.Group = nil
		}
		if t.aggregation.Bytes {
			p.Bytes = n.bytes
		}
		t.sums.addPoint(&p)
	}
	clear(t.counts)
}
