package postgres

import "encoding/binary"

// partExtent is the times that a partition or chunk has, in µs since 2000, and when it was made, as far as that is known.
type partExtent struct{ from, to, made int64 }

// A plain partition's making takes back the tallies of older batches (makeDay), so when that was does not matter.
const plainExtents = `SELECT day, day + interval '1 day', '-infinity'::timestamptz FROM
	(SELECT to_timestamp(right(c.relname, 8), 'YYYYMMDD') AS day FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
		WHERE i.inhparent = 'logs'::regclass) AS days WHERE day + interval '1 day' > $1::timestamptz AND day <= $2::timestamptz ORDER BY 1`

// The column chunk_creation_time is not in all versions.
const chunkExtents = `SELECT range_start, range_end, coalesce((to_jsonb(c) ->> 'chunk_creation_time')::timestamptz, '-infinity')
	FROM timescaledb_information.chunks c WHERE hypertable_name = 'logs'
		AND hypertable_schema = (SELECT nspname FROM pg_class r JOIN pg_namespace n ON n.oid = r.relnamespace WHERE r.oid = 'logs'::regclass)
		AND range_end > $1::timestamptz AND range_start <= $2::timestamptz ORDER BY 1`

// extents gives the partitions that can have records between two times, both included, in the order of time.
func (s *Store) extents(r *reading, low, high int64) (parts []partExtent, err error) {
	sql := plainExtents
	if s.schema.Layout.hypertable() {
		sql = chunkExtents
	}
	return parts, readRows(r.conn.ExecParams(r.ctx, sql, [][]byte{timestamp(low), timestamp(high)}, nil, nil, []int16{1}), func(v [][]byte) error {
		parts = append(parts, partExtent{int64(binary.BigEndian.Uint64(v[0])), int64(binary.BigEndian.Uint64(v[1])), int64(binary.BigEndian.Uint64(v[2]))})
		return nil
	})
}

// lock keeps the partitions between two times, both included, from being dropped until the question is answered. Planning a
// statement does.
func (r *reading) lock(low, high int64) error {
	const sql = "EXPLAIN (COSTS OFF) SELECT FROM logs WHERE time >= $1::timestamptz AND time <= $2::timestamptz"
	_, err := r.conn.ExecParams(r.ctx, sql, [][]byte{timestamp(low), timestamp(high)}, nil, nil, nil).Close()
	return err
}
