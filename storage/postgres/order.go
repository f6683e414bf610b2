package postgres

import (
	"cmp"
	"slices"
)

// place is a row of one of several batches.
type place struct{ batch, row int32 }

// columnOrder is the order in which the columnstore keeps rows: by service and tenant, then by time. TimescaleDB would sort
// what it compresses by itself, row by row through its tuples; here only numbers are compared.
func columnOrder(batches []*copying) []place {
	type sortable struct {
		time    uint64
		segment int32
		place
	}
	segments := map[[2]string]int32{}
	var rows []sortable
	for b, c := range batches {
		bySegment := make(map[uint64]int32, len(c.services))
		for stream, service := range c.services {
			name := [2]string{service, c.tenant}
			n, ok := segments[name]
			if !ok {
				n = int32(len(segments))
				segments[name] = n
			}
			bySegment[stream] = n
		}
		rows = slices.Grow(rows, c.rows.Len())
		last, segment := uint64(0), int32(-1)
		for i, stream := range c.rows.Stream {
			if segment < 0 || stream != last {
				last, segment = stream, bySegment[stream]
			}
			rows = append(rows, sortable{c.rows.Time[i], segment, place{int32(b), int32(i)}})
		}
	}
	slices.SortFunc(rows, func(a, b sortable) int {
		if a.segment != b.segment {
			return cmp.Compare(a.segment, b.segment)
		}
		if a.time != b.time {
			return cmp.Compare(a.time, b.time)
		}
		return cmp.Or(cmp.Compare(a.batch, b.batch), cmp.Compare(a.row, b.row))
	})
	order := make([]place, len(rows))
	for i := range rows {
		order[i] = rows[i].place
	}
	return order
}
