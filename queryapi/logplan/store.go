package logplan

import (
	"context"
	"iter"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/storage"
)

// Store is what plans ask of a store, for the one tenant of the request. The methods are those of storage.Reader; the
// tenant in queries is for the implementation to fill in.
type Store interface {
	Search(ctx context.Context, q storage.Query) iter.Seq2[storage.Record, error]
	Aggregate(ctx context.Context, a storage.Aggregation) iter.Seq2[storage.Point, error]
	Streams(ctx context.Context, start, end pcommon.Timestamp) iter.Seq2[storage.Stream, error]
	Fields(ctx context.Context, service string) ([]storage.Field, error)
	// Tail leaves out the records of streams that streams refuses.
	Tail(ctx context.Context, q storage.Query, from uint64, streams func(*storage.Stream) bool) iter.Seq2[storage.Record, error]
}

// ForTenant is the Store of a reader and a tenant.
func ForTenant(reader storage.Reader, tenant string) Store { return tenantStore{reader, tenant} }

type tenantStore struct {
	reader storage.Reader
	tenant string
}

func (s tenantStore) Search(ctx context.Context, q storage.Query) iter.Seq2[storage.Record, error] {
	q.Tenant = s.tenant
	return s.reader.Search(ctx, q)
}

func (s tenantStore) Aggregate(ctx context.Context, a storage.Aggregation) iter.Seq2[storage.Point, error] {
	a.Tenant = s.tenant
	return s.reader.Aggregate(ctx, a)
}

func (s tenantStore) Streams(ctx context.Context, start, end pcommon.Timestamp) iter.Seq2[storage.Stream, error] {
	return s.reader.Streams(ctx, s.tenant, start, end)
}

func (s tenantStore) Fields(ctx context.Context, service string) ([]storage.Field, error) {
	return s.reader.Fields(ctx, s.tenant, service)
}

func (s tenantStore) Tail(
	ctx context.Context, q storage.Query, from uint64, streams func(*storage.Stream) bool,
) iter.Seq2[storage.Record, error] {
	q.Tenant = s.tenant
	return func(yield func(storage.Record, error) bool) {
		for record, err := range s.reader.Tail(ctx, q, from) {
			if (err != nil || streams(record.Stream)) && !yield(record, err) {
				return
			}
		}
	}
}
