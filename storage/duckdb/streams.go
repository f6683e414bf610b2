package duckdb

import (
	"context"
	"fmt"
	"iter"
	"math"
	"slices"
	"sync"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/duckdb/internal/engine"
)

// streamPage is how many streams one statement reads.
const streamPage = 1000

// Streams implements storage.Reader.
func (c *core) Streams(
	ctx context.Context, tenant string, start, end pcommon.Timestamp,
) iter.Seq2[storage.Stream, error] {
	return func(yield func(storage.Stream, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(storage.Stream{}, err)
			return
		}
		last, ok := lastNano(&storage.Query{Start: start, End: end})
		if !ok {
			return
		}
		for s, err := range c.allStreams(ctx, tenant) {
			if err != nil {
				yield(storage.Stream{}, fmt.Errorf("read streams: %w", err))
				return
			}
			if uint64(s.Last) >= uint64(start) && uint64(s.First) <= last && !yield(*s, nil) {
				return
			}
		}
	}
}

// allStreams yields all streams of a tenant in the order of id, from memory if they are there and few enough.
func (c *core) allStreams(ctx context.Context, tenant string) iter.Seq2[*storage.Stream, error] {
	return func(yield func(*storage.Stream, error) bool) {
		known, version := c.known.streams(tenant)
		for _, s := range known {
			if !yield(s, nil) {
				return
			}
		}
		if known != nil {
			return
		}
		read, few := []*storage.Stream{}, true
		for from := uint64(0); ; {
			page, err := c.streamPage(ctx, tenant, "id >= $2", from)
			if err != nil {
				yield(nil, err)
				return
			}
			if few = few && len(read)+len(page) <= maxRememberedStreams; few {
				read = append(read, page...)
			}
			whole := len(page) < streamPage || page[len(page)-1].ID == math.MaxUint64
			if whole && few {
				c.known.keepStreams(tenant, version, read)
			}
			for _, s := range page {
				if !yield(s, nil) {
					return
				}
			}
			if whole {
				return
			}
			from = page[len(page)-1].ID + 1
		}
	}
}

func (c *core) streamPage(ctx context.Context, tenant, having string, args ...any) (page []*storage.Stream, err error) {
	err = c.reading(ctx, func(*sums) bool { return true }, func(conn *engine.Conn, parts []held) (err error) {
		page, err = queryStreams(ctx, conn, parts, having, append([]any{tenant}, args...)...)
		return err
	})
	return page, err
}

// queryStreams reads the streams of the tenant $1 that match having, in the order of id, at most streamPage. Partitions
// describe a stream each for itself, and may do it twice.
func queryStreams(ctx context.Context, conn *engine.Conn, parts []held, having string, args ...any) ([]*storage.Stream, error) {
	var b statement
	b.addf("WITH spans AS (SELECT id, min(first) AS first, max(last) AS last FROM (")
	unionAll(&b, parts, spansTable)
	b.addf(") WHERE tenant = $1 GROUP BY id HAVING %s ORDER BY id LIMIT %d) SELECT DISTINCT ON (id) ", having, streamPage)
	for _, column := range streamColumns {
		b.addf("%s, ", column.name)
	}
	b.addf("first, last FROM (")
	unionAll(&b, parts, streamsTable)
	b.addf(") JOIN spans USING (id) ORDER BY id")
	result, err := conn.Query(ctx, b.String(), args...)
	if err != nil {
		return nil, err
	}
	defer result.Close()
	var streams []*storage.Stream
	for chunk, ok := result.Next(); ok; chunk, ok = result.Next() {
		streams = scanStreams(streams, chunk)
	}
	return streams, nil
}

func unionAll(b *statement, parts []held, table string) {
	for i, p := range parts {
		if i > 0 {
			b.WriteString(" UNION ALL ")
		}
		b.addf("SELECT * FROM %s.%s", p.name, table)
	}
}

func scanStreams(streams []*storage.Stream, c engine.Chunk) []*storage.Stream {
	text := func(column, row int) string { return c.Texts(column).At(row) }
	for i := range c.Len {
		streams = append(streams, &storage.Stream{
			ID: engine.Column[uint64](c, 0)[i], Tenant: text(1, i), Service: text(2, i),
			Resource: text(3, i), ResourceDropped: engine.Column[uint32](c, 4)[i], ResourceSchemaURL: text(5, i),
			ScopeName: text(6, i), ScopeVersion: text(7, i), Scope: text(8, i), ScopeDropped: engine.Column[uint32](c, 9)[i],
			ScopeSchemaURL: text(10, i),
			First:          pcommon.Timestamp(engine.Column[uint64](c, 11)[i]), Last: pcommon.Timestamp(engine.Column[uint64](c, 12)[i]),
		})
	}
	return streams
}

// streamCache keeps the streams that records were lately read with.
type streamCache struct {
	mu   sync.Mutex
	byID map[uint64]*storage.Stream
}

const maxCachedStreams = 16 << 10

// findStreams returns the streams with these ids, from the cache or the catalogue. Their First and Last are of the time of
// reading them.
func (c *core) findStreams(ctx context.Context, conn *engine.Conn, tenant string, ids []uint64) (map[uint64]*storage.Stream, error) {
	found := map[uint64]*storage.Stream{}
	missing := c.streams.lookup(ids, found)
	for page := range slices.Chunk(missing, streamPage) {
		held := c.partitions.hold(func(*sums) bool { return true })
		streams, err := queryStreams(ctx, conn, held, "id IN (SELECT unnest($2))", tenant, page)
		c.partitions.release(held)
		if err != nil {
			return nil, err
		}
		if len(streams) < len(page) {
			return nil, fmt.Errorf("the catalogue lacks a stream that records have (%d of %d found)", len(streams), len(page))
		}
		c.streams.keep(streams)
		for _, s := range streams {
			found[s.ID] = s
		}
	}
	return found, nil
}

// lookup fills found from the cache and returns the ids that are not there.
func (s *streamCache) lookup(ids []uint64, found map[uint64]*storage.Stream) (missing []uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		if _, ok := found[id]; ok {
			continue
		}
		stream := s.byID[id]
		found[id] = stream
		if stream == nil {
			missing = append(missing, id)
		}
	}
	return missing
}

func (s *streamCache) keep(streams []*storage.Stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID == nil || len(s.byID)+len(streams) > maxCachedStreams {
		s.byID = map[uint64]*storage.Stream{}
	}
	for _, stream := range streams {
		s.byID[stream.ID] = stream
	}
}
