package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Type is a protobuf wire type.
type Type uint8

const (
	Varint  Type = 0
	Fixed64 Type = 1
	Len     Type = 2
	Fixed32 Type = 5
)

// Field is one field of a message.
type Field struct {
	Num        int32
	Type       Type
	Tag        int // where the field begins
	Start, End int // where its value lies: for Len the bytes without the length
}

// Cursor steps through the fields of the message in b[Start:End]. The offsets it reports are offsets into b.
type Cursor struct {
	b        []byte
	pos, end int
	err      error
}

// NewCursor walks the message that lies in b[start:end].
func NewCursor(b []byte, start, end int) Cursor { return Cursor{b: b, pos: start, end: end} }

// Err is what stopped Next, nil at the end of the message. It names the offset.
func (c *Cursor) Err() error { return c.err }

var errTruncated = errors.New("the message ends inside a field")

// Next fills f with the next field and reports whether there was one.
func (c *Cursor) Next(f *Field) bool {
	if c.pos >= c.end {
		return false
	}
	f.Tag = c.pos
	tag, pos := uint64(c.b[c.pos]), c.pos+1
	if tag >= 0x80 {
		if tag, pos = c.varint(c.pos); pos < 0 {
			return c.fail(errTruncated)
		}
	}
	if tag>>3 == 0 || tag>>3 > 1<<29-1 {
		return c.fail(fmt.Errorf("field number %d is not allowed", tag>>3))
	}
	f.Num, f.Type, f.Start = int32(tag>>3), Type(tag&7), pos
	switch f.Type {
	case Len:
		if pos >= c.end {
			return c.fail(errTruncated)
		}
		n, start := uint64(c.b[pos]), pos+1
		if n >= 0x80 {
			if n, start = c.varint(pos); start < 0 {
				return c.fail(errTruncated)
			}
		}
		if n > uint64(c.end-start) {
			return c.fail(errTruncated)
		}
		f.Start, f.End = start, start+int(n)
	case Varint:
		if _, f.End = c.varint(pos); f.End < 0 {
			return c.fail(errTruncated)
		}
	case Fixed64:
		f.End = pos + 8
	case Fixed32:
		f.End = pos + 4
	default:
		return c.fail(fmt.Errorf("wire type %d is not allowed", f.Type))
	}
	if f.End > c.end {
		return c.fail(errTruncated)
	}
	c.pos = f.End
	return true
}

func (c *Cursor) fail(err error) bool {
	c.err = fmt.Errorf("protobuf at byte %d: %w", c.pos, err)
	return false
}

// varint decodes at pos; the returned position is -1 when there is no whole varint before the end of the message.
func (c *Cursor) varint(pos int) (uint64, int) {
	v, n := binary.Uvarint(c.b[pos:c.end])
	if n <= 0 {
		return 0, -1
	}
	return v, pos + n
}
