package jsontape

import (
	"errors"
	"fmt"
	"io"
)

// Reader finds the JSON values in a body: one value, values one after the other with or without line ends between them
// (NDJSON), an array of values, or several arrays. It holds one chunk, or one value, in memory.
//
// After a fault it goes on where a person would: at the next line, or at the next element of an array. See resync.
type Reader struct {
	Tape Tape // the value that Next found

	b      buffer
	limits Limits
	list   listState
	count  int  // values found
	blank  bool // nothing but white space was found
}

// listState is where in a top-level array the Reader is.
type listState uint8

const (
	outside      listState = iota
	atFirst                // after "["
	afterElement           // "," or "]" follows
	afterComma             // an element follows
)

// Item is one value of a body.
type Item struct {
	Index int    // from 0, counting the faulty ones too
	Line  int    // where it starts, from 1
	Fault *Error // nil: the value is in Reader.Tape. Its Offset counts from the start of the value.
}

// Reset starts a new body. size is its length when known, else negative.
func (r *Reader) Reset(src io.Reader, size int64, limits Limits) {
	r.b.reset(src, size)
	r.limits, r.list, r.count, r.blank = limits, outside, 0, true
}

// Release forgets the body, so that a pooled Reader keeps nothing alive.
func (r *Reader) Release() {
	r.b = buffer{}
	r.Tape.buf, r.Tape.parser = nil, parser{}
}

// Prefetch reads up to n bytes of the body, at most one chunk.
func (r *Reader) Prefetch(n int) {
	for len(r.b.buf) < min(n, maxChunk) && r.b.fill() {
	}
}

// Next finds the next value. The error is io.EOF at the end of the body, or why the body could not be read to its end.
func (r *Reader) Next() (Item, error) {
	err := r.toValue()
	item := Item{Index: r.count, Line: r.b.line}
	if errors.Is(err, io.EOF) && r.list != outside {
		err = nil
		item.Fault = r.lost("the body ends inside the array: it was cut off")
	}
	if err != nil {
		return item, err
	}
	r.count++
	if r.list == afterElement {
		item.Fault = r.lost(`"," or "]" should follow an element of the array; the rest of the body can't be read`)
	}
	if item.Fault != nil {
		return item, nil
	}
	for {
		start := r.b.pos
		end, fault := r.Tape.Parse(r.b.buf, start, r.b.eof, r.limits)
		long := end-start > r.limits.Bytes
		switch {
		case fault == nil:
			r.b.advance(end)
			if r.list != outside {
				r.list = afterElement
			}
			if long {
				item.Fault = r.tooLong()
			}
			return item, nil
		case long:
			fault = r.tooLong()
		case fault.Code == Incomplete && !r.b.eof:
			if r.b.fill() || r.b.eof {
				continue
			}
			return item, r.b.err
		default:
			fault = &Error{Code: fault.Code, Offset: end - start, Message: fault.Message}
		}
		item.Fault = fault
		return item, r.resync(end, fault)
	}
}

func (r *Reader) tooLong() *Error {
	return &Error{Code: TooLong, Message: fmt.Sprintf("longer than %d bytes", r.limits.Bytes)}
}

// lost gives up the rest of the body.
func (r *Reader) lost(why string) *Error {
	r.b.eof, r.b.pos, r.list = true, len(r.b.buf), outside
	return &Error{Code: Unreadable, Message: why}
}

// Raw is the text of the value that Next found.
func (r *Reader) Raw() string { return r.Tape.Raw(0) }

// ReadErr is why the body could not be read to its end, nil when nothing went wrong.
func (r *Reader) ReadErr() error { return r.b.err }

// toValue moves to the first byte of the next value, over white space, line ends and the brackets of arrays.
func (r *Reader) toValue() error {
	for {
		b := &r.b
		if b.pos == len(b.buf) {
			if !b.fill() && b.pos == len(b.buf) {
				return r.end()
			}
			continue
		}
		switch c := b.buf[b.pos]; {
		case c == '\n':
			b.line++
		case c == ' ', c == '\t', c == '\r':
		case r.list == outside && (c == ',' || c == recordSeparator): // commas between lines are a common slip
		case r.list == outside && c == '[':
			r.list, r.blank = atFirst, false
		case c == ']' && (r.list == atFirst || r.list == afterElement):
			r.list = outside
		case c == ',' && r.list == afterElement:
			r.list = afterComma
		default:
			r.blank = false
			return nil
		}
		b.pos++
	}
}

// Blank tells, after the end, whether the body had nothing in it, not even an empty array.
func (r *Reader) Blank() bool { return r.blank }

// recordSeparator leads each value of a JSON text sequence (RFC 7464).
const recordSeparator = 0x1e

// end is the answer at the end of the bytes.
func (r *Reader) end() error {
	if r.b.err != nil {
		return r.b.err
	}
	return io.EOF
}
