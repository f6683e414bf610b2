package duckdb

import (
	"sync"

	"github.com/instantdevlogs/devlogs/storage"
)

// remembered keeps the streams and fields of tenants as they were last read, so that a query need not ask for them again. Only
// what this process does changes them: the lanes and retention forget everything, after the change and before anybody is
// told of it. What is kept was read in the version that it is kept with, or a later one.
type remembered struct {
	mu      sync.Mutex
	version uint64
	byName  map[string]*ofTenant
	size    int // streams and fields that are kept
}

// ofTenant is what is kept of one tenant; nil lists are not known. The lists are shared: they are only read.
type ofTenant struct {
	streams []*storage.Stream
	fields  []storage.Field
}

const (
	maxRememberedStreams = 16 << 10 // of one tenant
	maxRemembered        = 64 << 10 // streams and fields of all
)

// forget is called after each change of the catalogue.
func (r *remembered) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.version++
	r.byName, r.size = nil, 0
}

// streams returns a tenant's streams in the order of id, nil when they have to be read, and the version to keep them with.
func (r *remembered) streams(tenant string) ([]*storage.Stream, uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if known := r.byName[tenant]; known != nil {
		return known.streams, r.version
	}
	return nil, r.version
}

func (r *remembered) fields(tenant string) ([]storage.Field, uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if known := r.byName[tenant]; known != nil {
		return known.fields, r.version
	}
	return nil, r.version
}

func (r *remembered) keepStreams(tenant string, version uint64, list []*storage.Stream) {
	r.keep(tenant, version, len(list), func(t *ofTenant) { t.streams = list })
}

func (r *remembered) keepFields(tenant string, version uint64, list []storage.Field) {
	r.keep(tenant, version, len(list), func(t *ofTenant) { t.fields = list })
}

// keep remembers a list unless the catalogue has changed since version.
func (r *remembered) keep(tenant string, version uint64, size int, set func(*ofTenant)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if version != r.version || size > maxRemembered {
		return
	}
	if r.byName == nil || r.size+size > maxRemembered {
		r.byName, r.size = map[string]*ofTenant{}, 0
	}
	if r.byName[tenant] == nil {
		r.byName[tenant] = &ofTenant{}
		r.size++ // so that tenants that have nothing are bounded too
	}
	r.size += size
	set(r.byName[tenant])
}
