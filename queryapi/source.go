package queryapi

import (
	"context"
	"iter"
	"slices"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/queryapi/livefeed"
	"github.com/instantdevlogs/devlogs/queryapi/logplan"
	"github.com/instantdevlogs/devlogs/storage"
)

// Source is the one door to the store: every read of every endpoint and language passes it. Here the tenant enters each
// question, limits on what may be asked are kept, and records are counted. A Source serves one request.
type Source struct {
	reader   storage.Reader
	feeds    *livefeed.Feeds // over reader
	tenant   string
	maxRange time.Duration // 0: no limit
	rows     uint64        // records that Search and Tail gave
}

var _ logplan.Store = (*Source)(nil)

// Search is storage.Reader's, for the request's tenant.
func (s *Source) Search(ctx context.Context, q storage.Query) iter.Seq2[storage.Record, error] {
	if err := s.admit(&q); err != nil {
		return failed[storage.Record](err)
	}
	return s.counted(ctx, s.reader.Search(ctx, q))
}

// Aggregate is storage.Reader's, for the request's tenant.
func (s *Source) Aggregate(ctx context.Context, a storage.Aggregation) iter.Seq2[storage.Point, error] {
	if err := s.admit(&a.Query); err != nil {
		return failed[storage.Point](err)
	}
	return s.reader.Aggregate(ctx, a)
}

// Streams yields the tenant's streams that may have records in [start, end).
func (s *Source) Streams(ctx context.Context, start, end pcommon.Timestamp) iter.Seq2[storage.Stream, error] {
	return s.reader.Streams(ctx, s.tenant, start, end)
}

// ServiceStreams matches the records of some services.
func (s *Source) ServiceStreams(ctx context.Context, r timeRange, services []string) (storage.InStreams, error) {
	var in storage.InStreams
	for stream, err := range s.Streams(ctx, r.Start, r.End) {
		if err != nil {
			return in, err
		}
		if slices.Contains(services, stream.Service) {
			in.IDs = append(in.IDs, stream.ID)
		}
	}
	return in, nil
}

// Fields lists the tenant's record attributes: of one service, or of all when service is "".
func (s *Source) Fields(ctx context.Context, service string) ([]storage.Field, error) {
	return s.reader.Fields(ctx, s.tenant, service)
}

// Tail is storage.Reader's, for the request's tenant, without the streams that streams refuses; nil: with all. All requests of
// a tenant share one tail of the store. The records are shared too: they are only read.
func (s *Source) Tail(
	ctx context.Context, q storage.Query, from uint64, streams func(*storage.Stream) bool,
) iter.Seq2[storage.Record, error] {
	q.Tenant = s.tenant
	return s.counted(ctx, s.feeds.Tail(ctx, livefeed.Query{Query: q, Streams: streams}, from))
}

// Head is where a tail of "from now on" starts: every batch that is committed later has a greater sequence.
func (s *Source) Head(ctx context.Context) (uint64, error) {
	return s.reader.Head(ctx)
}

// Get is storage.Reader's, for the request's tenant.
func (s *Source) Get(ctx context.Context, id storage.ID) (storage.Record, error) {
	return s.reader.Get(ctx, s.tenant, id)
}

// Stats sums up the store, over all tenants.
func (s *Source) Stats(ctx context.Context) (storage.Stats, error) { return s.reader.Stats(ctx) }

// admit puts the tenant into a question and refuses what is over the limits.
func (s *Source) admit(q *storage.Query) error {
	q.Tenant = s.tenant
	if asked := uint64(q.End - q.Start); s.maxRange > 0 && asked > uint64(s.maxRange) {
		return overLimit("max_range", "the time range is longer than %s", s.maxRange)
	}
	return nil
}

// counted counts records, and stops between two of them when ctx ends: a store that gives many at a time does not look in
// between, and what is done with each of them may take long.
func (s *Source) counted(ctx context.Context, records iter.Seq2[storage.Record, error]) iter.Seq2[storage.Record, error] {
	return func(yield func(storage.Record, error) bool) {
		for record, err := range records {
			if err == nil {
				s.rows++
				if err = ctx.Err(); err != nil {
					yield(storage.Record{}, err)
					return
				}
			}
			if !yield(record, err) {
				return
			}
		}
	}
}

func failed[T any](err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		yield(none, err)
	}
}
