package storage

import (
	"context"

	"github.com/google/uuid"
)

// LedgerEntry is one stored batch as the ledger knows it.
type LedgerEntry struct {
	Seq     uint64
	ID      uuid.UUID
	Rows    uint64 // never 0
	Payload Fingerprint
}

// Ledger lets whole batches be carried from one store to another under their own ids, so that carrying one twice stores it
// once. Both stores have it beside Reader and Writer. Safe for concurrent use.
type Ledger interface {
	// Tenants lists the tenants that have batches, in the order of their names' bytes.
	Tenants(ctx context.Context) ([]string, error)

	// Entries gives the tenant's next batches after sequence after, at most limit, in the order of Seq.
	Entries(ctx context.Context, tenant string, after uint64, limit int) ([]LedgerEntry, error)

	// Stored tells of each of these batches that is stored how many rows it has.
	Stored(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]uint64, error)
}
