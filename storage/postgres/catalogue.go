package postgres

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/storage"
)

// catalogue remembers what this process has put into log_streams and log_fields, so that it asks the database only about
// news. What it remembers it puts there again after catalogueFresh: maintenance deletes streams and fields that nobody has
// put for longer than catalogueStale, so none that a writer still believes in.
type catalogue struct {
	mu      sync.Mutex
	streams map[uint64]knownStream
	fields  map[uint64]time.Time
}

type knownStream struct {
	first, last pcommon.Timestamp // as the database has them, or within
	at          time.Time
}

const (
	catalogueFresh = time.Hour
	catalogueStale = 3 * time.Hour

	// maxKnown bounds the memory; beyond it everything is forgotten, and put again when it comes.
	maxKnown = 200_000

	// slack is by how much more than seen a stream's times are widened, so that a stream is not put with each batch.
	slack = storage.StreamSlack / 2
)

// news is what batches bring that the catalogue does not know.
type news struct {
	streams map[uint64]storage.Stream
	fields  map[uint64]namedField // by fieldID
}

type namedField struct {
	tenant string
	storage.Field
}

// news gathers what is new in all of the batches: a stream that each of them brings is put once, with the times of all.
func (c *catalogue) news(batches []storage.Batch, now time.Time) news {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := news{streams: map[uint64]storage.Stream{}, fields: map[uint64]namedField{}}
	for i := range batches {
		rows := batches[i].Rows
		for i := range rows.Streams {
			s := &rows.Streams[i]
			known, ok := c.streams[s.ID]
			if ok && s.First >= known.first && s.Last <= known.last && now.Sub(known.at) <= catalogueFresh {
				continue
			}
			wide := widened(s)
			if other, ok := n.streams[s.ID]; ok {
				wide.First, wide.Last = min(wide.First, other.First), max(wide.Last, other.Last)
			}
			n.streams[s.ID] = wide
		}
		for i := range rows.Fields {
			id := fieldID(rows.Tenant, &rows.Fields[i])
			if at, ok := c.fields[id]; !ok || now.Sub(at) > catalogueFresh {
				n.fields[id] = namedField{rows.Tenant, rows.Fields[i]}
			}
		}
	}
	return n
}

func widened(s *storage.Stream) storage.Stream {
	wide := *s
	wide.First -= min(wide.First, pcommon.Timestamp(slack))
	wide.Last += min(storage.EndOfTime-wide.Last, pcommon.Timestamp(slack))
	return wide
}

// learn notes that the database has them.
func (c *catalogue) learn(n news, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.streams == nil || len(c.streams)+len(c.fields) > maxKnown {
		c.streams, c.fields = map[uint64]knownStream{}, map[uint64]time.Time{}
	}
	for _, s := range n.streams {
		known := knownStream{first: s.First, last: s.Last, at: now}
		if before, ok := c.streams[s.ID]; ok {
			known.first, known.last = min(known.first, before.first), max(known.last, before.last)
		}
		c.streams[s.ID] = known
	}
	for id := range n.fields {
		c.fields[id] = now
	}
}

// fieldID is the key of a field in log_fields.
func fieldID(tenant string, f *storage.Field) uint64 {
	var h xxhash.Digest
	h.Reset()
	for _, s := range [...]string{tenant, f.Service, f.Path} {
		_, _ = h.WriteString(s)
		_, _ = h.Write([]byte{0xff}) // no part holds it: they are UTF-8
	}
	_, _ = h.Write([]byte{byte(f.Type)})
	return h.Sum64()
}

// putNews stores what is new in transactions of its own: a row of log_streams is then never locked for as long as a COPY
// takes, and is there before the records that need it. In order of the keys, so that two writers can't wait for each other.
func (s *Store) putNews(ctx context.Context, batches []storage.Batch) error {
	now := s.config.Now()
	n := s.catalogue.news(batches, now)
	if err := s.putStreams(ctx, n.streams); err != nil {
		return err
	}
	if err := s.putFields(ctx, n.fields); err != nil {
		return err
	}
	s.catalogue.learn(n, now)
	return nil
}

const insertStreams = `INSERT INTO log_streams (id, tenant, service, resource, resource_dropped, resource_schema_url,
	scope_name, scope_version, scope, scope_dropped, scope_schema_url, raw, first_time, last_time, seen_at)
SELECT *, now() FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[],
	$7::text[], $8::text[], $9::text[], $10::bigint[], $11::text[], $12::bytea[], $13::timestamptz[], $14::timestamptz[])
ON CONFLICT (id) DO UPDATE SET first_time = least(log_streams.first_time, excluded.first_time),
	last_time = greatest(log_streams.last_time, excluded.last_time), seen_at = excluded.seen_at`

// putPiece is how many rows one INSERT of the catalogue takes.
const putPiece = 1000

func (s *Store) putStreams(ctx context.Context, streams map[uint64]storage.Stream) error {
	for piece := range slices.Chunk(slices.Sorted(maps.Keys(streams)), putPiece) {
		var c streamColumns
		for _, id := range piece {
			stream := streams[id]
			c.add(&stream)
		}
		if err := s.exec(ctx, insertStreams, c.ids, c.tenants, c.services, c.resources, c.resourceDropped, c.resourceURLs,
			c.scopeNames, c.scopeVersions, c.scopes, c.scopeDropped, c.scopeURLs, c.raws, c.firsts, c.lasts); err != nil {
			return err
		}
	}
	return nil
}

// streamColumns are the arguments of insertStreams.
type streamColumns struct {
	ids, resourceDropped, scopeDropped                                                       []int64
	tenants, services, resources, resourceURLs, scopeNames, scopeVersions, scopes, scopeURLs []string
	raws                                                                                     [][]byte
	firsts, lasts                                                                            []time.Time
}

func (c *streamColumns) add(s *storage.Stream) {
	var raw []byte
	if exact := streamTexts(s); strings.ContainsRune(strings.Join(exact, ""), 0) {
		var err error
		if raw, err = json.Marshal(exact); err != nil {
			panic(err) // strings always marshal
		}
	}
	c.ids = append(c.ids, int64(s.ID))
	c.tenants = append(c.tenants, s.Tenant)
	c.services = append(c.services, withoutNUL(s.Service))
	c.resources = append(c.resources, s.Resource)
	c.resourceDropped = append(c.resourceDropped, int64(s.ResourceDropped))
	c.resourceURLs = append(c.resourceURLs, withoutNUL(s.ResourceSchemaURL))
	c.scopeNames = append(c.scopeNames, withoutNUL(s.ScopeName))
	c.scopeVersions = append(c.scopeVersions, withoutNUL(s.ScopeVersion))
	c.scopes = append(c.scopes, s.Scope)
	c.scopeDropped = append(c.scopeDropped, int64(s.ScopeDropped))
	c.scopeURLs = append(c.scopeURLs, withoutNUL(s.ScopeSchemaURL))
	c.raws = append(c.raws, raw)
	c.firsts = append(c.firsts, micros(s.First))
	c.lasts = append(c.lasts, microsUp(s.Last))
}

// streamTexts are the strings of a stream that may hold a NUL, in the order in which log_streams.raw has them.
func streamTexts(s *storage.Stream) []string {
	return []string{s.Service, s.ResourceSchemaURL, s.ScopeName, s.ScopeVersion, s.ScopeSchemaURL}
}

const insertFields = `INSERT INTO log_fields (id, tenant, service, path, name, type, seen_at)
SELECT *, now() FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::smallint[])
ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at`

func (s *Store) putFields(ctx context.Context, fields map[uint64]namedField) error {
	for piece := range slices.Chunk(slices.Sorted(maps.Keys(fields)), putPiece) {
		var ids []int64
		var tenants, services, paths, names []string
		var types []int16
		for _, id := range piece {
			f := fields[id]
			if strings.ContainsRune(f.Path, 0) {
				continue // PostgreSQL can't hold the name; the field can be queried, but is not listed
			}
			ids = append(ids, int64(id))
			tenants, services = append(tenants, f.tenant), append(services, withoutNUL(f.Service))
			paths, names, types = append(paths, f.Path), append(names, f.Name), append(types, int16(f.Type))
		}
		if err := s.exec(ctx, insertFields, ids, tenants, services, paths, names, types); err != nil {
			return err
		}
	}
	return nil
}

// exec runs one statement of the catalogue, again when it met another writer's.
func (s *Store) exec(ctx context.Context, sql string, args ...any) error {
	for attempt := 0; ; attempt++ {
		_, err := s.writers.Exec(ctx, sql, append([]any{pgx.QueryExecModeExec}, args...)...)
		if attempt == maxAttempts || !isTransient(err) {
			return err
		}
	}
}

// micros is a time without what PostgreSQL can't hold, microsUp the next that it can.
func micros(t pcommon.Timestamp) time.Time { return time.UnixMicro(int64(t / 1000)).UTC() }

func microsUp(t pcommon.Timestamp) time.Time {
	return time.UnixMicro(int64(t/1000 + min(t%1000, 1))).UTC()
}
