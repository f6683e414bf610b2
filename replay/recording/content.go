package recording

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// piece is one message as it lies in a file.
type piece struct {
	data         []byte // its own memory
	offset, line int64
}

// content cuts a file's content into pieces. next returns io.EOF after the last, and a *tornError when the content ends
// inside a piece.
type content interface {
	next() (piece, error)
}

// tornError is a piece that was cut off by the end of its file.
type tornError struct {
	piece
	err error
}

func (e *tornError) Error() string {
	return fmt.Sprintf("byte %d: the last message is cut off after %d bytes", e.offset, len(e.data))
}

func (e *tornError) Unwrap() error { return e.err }

func tooLarge(offset int64, limit int) error {
	return fmt.Errorf("byte %d: a message is larger than %d MiB; raise --max-message if that is real", offset, limit>>20)
}

// documents cuts JSON text. A message is a line; a file that begins with a document over several lines is taken document
// by document.
type documents struct {
	r            *bufio.Reader
	limit        int
	offset, line int64 // of what is read next
	begun        bool
	spread       bool       // documents go over several lines
	tail         *tornError // what the file before ended with; the exporter's rotation may cut a line in two
	onTorn       func(*tornError)
}

func (d *documents) next() (piece, error) {
	for {
		p, whole, err := d.readLine()
		if d.tail != nil {
			tail := d.tail
			d.tail = nil
			if joined := append(tail.data, p.data...); (err == nil || errors.Is(err, io.EOF)) && json.Valid(joined) {
				d.begun = true
				return piece{data: joined, offset: p.offset, line: p.line}, nil
			}
			d.onTorn(tail)
		}
		if err != nil {
			return piece{}, err
		}
		if p.line == 1 {
			p.data = bytes.TrimPrefix(p.data, byteOrder)
		}
		text := bytes.TrimSpace(p.data)
		if len(text) == 0 {
			if !whole {
				return piece{}, io.EOF
			}
			continue
		}
		if !d.begun {
			d.begun = true
			d.spread = whole && !json.Valid(text)
		}
		p.data = text
		if d.spread {
			return d.finish(p)
		}
		if !whole && !json.Valid(text) {
			return piece{}, &tornError{piece: p, err: io.ErrUnexpectedEOF}
		}
		return p, nil
	}
}

// finish adds lines to p until it is a whole document.
func (d *documents) finish(p piece) (piece, error) {
	var depth nesting
	depth.add(p.data)
	for depth.open > 0 {
		more, whole, err := d.readLine()
		if err != nil && !errors.Is(err, io.EOF) {
			return piece{}, err
		}
		p.data = append(append(p.data, '\n'), more.data...)
		if len(p.data) > d.limit {
			return piece{}, tooLarge(p.offset, d.limit)
		}
		depth.add(more.data)
		if !whole && depth.open > 0 {
			return piece{}, &tornError{piece: p, err: io.ErrUnexpectedEOF}
		}
	}
	return p, nil
}

// readLine returns the next line without its newline; whole is false when the content ended without one.
func (d *documents) readLine() (p piece, whole bool, err error) {
	p.offset, p.line = d.offset, d.line+1
	for {
		part, err := d.r.ReadSlice('\n')
		p.data = append(p.data, part...)
		d.offset += int64(len(part))
		if len(p.data) > d.limit {
			return p, false, tooLarge(p.offset, d.limit)
		}
		switch {
		case err == nil:
			d.line++
			p.data = p.data[:len(p.data)-1]
			return p, true, nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(p.data) == 0:
			return p, false, io.EOF
		case errors.Is(err, io.EOF):
			return p, false, nil
		case isTorn(err):
			return p, false, &tornError{piece: p, err: err}
		default:
			return p, false, fmt.Errorf("byte %d: %w", d.offset, describe(err))
		}
	}
}

// nesting counts the braces that are open, over text that comes in parts.
type nesting struct {
	open             int
	inString, escape bool
}

func (n *nesting) add(text []byte) {
	for _, c := range text {
		switch {
		case n.escape:
			n.escape = false
		case n.inString:
			n.inString, n.escape = c != '"', c == '\\'
		case c == '"':
			n.inString = true
		case c == '{' || c == '[':
			n.open++
		case c == '}' || c == ']':
			n.open--
		}
	}
}

// frames cuts messages that have their length, 4 bytes big-endian, before them.
type frames struct {
	r      *bufio.Reader
	limit  int
	offset int64
}

func (f *frames) next() (piece, error) {
	p := piece{offset: f.offset}
	var head [4]byte
	n, err := io.ReadFull(f.r, head[:])
	f.offset += int64(n)
	if n == 0 && errors.Is(err, io.EOF) {
		return piece{}, io.EOF
	}
	if err != nil {
		return piece{}, f.failed(p, err)
	}
	size := binary.BigEndian.Uint32(head[:])
	if int64(size) > int64(f.limit) {
		return piece{}, fmt.Errorf("byte %d: a length of %d is more than the %d MiB a message may have: the file is damaged "+
			"here, or --max-message is too small", p.offset, size, f.limit>>20)
	}
	p.data = make([]byte, size)
	n, err = io.ReadFull(f.r, p.data)
	f.offset += int64(n)
	if err != nil {
		p.data = p.data[:n]
		return piece{}, f.failed(p, err)
	}
	return p, nil
}

func (f *frames) failed(p piece, err error) error {
	if errors.Is(err, io.EOF) || isTorn(err) {
		return &tornError{piece: p, err: io.ErrUnexpectedEOF}
	}
	return fmt.Errorf("byte %d: %w", f.offset, describe(err))
}
