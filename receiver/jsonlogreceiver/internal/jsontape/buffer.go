package jsontape

import (
	"bytes"
	"errors"
	"io"
)

// Chunks start small, so that a small body costs little and a connection that dribbles holds little, and grow to a size at
// which the cost of a chunk no longer shows.
const (
	minChunk = 4 << 10
	maxChunk = 256 << 10
)

// buffer is the part of a body that is in memory. It only ever appends: see the package comment.
type buffer struct {
	src   io.Reader
	buf   []byte
	pos   int // the next unread byte
	line  int // number of the line that pos is on, from 1
	chunk int // size of the chunk after this one
	begun bool
	eof   bool
	err   error // why reading stopped, when not at the end
}

// reset starts a new body. size is its length in bytes, or negative when unknown.
func (b *buffer) reset(src io.Reader, size int64) {
	first := minChunk
	if size >= 0 {
		first = int(min(size+1, maxChunk)) // one more: the read that finds the end needs room too
	}
	*b = buffer{src: src, line: 1, buf: make([]byte, 0, max(first, 64)), chunk: max(first, minChunk)}
}

// fill reads until the chunk is full, the body ends, or reading fails; false in the last two cases when nothing was read.
func (b *buffer) fill() bool {
	if b.eof || b.err != nil {
		return false
	}
	if len(b.buf) == cap(b.buf) {
		b.chunk = min(2*b.chunk, maxChunk)
		unread := b.buf[b.pos:]
		b.buf = append(make([]byte, 0, max(b.chunk, 2*len(unread))), unread...)
		b.pos = 0
	}
	before, first := len(b.buf), !b.begun
	b.begun = true
	for len(b.buf) < cap(b.buf) {
		n, err := b.src.Read(b.buf[len(b.buf):cap(b.buf)])
		b.buf = b.buf[:len(b.buf)+n]
		if errors.Is(err, io.EOF) {
			b.eof = true
			break
		}
		if err != nil {
			b.err = err
			break
		}
	}
	if first && bytes.HasPrefix(b.buf, byteOrderMark) {
		b.pos = len(byteOrderMark)
	}
	return len(b.buf) > before
}

// discard drops what is in memory, counting its lines, and reads on.
func (b *buffer) discard() bool {
	b.advance(len(b.buf))
	b.buf, b.pos = make([]byte, 0, b.chunk), 0
	return b.fill()
}

// advance moves to position pos of the buffer.
func (b *buffer) advance(pos int) {
	b.line += bytes.Count(b.buf[b.pos:pos], newline)
	b.pos = pos
}

var (
	newline       = []byte{'\n'}
	byteOrderMark = []byte("\xef\xbb\xbf") // that Windows' tools begin a text with
)
