package jsontape

import (
	"bytes"
	"errors"
	"fmt"
)

// NextLine finds the next line of a body in which every line is a value of its own, and moves past it. The text has no
// line end and aliases the buffer. Blank lines are passed over when skipBlank is set. The error is as that of Next.
func (r *Reader) NextLine(skipBlank bool) (text []byte, item Item, err error) {
	b := &r.b
	for {
		item = Item{Index: r.count, Line: b.line}
		end := bytes.IndexByte(b.buf[b.pos:], '\n')
		switch {
		case end < 0 && len(b.buf)-b.pos > r.limits.Bytes, end > r.limits.Bytes:
			item.Fault = &Error{Code: TooLong, Message: fmt.Sprintf("longer than %d bytes", r.limits.Bytes)}
			r.count++
			r.skipLine()
			return nil, item, b.err
		case end >= 0:
			text = b.buf[b.pos : b.pos+end]
			b.pos += end + 1
			b.line++
		case b.fill():
			continue
		case b.err != nil:
			return nil, item, b.err
		case b.pos == len(b.buf):
			return nil, item, r.end()
		default:
			text = b.buf[b.pos:]
			b.pos = len(b.buf)
		}
		text = bytes.TrimSuffix(text, carriageReturn)
		if skipBlank && len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		r.count++
		r.blank = false
		return text, item, nil
	}
}

// ParseLine parses a line that NextLine gave: one value and nothing after it.
func (r *Reader) ParseLine(text []byte) *Error {
	start := len(text) - len(bytes.TrimLeft(text, " \t"))
	if start == len(text) {
		return &Error{Message: "an empty line where JSON should be"}
	}
	end, err := r.Tape.Parse(text, start, true, r.limits)
	if err != nil {
		return err
	}
	if rest := bytes.TrimSpace(text[end:]); len(rest) > 0 {
		return &Error{Offset: end, Message: fmt.Sprintf("%q after the end of the value", rest[:min(len(rest), 16)])}
	}
	return nil
}

var carriageReturn = []byte{'\r'}

// Rest reads the whole of what is left of the body, which must not be more than limit bytes. The error is ErrTooLarge or
// why the body could not be read.
func (r *Reader) Rest(limit int) ([]byte, error) {
	b := &r.b
	for {
		if len(b.buf)-b.pos > limit {
			return nil, ErrTooLarge
		}
		if !b.fill() {
			break
		}
	}
	if b.err != nil {
		return nil, b.err
	}
	rest := b.buf[b.pos:]
	b.pos, r.blank = len(b.buf), len(bytes.TrimSpace(rest)) == 0
	return rest, nil
}

// ErrTooLarge is returned by Rest.
var ErrTooLarge = errors.New("the body is too large")
