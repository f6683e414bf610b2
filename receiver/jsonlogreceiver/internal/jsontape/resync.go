package jsontape

import "bytes"

// resync moves past the value at b.pos, which is faulty at position at.
//
// Outside an array the value ends with its line. When its first line was sound the value is one that goes over several
// lines: then it also takes the lines that are indented or start with a closing bracket. In an array its end is where the
// brackets that it opened are closed again; when there is no such place, the rest of the body goes with it and the fault
// becomes Unreadable.
//
// The error is why the body could not be read on.
func (r *Reader) resync(at int, fault *Error) error {
	if r.list != outside {
		if r.skipElement() {
			r.list = afterElement
		} else if r.b.err == nil {
			at := fault.Offset
			*fault = *r.lost(fault.Message + "; no end of this element was found, so the rest of the body can't be read")
			fault.Offset = at
		}
		return r.b.err
	}
	open := r.b.buf[r.b.pos] == '{'
	first := bytes.IndexByte(r.b.buf[r.b.pos:at], '\n')
	r.skipLine()
	if !open || first < 0 {
		return r.b.err
	}
	for r.b.pos < len(r.b.buf) || r.b.fill() {
		switch r.b.buf[r.b.pos] {
		case ' ', '\t', '\r', '\n', '}', ']', ',':
			r.skipLine()
		default:
			return nil
		}
	}
	return r.b.err
}

// skipLine moves past the next line feed, or to the end of the body.
func (r *Reader) skipLine() {
	for {
		if i := bytes.IndexByte(r.b.buf[r.b.pos:], '\n'); i >= 0 {
			r.b.pos += i + 1
			r.b.line++
			return
		}
		if !r.b.discard() {
			return
		}
	}
}

// skipElement moves to the "," or "]" that ends an array's element, minding brackets and strings but nothing else. It
// reports whether there was one.
func (r *Reader) skipElement() bool {
	depth, quoted, escaped := 0, false, false
	for {
		for i, c := range r.b.buf[r.b.pos:] {
			switch {
			case escaped:
				escaped = false
			case quoted:
				escaped = c == '\\'
				quoted = c != '"'
			case c == '"':
				quoted = true
			case c == '{' || c == '[':
				depth++
			case depth == 0 && (c == ',' || c == ']'):
				r.b.advance(r.b.pos + i)
				return true
			case c == '}' || c == ']':
				depth--
			}
		}
		if !r.b.discard() {
			return false
		}
	}
}
