package storage

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// StreamSlack is how far Stream.First and Stream.Last may lie outside the stream's records.
const StreamSlack = 10 * time.Minute

// ErrNotFound is returned by Get for an id that is not (or no longer) stored.
var ErrNotFound = errors.New("no such record")

// MemoryError says that a query needs more memory than the store gives to queries.
type MemoryError struct {
	Setting string // of the store, that raises it
	MiB     int    // what it is now
	Err     error
}

func (e *MemoryError) Error() string {
	return fmt.Sprintf("the query needs more memory than the %d MiB of %s", e.MiB, e.Setting)
}

func (e *MemoryError) Unwrap() error { return e.Err }

// Reader answers questions about what is stored. All methods are safe for concurrent use, stop soon after ctx ends, and
// see every batch whose Write returned before the call.
//
// Iterators yield an error at most once, as their last element. A consumer may stop early; the query then stops too.
type Reader interface {
	// Search yields the records that match, in Position order (ascending or descending by q.Direction), in constant
	// memory whatever the size of the result.
	Search(ctx context.Context, q Query) iter.Seq2[Record, error]

	// Aggregate yields one Point for each bucket and group that has records, ordered by bucket, then by group values.
	Aggregate(ctx context.Context, a Aggregation) iter.Seq2[Point, error]

	// Streams yields each stream of the tenant that may have records in [start, end), in the order of ID. It reads the
	// catalogue, not the records.
	Streams(ctx context.Context, tenant string, start, end pcommon.Timestamp) iter.Seq2[Stream, error]

	// Fields lists the record attributes seen in the tenant's logs: of one service, or of all when service is "". Ordered
	// by name, then type. It reads the catalogue, not the records.
	Fields(ctx context.Context, tenant, service string) ([]Field, error)

	// Tail yields every record of the tenant's matching q committed after batch sequence from, once, in commit order,
	// waiting for more until ctx ends (then the last element is ctx.Err()). q's Limit, After and Direction do not apply. To
	// resume, pass the Batch of the last record whose batch was seen whole.
	Tail(ctx context.Context, q Query, from uint64) iter.Seq2[Record, error]

	// Batches is a tail that ends: it yields the records matching q behind after up to the end of batch to, once, in commit
	// order. What retention has dropped is missing. To read what a tail would have given up to some record, pass the Batch of
	// that record as to; other numbers need Head, as batches are not always committed in the order of their sequences.
	Batches(ctx context.Context, q Query, after ID, to uint64) iter.Seq2[Record, error]

	// Head is where a tail of "from now on" starts: every batch that is committed after it returns has a greater sequence.
	Head(ctx context.Context) (uint64, error)

	// Get returns the record with this id if it belongs to the tenant, else an error that is ErrNotFound.
	Get(ctx context.Context, tenant string, id ID) (Record, error)

	// Stats sums up what is stored, over all tenants.
	Stats(ctx context.Context) (Stats, error)
}

// Stats describes a store. Numbers come from the ledger; they cost no scan.
type Stats struct {
	Records   uint64
	Batches   uint64
	Bytes     uint64 // on disk, with indexes and write-ahead logs
	LastBatch uint64 // the newest ledger sequence
	MinTime   pcommon.Timestamp
	MaxTime   pcommon.Timestamp
}
