package lokiapi

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/logql"
	"github.com/instantdevlogs/devlogs/storage"
)

const (
	// What queries get that don't say it, as in Loki.
	defaultLimit  = 100
	defaultSince  = time.Hour
	labelsSince   = 6 * time.Hour
	defaultPoints = 250 // steps of a range query without a step
)

// form reads a request's parameters. It keeps the first error, so that endpoints read all they need and then ask for err
// once. Parameters that nobody asks for are passed over, as Loki does: clients send what other versions know.
type form struct {
	values url.Values
	limits *Limits
	now    time.Time
	first  error
}

func newForm(r *Request) *form {
	f := &form{limits: r.Limits, now: r.Started}
	var err error
	if f.values, err = url.ParseQuery(r.HTTP.URL.RawQuery); err != nil {
		f.fail("the parameters can't be read: %v", err)
	}
	for name, values := range f.values {
		for _, v := range values {
			if !utf8.ValidString(v) || !utf8.ValidString(name) {
				f.fail("the parameter %q is not UTF-8", name)
			}
		}
	}
	return f
}

func (f *form) fail(format string, args ...any) {
	if f.first == nil {
		f.first = &BadRequest{fmt.Sprintf(format, args...)}
	}
}

func (f *form) refuse(err error) {
	if f.first == nil {
		f.first = err
	}
}

func (f *form) err() error { return f.first }

func (f *form) text(name string) string { return f.values.Get(name) }

// time reads a point in time; absent is what it is when not given.
func (f *form) time(name string, absent time.Time) time.Time {
	s := f.text(name)
	if s == "" {
		return absent
	}
	t, err := parseTime(s)
	if err != nil {
		f.fail("%v", err)
		return absent
	}
	return t
}

// span is a range of time: Start <= time < End.
type span struct{ Start, End pcommon.Timestamp }

// span reads start, end and since. An end in the future does not move the start that since gives.
func (f *form) span(since time.Duration) span {
	end := f.time("end", f.now)
	if s := f.text("since"); s != "" {
		d, err := parseDuration(s)
		if err != nil {
			f.fail("could not parse 'since' parameter: %v", err)
		}
		since = d
	}
	from := end
	if from.After(f.now) {
		from = f.now
	}
	start := f.time("start", from.Add(-since))
	if !end.After(start) && f.first == nil {
		f.fail("end timestamp must not be before or equal to start time")
	}
	t := span{stamp(start), stamp(end)}
	if most := f.limits.MaxRange; most > 0 && uint64(t.End-t.Start) > uint64(most) {
		f.refuse(&TooMuch{"max_range", fmt.Sprintf("the query time range exceeds the limit (query length: %s, limit: %s)",
			end.Sub(start), most)})
	}
	return t
}

// stamp is a time as stores have it: nothing is before 1970.
func stamp(t time.Time) pcommon.Timestamp {
	if t.Unix() < 0 {
		return 0
	}
	return pcommon.Timestamp(uint64(t.Unix())*1e9 + uint64(t.Nanosecond()))
}

// count reads a whole number above zero.
func (f *form) count(name string, absent int) int {
	s := f.text(name)
	if s == "" {
		return absent
	}
	n, err := strconv.ParseInt(s, 10, 32)
	switch {
	case err != nil:
		f.fail("%s: a whole number, got %q", name, s)
	case n <= 0:
		f.fail("%s must be a positive value", name)
	}
	return max(1, int(n))
}

// limit reads how many entries to give.
func (f *form) limit() int {
	n := f.count("limit", min(defaultLimit, f.limits.MaxRows))
	if n > f.limits.MaxRows {
		f.refuse(&TooMuch{"max_rows", fmt.Sprintf("max entries limit per query exceeded, limit > max_entries_limit_per_query (%d > %d)",
			n, f.limits.MaxRows)})
	}
	return n
}

func (f *form) direction() storage.Direction {
	switch s := f.text("direction"); strings.ToLower(s) {
	case "", "backward":
		return storage.NewestFirst
	case "forward":
		return storage.OldestFirst
	default:
		f.fail("invalid direction %q: expected forward or backward", s)
		return storage.NewestFirst
	}
}

// step reads the distance of a range query's times.
func (f *form) step(t span) time.Duration {
	s := f.text("step")
	if s == "" {
		return time.Duration(max(1, uint64(t.End-t.Start)/1e9/defaultPoints)) * time.Second
	}
	step, err := parseDuration(s)
	if err != nil {
		f.fail("%v", err)
		return time.Second
	}
	if step <= 0 {
		f.fail("zero or negative query resolution step widths are not accepted. Try a positive integer")
		return time.Second
	}
	return step
}

// interval reads the least distance between the entries of an answer; 0: none.
func (f *form) interval() time.Duration {
	s := f.text("interval")
	if s == "" {
		return 0
	}
	d, err := parseDuration(s)
	if err != nil {
		f.fail("%v", err)
	}
	if d < 0 {
		f.fail("interval must be >= 0")
	}
	return d
}

// query reads any query.
func (f *form) query() logql.Expr {
	if f.first != nil {
		return nil
	}
	expr, err := logql.Parse(f.text("query"))
	if err != nil {
		f.refuse(err)
	}
	return expr
}

// logQuery reads a query that gives entries.
func (f *form) logQuery() *logql.LogQuery {
	if f.first != nil {
		return nil
	}
	q, err := logql.ParseLog(f.text("query"))
	if err != nil {
		f.refuse(err)
	}
	return q
}

// selector reads query as a selector; nothing, or {}, selects all.
func (f *form) selector(text string) logql.Selector {
	if text == "" || f.first != nil {
		return logql.Selector{}
	}
	s, err := logql.ParseSelector(text)
	if err != nil {
		f.refuse(err)
	}
	return s
}
