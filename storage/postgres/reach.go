package postgres

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/instantdevlogs/devlogs/storage"
)

// reach goes over the ledger, away from where a search begins, and tells how far a number of records reaches. It takes the
// records of a batch as spread evenly over the batch's time, those of overlapping batches add up, and gaps are crossed for
// nothing. Only the speed of a search hangs on what it says.
type reach struct {
	reading   *reading
	direction storage.Direction
	origin    int64 // a time in µs: distances, in µs too, are from here

	at     int64    // the distance that was reached
	ahead  []extent // batches that begin farther away, the nearest first
	within []extent // those that at is in
	next   int64    // the time from which the ledger is to be read on
	over   bool     // it was read to its end
}

// extent is where the records of a batch are, as distances, both ends belonging to it.
type extent struct {
	near, far int64
	rows      float64
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

// past goes on for about so many records and returns the distance; endOfLedger when no batch is left.
func (r *reach) past(records float64) (int64, error) {
	for {
		if len(r.within) == 0 {
			if err := r.read(); err != nil {
				return 0, err
			}
			if len(r.ahead) == 0 {
				return endOfLedger, nil
			}
			r.at = max(r.at, r.ahead[0].near)
		}
		end, density := int64(math.MaxInt64), 0.0
		for len(r.ahead) > 0 && r.ahead[0].near <= r.at {
			r.within, r.ahead = append(r.within, r.ahead[0]), r.ahead[1:]
			if err := r.read(); err != nil {
				return 0, err
			}
		}
		if len(r.ahead) > 0 {
			end = r.ahead[0].near
		}
		for _, b := range r.within {
			density += b.rows / float64(b.far-b.near+1)
			end = min(end, b.far+1)
		}
		there := density * float64(end-r.at)
		if there >= records {
			r.at += max(1, int64(records/density))
			return r.at, nil
		}
		records -= there
		r.at = end
		r.within = slices.DeleteFunc(r.within, func(b extent) bool { return b.far < r.at })
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
