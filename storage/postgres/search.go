package postgres

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/storage"
)

// recordPage is how many records are held at a time, and pageBytes how much they take: a record may be as large as a request.
const (
	recordPage = 1000
	pageBytes  = 16 << 20
)

// Search implements storage.Reader. It goes through the time range in windows (window.go): an order over all of it would have
// to be sorted whole, and the newest records are found without touching the old ones.
func (s *Store) Search(ctx context.Context, q storage.Query) iter.Seq2[storage.Record, error] {
	return func(yield func(storage.Record, error) bool) {
		given := 0
		after := q.After
		give := func(r *storage.Record) error {
			if !yield(*r, nil) {
				return errStop
			}
			position := r.Position()
			after = &position
			if given++; given == q.Limit {
				return errStop
			}
			return ctx.Err()
		}
		for noRegex := false; ; {
			rest := q
			rest.After = after
			if q.Limit > 0 {
				rest.Limit = q.Limit - given
			}
			err := s.read(ctx, "search", func(r *reading) error {
				return s.search(r, &rest, noRegex, give)
			})
			if again := refusedRegex(err) && !noRegex; again || failedJSON(err) {
				noRegex = noRegex || again
				continue // from where it stopped
			}
			if err != nil {
				yield(storage.Record{}, err)
			}
			return
		}
	}
}

func (s *Store) search(r *reading, q *storage.Query, noRegex bool, give func(*storage.Record) error) error {
	low, high, ok := bounds(q)
	if !ok {
		return nil
	}
	survey, err := s.survey(r, q.Tenant, low, high)
	if err != nil {
		return err
	}
	h := &hunt{store: s, reading: r, query: q, survey: survey, noRegex: noRegex, give: give, matcher: storage.NewMatcher(q.Where)}
	if _, err := h.statement().where(q.Where); err != nil {
		return err // said before anything is looked for
	}
	return h.run(max(low, survey.low), min(high, survey.high))
}

// bounds are the first and the last microsecond that can have records of the query; false when none can.
func bounds(q *storage.Query) (low, high int64, ok bool) {
	if q.End == 0 || (q.Start >= q.End && q.End != storage.EndOfTime) {
		return 0, 0, false
	}
	low, high = toMicros(uint64(q.Start)), toMicros(uint64(lastNano(q)))
	if q.After != nil && q.Direction == storage.OldestFirst {
		low = max(low, toMicros(uint64(q.After.Time)))
	} else if q.After != nil {
		high = min(high, toMicros(uint64(q.After.Time)))
	}
	return low, high, low <= high
}

// lastNano is the last instant of the query's range.
func lastNano(q *storage.Query) pcommon.Timestamp {
	if q.End == storage.EndOfTime {
		return q.End
	}
	return q.End - 1
}

// survey is what the ledger knows beforehand of a time range.
type survey struct {
	low, high int64 // no records lie beyond these microseconds
	odd, far  bool  // whether there are rows with raw, and rows in logs_far
	wordless  bool  // whether there are rows whose words are not known
}

const surveySQL = `SELECT
	coalesce((SELECT min_time FROM log_batches WHERE rows > 0 ORDER BY min_time LIMIT 1), 'infinity'),
	coalesce((SELECT max_time FROM log_batches WHERE rows > 0 ORDER BY max_time DESC LIMIT 1), '-infinity'),
	EXISTS (SELECT FROM log_batches WHERE odd_rows > 0 AND tenant = $1::text AND max_time >= $2::timestamptz AND min_time <= $3::timestamptz),
	EXISTS (SELECT FROM log_batches WHERE far_rows > 0 AND max_time >= $2::timestamptz AND min_time <= $3::timestamptz),
	EXISTS (SELECT FROM log_batches WHERE rows > 0 AND wordless_rows IS DISTINCT FROM 0 AND tenant = $1::text AND max_time >= $2::timestamptz AND min_time <= $3::timestamptz)`

func (s *Store) survey(r *reading, tenant string, low, high int64) (v survey, err error) {
	args := [][]byte{[]byte(tenant), timestamp(low), timestamp(high)}
	return v, r.each(surveySQL, args, func(values [][]byte) error {
		v.low, v.high = int64(binary.BigEndian.Uint64(values[0])), int64(binary.BigEndian.Uint64(values[1]))
		v.odd, v.far, v.wordless = values[2][0] != 0, values[3][0] != 0, values[4][0] != 0
		return nil
	})
}

// timestamp writes microseconds since 2000 as a parameter.
func timestamp(micros int64) []byte {
	return time.UnixMicro(micros+microsTo2000).UTC().AppendFormat(nil, "2006-01-02 15:04:05.000000Z07:00")
}

// statement begins one about the range.
func (v *survey) statement(noRegex bool) *statement {
	return &statement{odd: v.odd, worded: !v.wordless, noRegex: noRegex}
}

// from is the table that the query reads.
func (v *survey) from() string {
	if v.far {
		return "(SELECT " + allColumns + " FROM logs UNION ALL SELECT " + allColumns + " FROM logs_far) AS logs"
	}
	return "logs"
}

// inRange writes the conditions on tenant and time, from one microsecond to another, both included, and the query's own
// nanoseconds at its ends.
func (s *statement) inRange(q *storage.Query, low, high int64) string {
	var b strings.Builder
	from, to := s.arg(string(timestamp(low)), "timestamptz"), s.arg(string(timestamp(high)), "timestamptz")
	fmt.Fprintf(&b, "tenant = %s AND time >= %s AND time <= %s", s.arg(q.Tenant, "text"), from, to)
	if nanos := q.Start % 1000; nanos > 0 && low == toMicros(uint64(q.Start)) {
		fmt.Fprintf(&b, " AND (time > %s OR time_ns >= %d)", from, nanos)
	}
	last := lastNano(q)
	if nanos := last % 1000; nanos < 999 && high == toMicros(uint64(last)) {
		fmt.Fprintf(&b, " AND (time < %s OR time_ns <= %d)", to, nanos)
	}
	return b.String()
}

// after writes the condition of a position.
func (s *statement) after(q *storage.Query) string {
	if q.After == nil {
		return ""
	}
	operator := map[storage.Direction]string{storage.NewestFirst: "<", storage.OldestFirst: ">"}[q.Direction]
	batch := min(q.After.Batch, 1<<63-1)
	return fmt.Sprintf(" AND (time, time_ns, batch_seq, row_no) %s (%s, %d, %s, %s)", operator,
		s.arg(string(timestamp(toMicros(uint64(q.After.Time)))), "timestamptz"), q.After.Time%1000,
		s.arg(strconv.FormatUint(batch, 10), "bigint"), s.arg(strconv.FormatUint(uint64(q.After.Row), 10), "bigint"))
}

func orderBy(direction storage.Direction) string {
	if direction == storage.NewestFirst {
		return " ORDER BY time DESC, time_ns DESC, batch_seq DESC, row_no DESC"
	}
	return " ORDER BY time, time_ns, batch_seq, row_no"
}
