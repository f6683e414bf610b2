package postgres

import (
	"encoding/binary"
	"errors"

	"github.com/instantdevlogs/devlogs/storage"
)

// A batch's tally, log_batches.tally, says how many records it has of each stream and level, and how many bytes their bodies
// have. It is written with the ledger, so that a count over a batch that lies within one bucket need not read its records
// (tallied.go). Its binary format, all numbers but ids of streams as uvarint:
//
//	1, the number of levels, and of each its severity (zigzag), the length of its text and the text;
//	then of each stream its id (8 bytes, big endian), the number of its levels, and of each the index of the level, the
//	records, and the bytes of their bodies.
const tallyFormat = 1

// level is what a record says of its severity.
type level struct {
	severity int32
	text     string
}

// cell is what a tally says of one stream and level.
type cell struct {
	stream         uint64
	level          int // index
	records, bytes uint64
}

// A batch with more levels or longer ones has no tally: somebody writes something else into the severity's text.
const (
	maxTallyLevels = 64
	maxTallyText   = 64 // bytes
)

// tallyOf makes the tally of rows without oddities; nil when there is none.
func tallyOf(rows *storage.Rows) []byte {
	type count struct {
		level          int
		records, bytes uint64
	}
	type ofStream struct {
		id     uint64
		counts []count
	}
	var levels []level
	streams := make([]ofStream, 0, len(rows.Streams))
	index := make(map[uint64]int, len(rows.Streams))
	last := -1
	for i, id := range rows.Stream {
		if last < 0 || streams[last].id != id {
			at, ok := index[id]
			if !ok {
				at = len(streams)
				index[id] = at
				streams = append(streams, ofStream{id: id})
			}
			last = at
		}
		severity, text := rows.Severity[i], rows.SeverityText.At(i)
		l := 0
		for l < len(levels) && (levels[l].severity != severity || levels[l].text != string(text)) {
			l++
		}
		if l == len(levels) {
			if l == maxTallyLevels || len(text) > maxTallyText {
				return nil
			}
			levels = append(levels, level{severity, string(text)})
		}
		s := &streams[last]
		c := 0
		for c < len(s.counts) && s.counts[c].level != l {
			c++
		}
		if c == len(s.counts) {
			s.counts = append(s.counts, count{level: l})
		}
		s.counts[c].records++
		s.counts[c].bytes += uint64(len(rows.Body.At(i)))
	}
	b := binary.AppendUvarint([]byte{tallyFormat}, uint64(len(levels)))
	for _, l := range levels {
		b = binary.AppendVarint(b, int64(l.severity))
		b = binary.AppendUvarint(b, uint64(len(l.text)))
		b = append(b, l.text...)
	}
	for _, s := range streams {
		b = binary.BigEndian.AppendUint64(b, s.id)
		b = binary.AppendUvarint(b, uint64(len(s.counts)))
		for _, c := range s.counts {
			b = binary.AppendUvarint(b, uint64(c.level))
			b = binary.AppendUvarint(b, c.records)
			b = binary.AppendUvarint(b, c.bytes)
		}
	}
	return b
}

var errTally = errors.New("a batch's tally in the ledger can't be read")

// tallyReader reads tallies. It keeps its memory from one to the next.
type tallyReader struct {
	levels []level
	cells  []cell // in the order of their streams, as they are in the tally
}

// read reads a tally. What it had before is gone.
func (r *tallyReader) read(tally []byte) error {
	r.levels, r.cells = r.levels[:0], r.cells[:0]
	in := tallyBytes{rest: tally[1:]}
	for n := in.uvarint(); n > 0 && !in.bad; n-- {
		severity := in.varint()
		r.levels = append(r.levels, level{int32(severity), string(in.take(in.uvarint()))})
	}
	for len(in.rest) > 0 && !in.bad {
		id := in.take(8)
		if in.bad {
			break
		}
		stream := binary.BigEndian.Uint64(id)
		for n := in.uvarint(); n > 0 && !in.bad; n-- {
			l, records, bytes := in.uvarint(), in.uvarint(), in.uvarint()
			if l >= uint64(len(r.levels)) {
				return errTally
			}
			r.cells = append(r.cells, cell{stream, int(l), records, bytes})
		}
	}
	if in.bad {
		return errTally
	}
	return nil
}

// hasTally tells whether the column holds a tally in the format that is read here.
func hasTally(tally []byte) bool { return len(tally) > 0 && tally[0] == tallyFormat }

// tallyBytes is what is left to read; bad when it ended too early.
type tallyBytes struct {
	rest []byte
	bad  bool
}

func (b *tallyBytes) uvarint() uint64 {
	v, n := binary.Uvarint(b.rest)
	b.take(uint64(max(n, 0)))
	b.bad = b.bad || n <= 0
	return v
}

func (b *tallyBytes) varint() int64 {
	v := b.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

func (b *tallyBytes) take(n uint64) []byte {
	if n > uint64(len(b.rest)) {
		b.bad = true
		return nil
	}
	taken := b.rest[:n]
	b.rest = b.rest[n:]
	return taken
}
