package jsontape

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
)

// Code says what kind of fault an Error is.
type Code uint8

const (
	Malformed Code = iota
	Incomplete
	TooDeep
	TooManyFields
	TooLong
	Unreadable // a fault after which the rest of the body can't be read
)

// Error is a fault in one value.
type Error struct {
	Code    Code
	Offset  int // where, in the parsed buffer
	Message string
}

func (e *Error) Error() string { return e.Message }

// Limits bound one value.
type Limits struct {
	Depth  int // levels of arrays and objects
	Fields int // members of all objects in the value
	Bytes  int // used by Reader only
}

// Parse reads the value at buf[pos:], which must not start with white space, into t and returns the position after it.
// final says that no bytes will follow buf: without it a value that reaches the end of buf is Incomplete. buf must not
// change as long as t or a string taken from it is used.
func (t *Tape) Parse(buf []byte, pos int, final bool, limits Limits) (int, *Error) {
	p := &t.parser
	p.buf, p.pos, p.final, p.fields, p.limits = buf, pos, final, limits.Fields, limits
	p.nodes, p.count = t.Nodes[:cap(t.Nodes)], 0
	ok := p.value(limits.Depth)
	t.buf, t.Nodes = buf, p.nodes[:p.count]
	if !ok {
		fault := p.err
		return fault.Offset, &fault
	}
	return p.pos, nil
}

// parser is the state of Parse. Nodes are counted and not appended: the length of a slice is written together with its
// pointer, which costs a write barrier while the garbage collector runs.
type parser struct {
	nodes  []Node
	count  int
	buf    []byte
	pos    int
	final  bool
	fields int // how many more members are allowed
	limits Limits
	err    Error
}

func (p *parser) fail(code Code, format string, args ...any) bool {
	p.err = Error{Code: code, Offset: p.pos, Message: fmt.Sprintf(format, args...)}
	return false
}

// unexpected is the fault at p.pos, where want should be.
func (p *parser) unexpected(want string) bool {
	switch {
	case p.pos >= len(p.buf):
		return p.fail(Incomplete, "the value ends where %s should follow", want)
	case p.buf[p.pos] < 0x20 || p.buf[p.pos] >= 0x7f:
		return p.fail(Malformed, "byte 0x%02x where %s should be", p.buf[p.pos], want)
	default:
		return p.fail(Malformed, "%q where %s should be", p.buf[p.pos], want)
	}
}

func (p *parser) space() {
	for p.pos < len(p.buf) {
		if c := p.buf[p.pos]; c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return
		}
		p.pos++
	}
}

func (p *parser) value(depth int) bool {
	if p.pos >= len(p.buf) {
		return p.unexpected("a value")
	}
	switch c := p.buf[p.pos]; c {
	case '"':
		return p.str()
	case '{':
		return p.object(depth)
	case '[':
		return p.array(depth)
	case 't':
		return p.literal("true", True)
	case 'f':
		return p.literal("false", False)
	case 'n':
		return p.literal("null", Null)
	case 'N':
		return p.literal("NaN", Double)
	case 'I':
		return p.literal("Infinity", Double)
	default:
		if c == '-' && p.pos+1 < len(p.buf) && p.buf[p.pos+1] == 'I' {
			return p.literal("-Infinity", Double)
		}
		if c == '-' || c-'0' <= 9 {
			return p.number()
		}
		return p.unexpected("a value")
	}
}

func (p *parser) add(kind Kind, start, end int, flags uint8) {
	if p.count == len(p.nodes) {
		p.nodes = slices.Grow(p.nodes, 64)
		p.nodes = p.nodes[:cap(p.nodes)]
	}
	p.nodes[p.count] = Node{Start: uint32(start), End: uint32(end), Next: uint32(p.count + 1), Kind: kind, flags: flags}
	p.count++
}

// open adds a container whose end and Next are set by close.
func (p *parser) open(kind Kind, depth int) (int, bool) {
	if depth == 0 {
		return 0, p.fail(TooDeep, "nested deeper than %d levels", p.limits.Depth)
	}
	p.add(kind, p.pos, 0, 0)
	p.pos++
	p.space()
	return p.count - 1, true
}

func (p *parser) close(node int) bool {
	p.pos++
	n := &p.nodes[node]
	n.End, n.Next = uint32(p.pos), uint32(p.count)
	return true
}

func (p *parser) object(depth int) bool {
	node, ok := p.open(Object, depth)
	if !ok {
		return false
	}
	if p.pos < len(p.buf) && p.buf[p.pos] == '}' {
		return p.close(node)
	}
	for {
		if p.pos >= len(p.buf) || p.buf[p.pos] != '"' {
			return p.unexpected(`a key in double quotes`)
		}
		if p.fields--; p.fields < 0 {
			return p.fail(TooManyFields, "more than %d fields", p.limits.Fields)
		}
		if !p.str() {
			return false
		}
		if p.pos >= len(p.buf) || p.buf[p.pos] != ':' {
			if p.space(); p.pos >= len(p.buf) || p.buf[p.pos] != ':' {
				return p.unexpected(`":"`)
			}
		}
		p.pos++
		p.space()
		if !p.value(depth - 1) {
			return false
		}
		p.space()
		if p.pos >= len(p.buf) {
			return p.unexpected(`"," or "}"`)
		}
		switch p.buf[p.pos] {
		case '}':
			return p.close(node)
		case ',':
			p.pos++
			p.space()
		default:
			return p.unexpected(`"," or "}"`)
		}
	}
}

func (p *parser) array(depth int) bool {
	node, ok := p.open(Array, depth)
	if !ok {
		return false
	}
	if p.pos < len(p.buf) && p.buf[p.pos] == ']' {
		return p.close(node)
	}
	for {
		if !p.value(depth - 1) {
			return false
		}
		p.space()
		if p.pos >= len(p.buf) {
			return p.unexpected(`"," or "]"`)
		}
		switch p.buf[p.pos] {
		case ']':
			return p.close(node)
		case ',':
			p.pos++
			p.space()
		default:
			return p.unexpected(`"," or "]"`)
		}
	}
}

func (p *parser) literal(word string, kind Kind) bool {
	start := p.pos
	for i := range len(word) {
		if p.pos >= len(p.buf) {
			return p.unexpected("the rest of " + word)
		}
		if p.buf[p.pos] != word[i] {
			p.pos = start
			return p.unexpected("a value")
		}
		p.pos++
	}
	p.add(kind, start, p.pos, 0)
	return true
}

func (p *parser) digits() bool {
	start := p.pos
	for p.pos < len(p.buf) && p.buf[p.pos]-'0' <= 9 {
		p.pos++
	}
	return p.pos > start || p.unexpected("a digit")
}

func (p *parser) number() bool {
	start, kind := p.pos, Int
	if p.buf[p.pos] == '-' {
		p.pos++
	}
	if p.pos+1 < len(p.buf) && p.buf[p.pos] == '0' && p.buf[p.pos+1]-'0' <= 9 {
		return p.fail(Malformed, "a number with a leading zero")
	}
	if !p.digits() {
		return false
	}
	if p.pos < len(p.buf) && p.buf[p.pos] == '.' {
		kind = Double
		p.pos++
		if !p.digits() {
			return false
		}
	}
	if p.pos < len(p.buf) && p.buf[p.pos]|0x20 == 'e' {
		kind = Double
		p.pos++
		if p.pos < len(p.buf) && (p.buf[p.pos] == '+' || p.buf[p.pos] == '-') {
			p.pos++
		}
		if !p.digits() {
			return false
		}
	}
	if p.pos == len(p.buf) && !p.final {
		return p.unexpected("more of a number")
	}
	p.add(kind, start, p.pos, 0)
	return true
}

// Every byte of a word, for looking at eight bytes at once.
const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
)

// str reads the string at p.pos. Eight bytes at a time it looks for the first that is a quote, a backslash or below 0x20
// (the tests for zero bytes are from "Bit Twiddling Hacks", Sean Eron Anderson); the lowest hit is always a true one.
func (p *parser) str() bool {
	buf, i, flags := p.buf, p.pos+1, uint8(0)
	start := i
	for {
		var high uint64
		for i+8 <= len(buf) {
			w := binary.LittleEndian.Uint64(buf[i:])
			quote, slash := w^('"'*lowBits), w^('\\'*lowBits)
			hit := ((quote - lowBits) &^ quote) | ((slash - lowBits) &^ slash) | ((w - 0x20*lowBits) &^ w)
			high |= w
			if hit &= highBits; hit != 0 {
				i += bits.TrailingZeros64(hit) / 8
				break
			}
			i += 8
		}
		if high&highBits != 0 {
			flags |= flagNonASCII
		}
		if i >= len(buf) {
			p.pos = len(buf)
			return p.unexpected("the end of a string")
		}
		switch c := buf[i]; {
		case c == '"':
			p.add(String, start, i, flags)
			p.pos = i + 1
			return true
		case c == '\\':
			flags |= flagEscaped
			n := 2
			if i+1 < len(buf) && buf[i+1] == 'u' {
				n = 6
			}
			p.pos = i
			if i+n > len(buf) {
				p.pos = len(buf)
				return p.unexpected("the rest of an escape")
			}
			if !validEscape(buf[i+1 : i+n]) {
				return p.fail(Malformed, "unknown escape %q in a string", buf[i:i+n])
			}
			i += n
		case c == '\n':
			p.pos = i
			return p.fail(Malformed, "the line ends inside a string")
		case c >= 0x80:
			flags |= flagNonASCII
			i++
		default:
			i++
		}
	}
}

func validEscape(e []byte) bool {
	switch e[0] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	case 'u':
		for _, c := range e[1:] {
			if c-'0' > 9 && c|0x20-'a' > 5 {
				return false
			}
		}
		return true
	}
	return false
}
