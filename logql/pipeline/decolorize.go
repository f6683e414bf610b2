package pipeline

import (
	"strings"
	"unsafe"
)

// decolorize removes the escape sequences of terminals (ECMA-48): colours and other control sequences (ESC [ … letter),
// titles and links (ESC ] … BEL or ESC \), and other escapes of two or three characters.
type decolorize struct{ buf []byte }

func (d *decolorize) process(e *Entry) bool {
	at := strings.IndexByte(e.Line, '\x1b')
	if at < 0 {
		return true
	}
	d.buf = d.buf[:0]
	line := e.Line
	for at >= 0 {
		d.buf = append(d.buf, line[:at]...)
		line = line[at+escapeLength(line[at:]):]
		at = strings.IndexByte(line, '\x1b')
	}
	d.buf = append(d.buf, line...)
	e.Line = unsafe.String(unsafe.SliceData(d.buf), len(d.buf))
	return true
}

// escapeLength is the length of the sequence that s starts with.
func escapeLength(s string) int {
	if len(s) < 2 {
		return 1
	}
	switch s[1] {
	case '[':
		for i := 2; i < len(s); i++ {
			if s[i] >= 0x40 && s[i] <= 0x7e {
				return i + 1
			}
			if s[i] < 0x20 || s[i] > 0x3f {
				return i // not a sequence after all: keep what breaks it
			}
		}
		return len(s)
	case ']':
		for i := 2; i < len(s); i++ {
			if s[i] == '\a' {
				return i + 1
			}
			if s[i] == '\x1b' && i+1 < len(s) && s[i+1] == '\\' {
				return i + 2
			}
		}
		return len(s)
	}
	n := 1
	for n < len(s) && s[n] >= 0x20 && s[n] <= 0x2f {
		n++
	}
	if n < len(s) && s[n] >= 0x30 && s[n] <= 0x7e {
		n++
	}
	return n
}
