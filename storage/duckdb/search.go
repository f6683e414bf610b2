package duckdb

import (
	"context"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/duckdb/internal/engine"
)

// chunkRecords is how many records one statement of a search returns at most: what bounds its memory. DuckDB sorts all of a
// window to find more than 5,000, and keeps no more than it returns to find fewer.
const chunkRecords = 5000

// Search implements storage.Reader. It goes through windows of time, newest or oldest first, each one statement. A window
// that holds few matches makes the next one wider, many narrower, so that the newest hundred records read little, a rare
// word reads everything in a few statements, and an export of everything never sorts more than a window.
func (c *core) Search(ctx context.Context, q storage.Query) iter.Seq2[storage.Record, error] {
	return func(yield func(storage.Record, error) bool) {
		s := search{core: c, query: q}
		if err := s.run(ctx, yield); err != nil {
			yield(storage.Record{}, err)
		}
	}
}

type search struct {
	*core
	query storage.Query

	first, last uint64            // what is still to be searched, both ends included
	after       *storage.Position // continue after this record
	width       uint64            // of the next window
	left        int               // records that may still be yielded
}

func (s *search) run(ctx context.Context, yield func(storage.Record, error) bool) error {
	if !s.start() {
		return ctx.Err()
	}
	for s.left > 0 && s.first <= s.last {
		from, to := s.window()
		records, limit, err := s.read(ctx, from, to)
		if err != nil {
			return err
		}
		s.left -= len(records)
		if len(records) > 0 {
			p := records[len(records)-1].Position()
			s.after = &p
		}
		more := s.advance(from, to, records, limit)
		for i := range records {
			if !yield(records[i], nil) {
				s.pages.Add(page{records[i].Position(), s.query.Direction}, s.width)
				return nil
			}
		}
		if !more {
			return nil
		}
	}
	if s.left == 0 {
		s.pages.Add(page{*s.after, s.query.Direction}, s.width)
	}
	return nil
}

// page is where a search ended before its end. Another may go on there.
type page struct {
	last      storage.Position
	direction storage.Direction
}

// rememberedPages is for how many pages the width of the window at their end is known.
const rememberedPages = 1024

// start sets the range to be searched from the query and from what is stored; false when nothing can match.
func (s *search) start() bool {
	q := &s.query
	last, ok := lastNano(q)
	if !ok {
		return false
	}
	s.first, s.last, s.after, s.left = uint64(q.Start), last, q.After, math.MaxInt
	if q.Limit > 0 {
		s.left = q.Limit
	}
	if s.after != nil && q.Direction == storage.OldestFirst {
		s.first = max(s.first, uint64(s.after.Time))
	} else if s.after != nil {
		s.last = min(s.last, uint64(s.after.Time))
	}
	stored := rangeOf(s.partitions.snapshot(), q.Tenant, s.first, s.last)
	if stored.rows == 0 {
		return false
	}
	s.first, s.last = max(s.first, stored.minTime), min(s.last, stored.maxTime)
	if s.after != nil {
		if width, ok := s.pages.Get(page{*s.after, q.Direction}); ok {
			s.width = width
			return s.first <= s.last
		}
	}
	// As if records lay evenly: a window of as many as are wanted. With a condition, few of them may match. Less than a row
	// group would not read less.
	wanted := uint64(min(s.left, chunkRecords/2)) * 2
	switch {
	case namesID(q.Where):
		wanted = stored.rows
	case q.Where != nil:
		wanted *= 16
	}
	share := float64(max(wanted, rowGroup)) / float64(stored.rows)
	s.width = uint64(min(share*float64(stored.maxTime-stored.minTime)+1, math.MaxUint64/2))
	return s.first <= s.last
}

// namesID tells whether a condition asks for one trace or span, of which there are few records: all of the range is then read
// at once.
func namesID(e storage.Expr) bool {
	switch e := e.(type) {
	case storage.And:
		return slices.ContainsFunc(e, namesID)
	case storage.Text:
		return e.Op == storage.TextEqual && e.Value != "" && (e.Field.Kind == storage.FieldTraceID || e.Field.Kind == storage.FieldSpanID)
	}
	return false
}

// rangeOf sums up the partitions that may have records of the tenant in a time range.
func rangeOf(all []sums, tenant string, first, last uint64) sums {
	total := sums{minTime: math.MaxUint64}
	for _, p := range all {
		if p.overlaps(tenant, first, last) {
			total.rows += p.rows
			total.minTime, total.maxTime = min(total.minTime, p.minTime), max(total.maxTime, p.maxTime)
		}
	}
	return total
}

// window is the next part of the range.
func (s *search) window() (from, to uint64) {
	if s.last-s.first < s.width {
		return s.first, s.last
	}
	if s.query.Direction == storage.OldestFirst {
		return s.first, s.first + s.width
	}
	return s.last - s.width, s.last
}

// advance takes what was read off the range and sets the width of the next window; false at the end of the range. records, at
// most limit, were in the window.
func (s *search) advance(from, to uint64, records []storage.Record, limit int) bool {
	n := len(records)
	if n == limit { // there may be more in the window: go on after the last record
		middle, last := uint64(records[n/2].Time), uint64(records[n-1].Time)
		half := max(middle, last) - min(middle, last)
		if s.query.Direction == storage.OldestFirst {
			s.first = last
		} else {
			s.last = last
		}
		// As if the next chunk lay as densely as the later half of these; the earlier half may have come from a sparse time.
		if s.width /= 2; half > 0 {
			s.width = min(s.width, half*2*uint64(max(chunkRecords/n, 1)))
		}
		s.width = max(s.width, 1)
		return true
	}
	switch {
	case n == 0:
		s.width = min(s.width, math.MaxUint64/128) * 64
	case 4*n < limit:
		s.width = min(s.width, math.MaxUint64/8) * 4
	}
	if s.query.Direction == storage.OldestFirst {
		s.first = to + 1
		return to != math.MaxUint64
	}
	s.last = from - 1
	return from != 0
}

// read returns the first records of a window, in order, at most limit.
func (s *search) read(ctx context.Context, from, to uint64) (records []storage.Record, limit int, err error) {
	limit = min(s.left, chunkRecords)
	q := &s.query
	keep := func(p *sums) bool { return p.overlaps(q.Tenant, from, to) }
	err = s.reading(ctx, keep, func(conn *engine.Conn, parts []held) error {
		if len(parts) == 0 {
			return nil
		}
		var b statement
		where, err := b.conditions(q.Where)
		if err != nil {
			return err
		}
		if s.after != nil {
			after := b.afterPosition(s.after, q.Direction)
			for i := range where {
				where[i].narrow(after)
			}
		}
		order := "DESC"
		if q.Direction == storage.OldestFirst {
			order = "ASC"
		}
		b.addf("SELECT * FROM ")
		b.fromLogs(parts, recordColumns, q.Tenant, where, from, to)
		b.addf(" ORDER BY time %s, batch_seq %s, row_no %s LIMIT %d", order, order, order, limit)
		records, err = s.queryRecords(ctx, conn, q.Tenant, b.String(), b.args...)
		return err
	})
	return records, limit, err
}

// afterPosition is the condition that a record comes after a position.
func (s *statement) afterPosition(after *storage.Position, direction storage.Direction) string {
	sign := "<"
	if direction == storage.OldestFirst {
		sign = ">"
	}
	time, batch, row := s.arg(uint64(after.Time)), s.arg(after.Batch), s.arg(uint64(after.Row))
	return fmt.Sprintf("time %[1]s %[2]s OR time = %[2]s AND (batch_seq %[1]s %[3]s OR batch_seq = %[3]s AND row_no %[1]s %[4]s)",
		sign, time, batch, row)
}
