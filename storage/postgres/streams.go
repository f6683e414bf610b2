package postgres

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"iter"
	"sync"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/storage"
)

// streams keeps the streams that records refer to. But for their times they never change.
type streams struct {
	mu    sync.Mutex
	known map[uint64]*storage.Stream
}

// maxStreams bounds how many are kept; beyond it all are forgotten and read again.
const maxStreams = 100_000

func (s *streams) get(id uint64) *storage.Stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[id]
}

func (s *streams) put(stream *storage.Stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil || len(s.known) >= maxStreams {
		s.known = map[uint64]*storage.Stream{}
	}
	s.known[stream.ID] = stream
}

const streamColumnList = `id, tenant, service, resource, resource_dropped, resource_schema_url, scope_name, scope_version, scope,
	scope_dropped, scope_schema_url, raw, first_time, last_time`

// scanStream reads a row of streamColumnList.
func scanStream(v [][]byte) (*storage.Stream, error) {
	s := &storage.Stream{
		ID: binary.BigEndian.Uint64(v[0]), Tenant: string(v[1]), Service: string(v[2]), Resource: string(v[3]),
		ResourceDropped: uint32(binary.BigEndian.Uint64(v[4])), ResourceSchemaURL: string(v[5]), ScopeName: string(v[6]),
		ScopeVersion: string(v[7]), Scope: string(v[8]), ScopeDropped: uint32(binary.BigEndian.Uint64(v[9])),
		ScopeSchemaURL: string(v[10]), First: scanMicros(v[12], 0), Last: scanMicros(v[13], 0),
	}
	if v[11] == nil {
		return s, nil
	}
	var exact []string
	if err := json.Unmarshal(v[11], &exact); err != nil || len(exact) != 5 {
		return nil, fmt.Errorf("read column raw of stream %d: it does not hold 5 texts", s.ID)
	}
	s.Service, s.ResourceSchemaURL, s.ScopeName, s.ScopeVersion, s.ScopeSchemaURL = exact[0], exact[1], exact[2], exact[3], exact[4]
	return s, nil
}

func scanMicros(v []byte, nanos uint16) pcommon.Timestamp {
	return fromMicros(int64(binary.BigEndian.Uint64(v)), nanos)
}

// resolve gives the streams of these ids. One that maintenance has deleted (its last records go at about the same time) is
// nameless.
func (s *Store) resolve(r *reading, tenant string, ids []uint64) (map[uint64]*storage.Stream, error) {
	found := make(map[uint64]*storage.Stream, len(ids))
	var missing []uint64
	for _, id := range ids {
		if _, done := found[id]; done {
			continue
		}
		stream := s.streams.get(id)
		if stream == nil {
			missing = append(missing, id)
			stream = &storage.Stream{ID: id, Tenant: tenant, Resource: "{}", Scope: "{}"}
		}
		found[id] = stream
	}
	if len(missing) == 0 {
		return found, nil
	}
	sql := "SELECT " + streamColumnList + " FROM log_streams WHERE id = ANY ($1::bigint[])"
	return found, r.each(sql, [][]byte{[]byte(bigints(missing))}, func(v [][]byte) error {
		stream, err := scanStream(v)
		if err == nil {
			s.streams.put(stream)
			found[stream.ID] = stream
		}
		return err
	})
}

// streamPage is how many streams are read at a time.
const streamPage = 500

// Streams implements storage.Reader.
func (s *Store) Streams(ctx context.Context, tenant string, start, end pcommon.Timestamp) iter.Seq2[storage.Stream, error] {
	return func(yield func(storage.Stream, error) bool) {
		if end == 0 {
			return
		}
		var page []*storage.Stream
		err := s.read(ctx, "list streams", func(r *reading) error {
			sql := "SELECT " + streamColumnList + ` FROM log_streams WHERE tenant = $1::text AND last_time >= $2::timestamptz
				AND first_time <= $3::timestamptz ORDER BY id < 0, id`
			args := [][]byte{[]byte(tenant), timestamp(toMicros(uint64(start))), timestamp(toMicros(uint64(end - 1)))}
			return r.pages(sql, args, streamPage, func(v [][]byte) error {
				stream, err := scanStream(v)
				page = append(page, stream)
				return err
			}, func() error {
				for _, stream := range page {
					if !yield(*stream, nil) {
						return errStop
					}
				}
				page = page[:0]
				return ctx.Err()
			})
		})
		if err != nil {
			yield(storage.Stream{}, err)
		}
	}
}

// Fields implements storage.Reader.
func (s *Store) Fields(ctx context.Context, tenant, service string) ([]storage.Field, error) {
	var fields []storage.Field
	err := s.read(ctx, "list fields", func(r *reading) error {
		sql := `SELECT service, name, path, type FROM log_fields WHERE tenant = $1::text AND ($2::text = '' OR service = $2::text)
			ORDER BY name COLLATE "C", type, path COLLATE "C", service COLLATE "C"`
		return r.each(sql, [][]byte{[]byte(tenant), []byte(service)}, func(v [][]byte) error {
			fields = append(fields, storage.Field{
				Service: string(v[0]), Name: string(v[1]), Path: string(v[2]), Type: storage.FieldType(v[3][1]),
			})
			return nil
		})
	})
	return fields, err
}
