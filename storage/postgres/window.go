package postgres

import (
	"fmt"
	"time"

	"github.com/instantdevlogs/devlogs/storage"
)

// A search goes from window to window of time. The first is as long as the ledger says that it takes for enough records.
// Each next one reaches for more when the last was quick and gave little, for fewer when it gave much: sorting stays small,
// and a rare token over a month takes few statements, however the month was written.
const (
	windowQuick = 100 * time.Millisecond
	windowSlow  = 500 * time.Millisecond
	windowMuch  = 50_000 // records
	windowGrow  = 8
	windowFirst = 20_000 // records, without a limit
	windowLeast = 100    // records
)

// hunt is one search under way.
type hunt struct {
	store   *Store
	reading *reading
	query   *storage.Query
	survey  survey
	noRegex bool
	give    func(*storage.Record) error
	matcher *storage.Matcher

	scan    scan
	page    []storage.Record
	streams []uint64 // of the page's records
	given   int

	// Of statements with a LIMIT, which give their rows at once:
	bounded bool              // one runs: what goes beyond pageBytes is left out
	held    int               // bytes of the page
	cut     bool              // something was left out
	after   *storage.Position // of the last record before that; nil: as the query says
	most    int               // records of the next statement; 0: as many as are wanted
}

func (h *hunt) statement() *statement { return h.survey.statement(h.noRegex) }

func (h *hunt) run(low, high int64) error {
	if low > high {
		return nil
	}
	reach, err := newReach(h.reading, h.query.Direction, low, high)
	if err != nil {
		return err
	}
	records := float64(windowFirst)
	if h.query.Limit > 0 {
		records = float64(2 * h.query.Limit)
	}
	for done := int64(0); done <= high-low; {
		next, err := reach.past(records)
		if err != nil {
			return err
		}
		next = min(next, high-low+1)
		from, to := low+done, low+next-1
		if h.query.Direction == storage.NewestFirst {
			from, to = high-next+1, high-done
		}
		began, before := time.Now(), h.given
		if err := h.window(from, to); err != nil {
			return err
		}
		done = next
		found, took := h.given-before, time.Since(began)
		switch {
		case found == 0 || took < windowQuick && found < windowMuch/windowGrow:
			records *= windowGrow
		case took > windowSlow || found > windowMuch:
			records = max(records/2, windowLeast)
		}
	}
	return nil
}

// window gives the records of a window.
func (h *hunt) window(from, to int64) error {
	for {
		if more, err := h.part(from, to); err != nil || !more {
			return err
		}
	}
}

// part gives the records of a window, or as many as may be held at a time: then there are more.
func (h *hunt) part(from, to int64) (more bool, err error) {
	query := *h.query
	if h.after != nil {
		query.After = h.after
	}
	s := h.statement()
	where := s.inRange(&query, from, to) + s.after(&query)
	c, err := s.matching(query.Where)
	if err != nil {
		return false, err
	}
	sql := "SELECT " + readColumns + " FROM " + h.survey.from() + " WHERE " + where
	if c.unsure {
		sql += " AND (" + c.sql + ") IS NOT FALSE"
	} else {
		sql += " AND (" + c.sql + ")"
	}
	sql += orderBy(query.Direction)
	turn := func() error { return h.turn(c.unsure) }
	left := query.Limit - h.given
	if query.Limit > 0 && !c.unsure {
		if left <= recordPage {
			return h.limited(sql, s.args, left)
		}
		sql += fmt.Sprintf(" LIMIT %d", left)
	}
	return false, h.reading.pages(sql, s.args, recordPage, h.row, turn)
}

// limited gives up to a number of records by one statement without a cursor. What it gives beyond pageBytes is left out and asked
// for again, in smaller portions.
func (h *hunt) limited(sql string, args [][]byte, left int) (more bool, err error) {
	want := left
	if h.most > 0 {
		want = min(want, h.most)
	}
	h.bounded, h.held, h.cut = true, 0, false
	err = h.reading.each(sql+fmt.Sprintf(" LIMIT %d", want), args, h.row)
	h.bounded = false
	if err != nil {
		return false, err
	}
	n := len(h.page)
	if h.cut {
		h.most = 2 * n
	}
	h.after = nil
	if more = h.cut || n == want && want < left; more {
		last := h.page[n-1].Position()
		h.after = &last
	}
	return more, h.turn(false)
}

func (h *hunt) row(values [][]byte) error {
	if h.bounded {
		if h.cut = h.cut || h.held > pageBytes; h.cut {
			return nil
		}
		h.held += sizeOf(values)
	}
	if err := h.scan.row(values); err != nil {
		return err
	}
	h.page = append(h.page, h.scan.record)
	h.streams = append(h.streams, h.scan.stream)
	return nil
}

// turn gives the records of a page.
func (h *hunt) turn(unsure bool) error {
	defer func() { h.page, h.streams = h.page[:0], h.streams[:0] }()
	streams, err := h.store.resolve(h.reading, h.query.Tenant, h.streams)
	if err != nil {
		return err
	}
	for i := range h.page {
		r := &h.page[i]
		r.Stream = streams[h.streams[i]]
		if unsure {
			if ok, err := h.matcher.Matches(r); err != nil || !ok {
				if err != nil {
					return err
				}
				continue
			}
		}
		h.given++
		if err := h.give(r); err != nil {
			return err
		}
	}
	return nil
}
