package duckdb

import (
	"context"
	"encoding/binary"

	"github.com/google/uuid"

	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/duckdb/internal/engine"
)

// idFilter tells for nearly every batch id that a partition's ledger does not hold it, from memory: a Bloom filter that
// grows in segments. Ids are uniform already (hashes and random UUIDs), so their halves serve as the two hashes
// (Kirsch and Mitzenmacher, "Less Hashing, Same Performance", 2006).
type idFilter struct {
	segments []*idSegment
	free     int // ids that the last segment still takes
}

const (
	segmentIDs  = 64 << 10
	segmentBits = 16 * segmentIDs // 128 KiB; one id in about 1,700 is taken for known and looked up in vain
	segmentHash = 8
)

type idSegment [segmentBits / 64]uint64

func (f *idFilter) add(id uuid.UUID) {
	if f.free == 0 {
		f.segments, f.free = append(f.segments, new(idSegment)), segmentIDs
	}
	f.free--
	segment := f.segments[len(f.segments)-1]
	a, b := halves(id)
	for i := range uint64(segmentHash) {
		bit := (a + i*b) % segmentBits
		segment[bit/64] |= 1 << (bit % 64)
	}
}

func (f *idFilter) mayHold(id uuid.UUID) bool {
	a, b := halves(id)
next:
	for _, segment := range f.segments {
		for i := range uint64(segmentHash) {
			if bit := (a + i*b) % segmentBits; segment[bit/64]&(1<<(bit%64)) == 0 {
				continue next
			}
		}
		return true
	}
	return false
}

func halves(id uuid.UUID) (a, b uint64) {
	return binary.LittleEndian.Uint64(id[:8]), binary.LittleEndian.Uint64(id[8:]) | 1
}

// loadIDs fills the filter from the ledger.
func (p *partition) loadIDs(ctx context.Context, conn *engine.Conn) error {
	p.ids = idFilter{}
	for from := p.firstSeq; from < p.lastSeq; from += segmentIDs {
		result, err := conn.Query(ctx, "SELECT batch_id FROM "+p.name+".log_batches WHERE batch_seq > $1 AND batch_seq <= $2",
			from, from+segmentIDs)
		if err != nil {
			return err
		}
		for chunk, ok := result.Next(); ok; chunk, ok = result.Next() {
			ids := chunk.UUIDs(0)
			for row := range chunk.Len {
				p.ids.add(uuid.UUID(ids.At(row)))
			}
		}
		result.Close()
	}
	return nil
}

// stored looks up which of the group's ids the ledgers hold, and with what payload.
func (l lane) stored(ctx context.Context, group []*waiter) (map[uuid.UUID]storage.Fingerprint, error) {
	known := map[uuid.UUID]storage.Fingerprint{}
	held := l.partitions.hold(func(*sums) bool { return true })
	defer l.partitions.release(held)
	for _, h := range held {
		ask := l.partitions.mayHold(h.partition, group)
		if len(ask) == 0 {
			continue
		}
		result, err := l.instance.writers[l.number].Query(ctx,
			"SELECT batch_id, payload FROM "+h.name+".log_batches WHERE batch_id IN (SELECT unnest($1))", ask)
		if err != nil {
			return nil, err
		}
		for chunk, ok := result.Next(); ok; chunk, ok = result.Next() {
			ids, payloads := chunk.UUIDs(0), chunk.UUIDs(1)
			for row := range chunk.Len {
				known[uuid.UUID(ids.At(row))] = storage.Fingerprint(payloads.At(row))
			}
		}
		result.Close()
	}
	return known, nil
}

// mayHold returns those of the group's ids that a partition's ledger may hold.
func (p *partitions) mayHold(one *partition, group []*waiter) (ids []engine.UUID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range group {
		if one.ids.mayHold(w.batch.ID) {
			ids = append(ids, engine.UUID(w.batch.ID))
		}
	}
	return ids
}
