package postgres

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"strings"

	"github.com/instantdevlogs/devlogs/storage"
)

// copying writes the rows of one batch in the binary format of COPY, straight from the columns: no value is boxed and no row
// is looked at twice. The format: https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format".
type copying struct {
	rows     *storage.Rows
	seq      uint64
	tenant   string
	services map[uint64]string // by stream
	odd      oddities
	far      int // rows with far times
	oddRows  int
	wordless int    // rows whose words are not known
	tally    []byte // nil: none
}

// oddities tells what a batch holds that PostgreSQL can't, so that batches without any, nearly all, are not searched row by
// row.
type oddities struct{ texts, attributes bool }

// PostgreSQL's text can't hold NUL. Its JSON functions fail on an escaped one, and don't know two of our forms.
var oddAttributes = [][]byte{[]byte(`\u0000`), []byte(`{"$map":`), []byte(`{"$otlp":`)}

func findOddities(rows *storage.Rows) oddities {
	return oddities{
		texts:      hasNUL(rows.Body.Bytes) || hasNUL(rows.SeverityText.Bytes) || hasNUL(rows.EventName.Bytes),
		attributes: isOdd(rows.Attributes.Bytes),
	}
}

func hasNUL(b []byte) bool { return bytes.IndexByte(b, 0) >= 0 }

func isOdd(attributes []byte) bool {
	for _, form := range oddAttributes {
		if bytes.Contains(attributes, form) {
			return true
		}
	}
	return false
}

// oddRow tells whether SQL can't judge row i as it is.
func (b *copying) oddRow(i int) bool {
	return b.odd.texts && b.oddTexts(i) || b.odd.attributes && isOdd(b.rows.Attributes.At(i))
}

func (b *copying) oddTexts(i int) bool {
	return hasNUL(b.rows.Body.At(i)) || hasNUL(b.rows.SeverityText.At(i)) || hasNUL(b.rows.EventName.At(i))
}

// exactTexts is what the column raw holds of a row whose texts the other columns can't hold.
type exactTexts struct {
	Body         string `json:"body"`
	SeverityText string `json:"severity_text"`
	EventName    string `json:"event_name"`
}

// putRaw appends the column raw: NULL, or nothing when only the attributes are odd, or the exact texts.
func (b *copying) putRaw(dst []byte, i int) []byte {
	switch {
	case !b.oddRow(i):
		return putNull(dst)
	case !b.odd.texts || !b.oddTexts(i):
		return putText(dst, "")
	}
	raw, err := json.Marshal(exactTexts{
		Body: string(b.rows.Body.At(i)), SeverityText: string(b.rows.SeverityText.At(i)), EventName: string(b.rows.EventName.At(i)),
	})
	if err != nil {
		panic(err) // strings always marshal
	}
	return putText(dst, raw)
}

// putText appends a text, with NUL replaced: the column raw then has the exact one.
func (b *copying) putText(dst, text []byte) []byte {
	if b.odd.texts && hasNUL(text) {
		return putText(dst, withoutNUL(string(text)))
	}
	return putText(dst, text)
}

func withoutNUL(s string) string { return strings.ReplaceAll(s, "\x00", "\uFFFD") }

// append adds row i.
func (b *copying) append(dst []byte, i int) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(logColumns)))
	for c := range logColumns {
		dst = logColumns[c].put(dst, b, i)
	}
	return dst
}

var (
	copyHeader  = []byte("PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	copyTrailer = []byte{0xff, 0xff}
)

// copySource is an io.Reader of many batches' rows, encoded as they are read: memory does not grow with the batches.
type copySource struct {
	batches []*copying
	take    func(time uint64) bool // which rows; nil: all
	order   []place                // of the rows; nil: as they are

	next       int // in order
	batch, row int
	started    bool
	buf        []byte // encoded, from read on
	read       int
	ended      bool
}

// copyChunk is how much is encoded at a time: about what goes into one message.
const copyChunk = 64 << 10

func (s *copySource) Read(p []byte) (int, error) {
	if s.read == len(s.buf) {
		if s.ended {
			return 0, io.EOF
		}
		s.fill()
	}
	n := copy(p, s.buf[s.read:])
	s.read += n
	return n, nil
}

func (s *copySource) fill() {
	s.buf, s.read = s.buf[:0], 0
	if !s.started {
		s.started = true
		s.buf = append(s.buf, copyHeader...)
	}
	for len(s.buf) < copyChunk {
		at, ok := s.advance()
		if !ok {
			s.buf = append(s.buf, copyTrailer...)
			s.ended = true
			return
		}
		b := s.batches[at.batch]
		if s.take == nil || s.take(b.rows.Time[at.row]) {
			s.buf = b.append(s.buf, int(at.row))
		}
	}
}

// advance gives the place of the next row.
func (s *copySource) advance() (at place, ok bool) {
	if s.order != nil {
		if s.next == len(s.order) {
			return at, false
		}
		s.next++
		return s.order[s.next-1], true
	}
	for s.batch < len(s.batches) && s.row == s.batches[s.batch].rows.Len() {
		s.batch, s.row = s.batch+1, 0
	}
	if s.batch == len(s.batches) {
		return at, false
	}
	s.row++
	return place{int32(s.batch), int32(s.row - 1)}, true
}
