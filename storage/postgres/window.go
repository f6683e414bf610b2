package postgres

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/instantdevlogs/devlogs/storage"
)

// A search goes from window to window of time. The first is as long as should hold enough, by the density of the newest
// batch. Each next one is longer when the last was quick and gave little, shorter when it gave much: sorting stays small, and
// a rare token over a month takes few statements. Where the ledger says that nothing is, the gap is crossed at once.
const (
	windowQuick = 100 * time.Millisecond
	windowSlow  = 500 * time.Millisecond
	windowMuch  = 50_000 // records
	windowGrow  = 8
	windowFirst = 20_000 // records, without a limit
	minWindow   = int64(1000)
	maxWindow   = int64(math.MaxInt64) / 4
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
}

func (h *hunt) statement() *statement { return &statement{odd: h.survey.odd, noRegex: h.noRegex} }

func (h *hunt) run(low, high int64) error {
	if low > high {
		return nil
	}
	first := h.firstWidth()
	width := first
	for {
		from, to := low, high
		if h.query.Direction == storage.NewestFirst && high-low >= width {
			from = high - width + 1
		} else if h.query.Direction == storage.OldestFirst && high-low >= width {
			to = low + width - 1
		}
		began, before := time.Now(), h.given
		if err := h.window(from, to); err != nil {
			return err
		}
		if from == low && to == high {
			return nil
		}
		if h.query.Direction == storage.NewestFirst {
			high = from - 1
		} else {
			low = to + 1
		}
		found, took := h.given-before, time.Since(began)
		switch {
		case found == 0:
			gap, err := h.gap(low, high)
			if err != nil {
				return err
			}
			if gap > width*windowGrow {
				// Nothing, or only batches that reach across, so one statement for all of it.
				if err := h.cross(&low, &high, gap); err != nil {
					return err
				}
				width = first
				if low > high {
					return nil
				}
				continue
			}
			width = min(width*windowGrow, maxWindow)
		case took < windowQuick && found < windowMuch/windowGrow:
			width = min(width*windowGrow, maxWindow)
		case took > windowSlow || found > windowMuch:
			width = max(width/2, minWindow)
		}
	}
}

// cross searches a gap and moves past it.
func (h *hunt) cross(low, high *int64, gap int64) error {
	if h.query.Direction == storage.NewestFirst {
		from := max(*low, *high-gap+1)
		err := h.window(from, *high)
		*high = from - 1
		return err
	}
	to := min(*high, *low+gap-1)
	err := h.window(*low, to)
	*low = to + 1
	return err
}

func (h *hunt) firstWidth() int64 {
	want := float64(windowFirst)
	if h.query.Limit > 0 {
		want = float64(2 * h.query.Limit)
	}
	if h.survey.density <= 0 {
		return int64(time.Second / time.Microsecond)
	}
	return int64(min(max(want/h.survey.density, float64(minWindow)), float64(time.Hour/time.Microsecond)))
}

// gap is how far the nearest end of a batch in the rest of the range is away.
func (h *hunt) gap(low, high int64) (int64, error) {
	sql := "SELECT max_time FROM log_batches WHERE rows > 0 AND max_time <= $1::timestamptz ORDER BY max_time DESC LIMIT 1"
	at := high
	if h.query.Direction == storage.OldestFirst {
		sql = "SELECT min_time FROM log_batches WHERE rows > 0 AND min_time >= $1::timestamptz ORDER BY min_time LIMIT 1"
		at = low
	}
	gap := high - low + 1
	return gap, h.reading.each(sql, [][]byte{timestamp(at)}, func(v [][]byte) error {
		t := int64(binary.BigEndian.Uint64(v[0]))
		gap = min(gap, max(at-t, t-at))
		return nil
	})
}

// window gives the records of a window.
func (h *hunt) window(from, to int64) error {
	s := h.statement()
	where := s.inRange(h.query, from, to) + s.after(h.query)
	c, err := s.where(h.query.Where)
	if err != nil {
		return err
	}
	sql := "SELECT " + columnList + " FROM " + h.survey.from() + " WHERE " + where
	if c.unsure {
		sql += " AND (" + c.sql + ") IS NOT FALSE"
	} else {
		sql += " AND (" + c.sql + ")"
	}
	sql += orderBy(h.query.Direction)
	turn := func() error { return h.turn(c.unsure) }
	left := h.query.Limit - h.given
	if h.query.Limit > 0 && !c.unsure {
		sql += fmt.Sprintf(" LIMIT %d", left)
		if left <= recordPage {
			if err := h.reading.each(sql, s.args, h.row); err != nil {
				return err
			}
			return turn()
		}
	}
	return h.reading.pages(sql, s.args, recordPage, h.row, turn)
}

func (h *hunt) row(values [][]byte) error {
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
