package postgres

import (
	"container/heap"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/instantdevlogs/devlogs/storage"
)

// reach goes over the ledger, away from where a search begins, and tells how far a number of records reaches. It takes the
// records of a batch as spread evenly over the batch's time, those of overlapping batches add up, and gaps are crossed for
// nothing. Only the speed of a search hangs on what it says.
type reach struct {
	reading   *reading
	direction storage.Direction
	origin    int64 // a time in µs: distances, in µs too, are from here

	at      int64    // the distance that was reached
	ahead   []extent // batches that begin farther away, the nearest first
	within  byEnd    // those that at is in
	density float64  // of within, in records a µs
	next    int64    // the time from which the ledger is to be read on
	over    bool     // it was read to its end
}

// extent is where the records of a batch are, as distances, both ends belonging to it.
type extent struct {
	near, far int64
	rows      float64
}

func (b extent) density() float64 { return b.rows / float64(b.far-b.near+1) }

// byEnd has the batch that ends first on top: there may be many that overlap.
type byEnd []extent

func (h byEnd) Len() int           { return len(h) }
func (h byEnd) Less(i, j int) bool { return h[i].far < h[j].far }
func (h byEnd) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *byEnd) Push(b any)        { *h = append(*h, b.(extent)) }
func (h *byEnd) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

const (
	reachPage   = 1000 // batches of the ledger read at a time
	endOfLedger = math.MaxInt64
)

// newReach begins between two times, both included, at the end where the search begins. It looks for batches that the
// beginning is in among the nearest only.
func newReach(r *reading, direction storage.Direction, low, high int64) (*reach, error) {
	sql := `SELECT min_time, max_time, rows FROM (SELECT * FROM log_batches WHERE rows > 0 AND max_time > $1::timestamptz
		ORDER BY max_time LIMIT %d) AS later WHERE min_time <= $1::timestamptz`
	a := &reach{reading: r, direction: direction, origin: high}
	after := high + 1
	if direction == storage.OldestFirst {
		sql = `SELECT min_time, max_time, rows FROM (SELECT * FROM log_batches WHERE rows > 0 AND min_time < $1::timestamptz
			ORDER BY min_time DESC LIMIT %d) AS earlier WHERE max_time >= $1::timestamptz`
		a.origin, after = low, low-1
	}
	err := r.each(fmt.Sprintf(sql, reachPage), [][]byte{timestamp(a.origin)}, func(v [][]byte) error {
		a.add(v)
		return nil
	})
	a.next = after
	return a, err
}

// past goes on for about so many records and returns the distance, which is greater than the last; endOfLedger when no
// batch is left.
func (r *reach) past(records float64) (int64, error) {
	for {
		if len(r.within) == 0 {
			if err := r.read(); err != nil {
				return 0, err
			}
			if len(r.ahead) == 0 {
				return endOfLedger, nil
			}
			r.at, r.density = max(r.at, r.ahead[0].near), 0
		}
		for len(r.ahead) > 0 && r.ahead[0].near <= r.at {
			heap.Push(&r.within, r.ahead[0])
			r.density += r.ahead[0].density()
			r.ahead = r.ahead[1:]
			if err := r.read(); err != nil {
				return 0, err
			}
		}
		end := r.within[0].far + 1
		if len(r.ahead) > 0 {
			end = min(end, r.ahead[0].near)
		}
		end = max(end, r.at) // never back, however the sums were rounded
		there := r.density * float64(end-r.at)
		if there >= records {
			r.at += max(1, int64(records/r.density))
			return r.at, nil
		}
		records -= there
		r.at = end
		for len(r.within) > 0 && r.within[0].far < r.at {
			r.density -= heap.Pop(&r.within).(extent).density()
		}
	}
}

// read fetches the next batches when none is left ahead.
func (r *reach) read() error {
	if len(r.ahead) > 0 || r.over {
		return nil
	}
	sql := "SELECT min_time, max_time, rows FROM log_batches WHERE rows > 0 AND max_time < $1::timestamptz ORDER BY max_time DESC LIMIT %d"
	if r.direction == storage.OldestFirst {
		sql = "SELECT min_time, max_time, rows FROM log_batches WHERE rows > 0 AND min_time > $1::timestamptz ORDER BY min_time LIMIT %d"
	}
	n := 0
	err := r.reading.each(fmt.Sprintf(sql, reachPage), [][]byte{timestamp(r.next)}, func(v [][]byte) error {
		n++
		r.add(v)
		return nil
	})
	r.over = n < reachPage
	return err
}

func (r *reach) add(v [][]byte) {
	from, to := int64(binary.BigEndian.Uint64(v[0])), int64(binary.BigEndian.Uint64(v[1]))
	b := extent{near: r.origin - to, far: r.origin - from, rows: float64(binary.BigEndian.Uint64(v[2]))}
	r.next = to
	if r.direction == storage.OldestFirst {
		b.near, b.far = from-r.origin, to-r.origin
		r.next = from
	}
	r.ahead = append(r.ahead, b)
}
