package postgres

import (
	"context"
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/instantdevlogs/devlogs/storage"
)

var _ storage.Ledger = (*Store)(nil)

// Tenants implements storage.Ledger.
func (s *Store) Tenants(ctx context.Context) (tenants []string, err error) {
	return tenants, s.read(ctx, "list tenants", func(r *reading) error {
		const sql = `SELECT tenant FROM (SELECT DISTINCT tenant FROM log_batches WHERE rows > 0) AS t ORDER BY tenant COLLATE "C"`
		return r.each(sql, nil, func(v [][]byte) error {
			tenants = append(tenants, string(v[0]))
			return nil
		})
	})
}

// Entries implements storage.Ledger. Of batches that are being stored now, a lower sequence may appear after a higher one.
func (s *Store) Entries(ctx context.Context, tenant string, after uint64, limit int) (entries []storage.LedgerEntry, err error) {
	return entries, s.read(ctx, "read the ledger", func(r *reading) error {
		sql := `SELECT batch_seq, batch_id, rows, payload FROM log_batches WHERE batch_seq > $1::bigint AND tenant = $2::text AND rows > 0
			ORDER BY batch_seq LIMIT ` + strconv.Itoa(limit)
		return r.each(sql, [][]byte{decimal(after), []byte(tenant)}, func(v [][]byte) error {
			entry := storage.LedgerEntry{Seq: binary.BigEndian.Uint64(v[0]), ID: uuid.UUID(v[1]), Rows: binary.BigEndian.Uint64(v[2])}
			copy(entry.Payload[:], v[3]) // nothing when it is NULL
			entries = append(entries, entry)
			return nil
		})
	})
}

// Stored implements storage.Ledger.
func (s *Store) Stored(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]uint64, error) {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = id.String()
	}
	rows := make(map[uuid.UUID]uint64, len(ids))
	return rows, s.read(ctx, "look batches up in the ledger", func(r *reading) error {
		const sql = `SELECT batch_id, rows FROM log_batches WHERE batch_id = ANY ($1::uuid[])`
		return r.each(sql, [][]byte{[]byte("{" + strings.Join(texts, ",") + "}")}, func(v [][]byte) error {
			rows[uuid.UUID(v[0])] = binary.BigEndian.Uint64(v[1])
			return nil
		})
	})
}
