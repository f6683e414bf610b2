package jsontape

import "unsafe"

// Kind is the type of a node.
type Kind uint8

const (
	Null Kind = iota
	False
	True
	Int    // a number without point and exponent, of any length
	Double // any other number; NaN and ±Infinity too
	String
	Array
	Object
)

var kindNames = [...]string{"null", "a boolean", "a boolean", "a number", "a number", "a string", "an array", "an object"}

func (k Kind) String() string { return kindNames[k] }

const (
	flagEscaped  = 1 << iota // the string holds a backslash
	flagNonASCII             // the string holds a byte above 127
	flagTaken                // see Take
)

// Node is one JSON value. The members of an object follow it as alternating keys (String) and values, the elements of an
// array as values; Next is the index of the node after all of them.
type Node struct {
	Start, End uint32 // the text: without quotes for a string, with brackets for an array or object
	Next       uint32
	Kind       Kind
	flags      uint8
}

// Tape is one parsed value and all below it; node 0 is the value itself. A Tape is reused from value to value by one
// goroutine.
type Tape struct {
	Nodes  []Node
	buf    []byte
	parser parser
}

// Raw is the text of a node, as it was sent. It aliases the buffer.
func (t *Tape) Raw(i uint32) string {
	n := &t.Nodes[i]
	if n.End == n.Start {
		return ""
	}
	return unsafe.String(&t.buf[n.Start], int(n.End-n.Start))
}

// Str is the text of a String node with escapes resolved, always valid UTF-8. It aliases the buffer when it can.
func (t *Tape) Str(i uint32) string {
	raw, flags := t.Raw(i), t.Nodes[i].flags
	if flags&flagEscaped != 0 {
		return unescape(raw)
	}
	if flags&flagNonASCII != 0 {
		return validUTF8(raw)
	}
	return raw
}

// Take marks a node as used, so that Taken says so.
func (t *Tape) Take(i uint32) { t.Nodes[i].flags |= flagTaken }

// Taken tells whether Take was called for the node.
func (t *Tape) Taken(i uint32) bool { return t.Nodes[i].flags&flagTaken != 0 }

// Find returns the value node of an object's member, the last one when the key is there twice.
func (t *Tape) Find(object uint32, key string) (value uint32, ok bool) {
	if t.Nodes[object].Kind != Object {
		return 0, false
	}
	for k := range t.Members(object) {
		if t.Str(k) == key {
			value, ok = k+1, true
		}
	}
	return value, ok
}

// Members yields the key nodes of an object; the value of key k is node k+1.
func (t *Tape) Members(object uint32) func(yield func(uint32) bool) {
	return func(yield func(uint32) bool) {
		for k, end := object+1, t.Nodes[object].Next; k < end; k = t.Nodes[k+1].Next {
			if !yield(k) {
				return
			}
		}
	}
}

// Elements yields the nodes of an array's elements.
func (t *Tape) Elements(array uint32) func(yield func(uint32) bool) {
	return func(yield func(uint32) bool) {
		for e, end := array+1, t.Nodes[array].Next; e < end; e = t.Nodes[e].Next {
			if !yield(e) {
				return
			}
		}
	}
}
