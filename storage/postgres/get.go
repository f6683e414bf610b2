package postgres

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/instantdevlogs/devlogs/storage"
)

// Get implements storage.Reader. The ledger knows the time of the batch, so that only a small part is read.
func (s *Store) Get(ctx context.Context, tenant string, id storage.ID) (storage.Record, error) {
	var found *storage.Record
	err := s.read(ctx, "get record", func(r *reading) error {
		var v survey
		known := false
		err := r.each(`SELECT min_time, max_time, far_rows > 0 FROM log_batches WHERE batch_seq = $1::bigint AND tenant = $2::text`,
			[][]byte{decimal(id.Batch), []byte(tenant)}, func(values [][]byte) error {
				known = true
				v.low, v.high = int64(binary.BigEndian.Uint64(values[0])), int64(binary.BigEndian.Uint64(values[1]))
				v.far = values[2][0] != 0
				return nil
			})
		if err != nil || !known {
			return err
		}
		q := &storage.Query{Tenant: tenant, End: storage.EndOfTime}
		st := &statement{}
		sql := fmt.Sprintf("SELECT %s FROM %s WHERE %s AND batch_seq = %s AND row_no = %s", readColumns, v.from(), st.inRange(q, v.low, v.high),
			st.arg(string(decimal(id.Batch)), "bigint"), st.arg(string(decimal(uint64(id.Row))), "bigint"))
		h := &hunt{store: s, reading: r, query: q, give: func(record *storage.Record) error {
			found = record
			return nil
		}}
		if err := r.each(sql, st.args, h.row); err != nil {
			return err
		}
		return h.turn(false)
	})
	switch {
	case err != nil:
		return storage.Record{}, err
	case found == nil:
		return storage.Record{}, fmt.Errorf("%s: %w", id, storage.ErrNotFound)
	}
	return *found, nil
}

// Stats implements storage.Reader. Bytes is the size of the database, with indexes; PostgreSQL keeps its write-ahead log for
// all databases together, and it is not counted.
func (s *Store) Stats(ctx context.Context) (stats storage.Stats, err error) {
	const sql = `SELECT coalesce(sum(rows), 0)::bigint, count(*) FILTER (WHERE rows > 0), coalesce(max(batch_seq), 0), pg_database_size(current_database())
		FROM log_batches`
	const low = `SELECT min_time, min_ns FROM log_batches WHERE rows > 0 ORDER BY min_time, min_ns LIMIT 1`
	const high = `SELECT max_time, max_ns FROM log_batches WHERE rows > 0 ORDER BY max_time DESC, max_ns DESC LIMIT 1`
	return stats, s.read(ctx, "sum up what is stored", func(r *reading) error {
		if err := r.each(sql, nil, func(v [][]byte) error {
			stats.Records, stats.Batches = binary.BigEndian.Uint64(v[0]), binary.BigEndian.Uint64(v[1])
			stats.LastBatch, stats.Bytes = binary.BigEndian.Uint64(v[2]), binary.BigEndian.Uint64(v[3])
			return nil
		}); err != nil {
			return err
		}
		if err := r.each(low, nil, func(v [][]byte) error {
			stats.MinTime = scanMicros(v[0], binary.BigEndian.Uint16(v[1]))
			return nil
		}); err != nil {
			return err
		}
		return r.each(high, nil, func(v [][]byte) error {
			stats.MaxTime = scanMicros(v[0], binary.BigEndian.Uint16(v[1]))
			return nil
		})
	})
}
