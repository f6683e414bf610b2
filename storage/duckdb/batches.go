package duckdb

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/duckdb/internal/engine"
)

var _ storage.Ledger = (*Store)(nil)

// Tenants implements storage.Ledger.
func (c *core) Tenants(ctx context.Context) ([]string, error) {
	var tenants []string
	err := c.ledger(ctx, 0, "SELECT DISTINCT tenant FROM (%s) WHERE rows > 0", nil, func(chunk engine.Chunk) {
		for row := range chunk.Len {
			tenants = append(tenants, chunk.Texts(0).At(row))
		}
	})
	slices.Sort(tenants)
	return tenants, err
}

// Entries implements storage.Ledger.
func (c *core) Entries(ctx context.Context, tenant string, after uint64, limit int) ([]storage.LedgerEntry, error) {
	var entries []storage.LedgerEntry
	sql := fmt.Sprintf("SELECT batch_seq, batch_id, rows, payload FROM (%%s) WHERE batch_seq > $1 AND batch_seq <= $2 AND tenant = $3 AND rows > 0 ORDER BY batch_seq LIMIT %d", limit)
	head := c.partitions.head() // a batch behind it may come after one that is read now
	err := c.ledger(ctx, after, sql, []any{after, head, tenant}, func(chunk engine.Chunk) {
		seqs, ids, rows := engine.Column[uint64](chunk, 0), chunk.UUIDs(1), engine.Column[uint32](chunk, 2)
		payloads := chunk.UUIDs(3)
		for row := range chunk.Len {
			entries = append(entries, storage.LedgerEntry{
				Seq: seqs[row], ID: uuid.UUID(ids.At(row)), Rows: uint64(rows[row]), Payload: storage.Fingerprint(payloads.At(row)),
			})
		}
	})
	return entries, err
}

// Stored implements storage.Ledger.
func (c *core) Stored(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]uint64, error) {
	ask := make([]engine.UUID, len(ids))
	for i, id := range ids {
		ask[i] = engine.UUID(id)
	}
	stored := make(map[uuid.UUID]uint64, len(ids))
	err := c.ledger(ctx, 0, "SELECT batch_id, rows FROM (%s) WHERE batch_id IN (SELECT unnest($1))", []any{ask}, func(chunk engine.Chunk) {
		found, rows := chunk.UUIDs(0), engine.Column[uint32](chunk, 1)
		for row := range chunk.Len {
			stored[uuid.UUID(found.At(row))] = uint64(rows[row])
		}
	})
	return stored, err
}

// ledger runs a query over the ledgers of the partitions that may have batches after a sequence; sql has a %s for them.
func (c *core) ledger(ctx context.Context, after uint64, sql string, args []any, scan func(engine.Chunk)) error {
	keep := func(p *sums) bool { return p.batches > 0 && p.lastSeq > after }
	err := c.reading(ctx, keep, func(conn *engine.Conn, parts []held) error {
		if len(parts) == 0 {
			return nil
		}
		var b statement
		unionAll(&b, parts, batchesTable)
		result, err := conn.Query(ctx, fmt.Sprintf(sql, b.String()), args...)
		if err != nil {
			return err
		}
		defer result.Close()
		for chunk, ok := result.Next(); ok; chunk, ok = result.Next() {
			scan(chunk)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the ledger: %w", err)
	}
	return nil
}
