package canon

import (
	"github.com/zeebo/xxh3"
)

// Hash is the sum, lane by lane, of the 128-bit hashes of a record's leaves (XXH3).
type Hash struct{ Hi, Lo uint64 }

func (h Hash) plus(o Hash) Hash { return Hash{Hi: h.Hi + o.Hi, Lo: h.Lo + o.Lo} }

// Hasher hashes records through a projection, which may be nil. Not safe for concurrent use.
type Hasher struct {
	walker walker
	sum    Hash
	buf    []byte

	last   Record // whose inherited part is in stream
	cached bool
	stream Hash
}

// NewHasher makes one.
func NewHasher(project Projection) *Hasher {
	h := &Hasher{}
	h.walker.project = project
	h.walker.visit = h.add
	return h
}

func (h *Hasher) add(l *Leaf) {
	h.buf = append(h.buf[:0], l.Path...)
	h.buf = append(h.buf, 0, byte(l.Kind))
	h.buf = append(h.buf, l.Value...)
	sum := xxh3.Hash128(h.buf)
	h.sum = h.sum.plus(Hash{Hi: sum.Hi, Lo: sum.Lo})
}

// Record hashes a record with what it inherits.
func (h *Hasher) Record(r *Record) Hash {
	stream := h.Stream(r)
	h.sum = Hash{}
	h.walker.record(r)
	return stream.plus(h.sum)
}

// Stream hashes what the record inherits: its resource and scope.
func (h *Hasher) Stream(r *Record) Hash {
	// The views of the records of one scope are equal. The comparison is of pointers, so it costs nothing, and holding
	// last keeps their memory from being used for another resource.
	if h.cached && h.last.Resource == r.Resource && h.last.Scope == r.Scope &&
		h.last.ResourceSchema == r.ResourceSchema && h.last.ScopeSchema == r.ScopeSchema {
		return h.stream
	}
	h.sum = Hash{}
	h.walker.stream(r)
	h.last, h.stream, h.cached = *r, h.sum, true
	return h.stream
}

// Forget must be called before a record that was hashed is changed and hashed again.
func (h *Hasher) Forget() { h.last, h.cached = Record{}, false }
