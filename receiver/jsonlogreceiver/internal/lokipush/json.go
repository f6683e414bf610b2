package lokipush

import (
	"bytes"
	"fmt"
	"math"
	"strconv"

	"github.com/instantdevlogs/devlogs/receiver/jsonlogreceiver/internal/jsontape"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// DecodeJSON reads
//
//	{"streams": [{"stream": {"label": "value"}, "values": [["<ns since 1970>", "<line>", {"metadata": "value"}], …]}, …]}
//
// one entry at a time: limits bound each entry, not the body. The body must not change as long as a string from it is used.
// An error means that the body is damaged from there on.
func DecodeJSON(body []byte, limits jsontape.Limits, v Visitor) error {
	d := decoder{buf: body, limits: limits, visitor: v}
	found := false
	err := d.object("the body", func(key string) error {
		if key != "streams" {
			return d.skip()
		}
		found = true
		index := -1
		return d.array(`"streams"`, func() error {
			index++
			return d.stream(index)
		})
	})
	if err == nil && !found {
		return fmt.Errorf(`the body has no "streams"`)
	}
	return err
}

type decoder struct {
	buf     []byte
	pos     int
	limits  jsontape.Limits
	tape    jsontape.Tape
	visitor Visitor
}

// stream reads one stream. Its labels may come after its values: they are looked for first.
func (d *decoder) stream(index int) error {
	var labels []Label
	fault, start, values := `no labels: the stream has no "stream"`, d.pos, -1
	err := d.object("a stream", func(key string) error {
		switch key {
		case "stream":
			if err := d.parse(); err != nil {
				return err
			}
			labels, fault = d.pairs(nil, 0)
		case "values":
			values = d.pos
			return d.skip()
		default:
			return d.skip()
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("stream %d, which starts at byte %d: %w", index, start, err)
	}
	if values < 0 {
		return nil
	}
	end := d.pos
	d.pos = values
	d.visitor.Stream(labels)
	e := Entry{Stream: index, Index: -1}
	err = d.array(`"values"`, func() error {
		e.Index++
		if err := d.entry(&e); err != nil {
			return fmt.Errorf("stream %d, entry %d: %w", index, e.Index, err)
		}
		if fault != "" {
			e.Fault = fault
		}
		if !d.visitor.Entry(e) {
			return errStop
		}
		return nil
	})
	d.pos = end
	return err
}

// entry reads one entry; what is wrong with it alone becomes its fault.
func (d *decoder) entry(e *Entry) error {
	e.Time, e.Line, e.Metadata, e.Fault = 0, "", e.Metadata[:0], ""
	start := d.pos
	end, fault := d.tape.Parse(d.buf, start, true, d.limits)
	switch {
	case fault != nil && fault.Code == jsontape.Malformed, fault != nil && fault.Code == jsontape.Incomplete:
		return fmt.Errorf("byte %d: %w", fault.Offset, fault)
	case fault != nil:
		e.Fault = fault.Message
		return d.skip()
	}
	d.pos = end
	if end-start > d.limits.Bytes {
		e.Fault = fmt.Sprintf("longer than %d bytes", d.limits.Bytes)
		return nil
	}
	t := &d.tape
	var parts [3]uint32
	n := 0
	if t.Nodes[0].Kind == jsontape.Array {
		for part := range t.Elements(0) {
			if n < len(parts) {
				parts[n] = part
			}
			n++
		}
	}
	if n < 2 || n > 3 || t.Nodes[parts[1]].Kind != jsontape.String {
		e.Fault = `an entry is an array of time, line and, if there is any, metadata: ["1700000000000000000", "text", {}]`
		return nil
	}
	when := t.Raw(parts[0])
	ns, err := strconv.ParseUint(when, 10, 64)
	if err != nil || ns > math.MaxInt64 {
		e.Fault = fmt.Sprintf("the time is nanoseconds since 1970 in decimal, got %.40q", when)
		return nil
	}
	e.Time, e.Line = pcommon.Timestamp(ns), t.Str(parts[1])
	if n == 3 {
		e.Metadata, e.Fault = d.pairs(e.Metadata, parts[2])
	}
	return nil
}

// pairs appends an object of texts; numbers and booleans, which some clients write, count as their text.
func (d *decoder) pairs(pairs []Label, node uint32) (_ []Label, fault string) {
	t := &d.tape
	if t.Nodes[node].Kind != jsontape.Object {
		return nil, "labels and metadata are objects of texts, this is " + t.Nodes[node].Kind.String()
	}
	for k := range t.Members(node) {
		value := t.Raw(k + 1)
		switch t.Nodes[k+1].Kind {
		case jsontape.String:
			value = t.Str(k + 1)
		case jsontape.Array, jsontape.Object, jsontape.Null:
			return nil, fmt.Sprintf("label %.100q must be a text, this is %s", t.Str(k), t.Nodes[k+1].Kind)
		}
		pairs = append(pairs, Label{t.Str(k), value})
	}
	return pairs, ""
}

func (d *decoder) parse() error {
	end, fault := d.tape.Parse(d.buf, d.pos, true, d.limits)
	if fault != nil {
		return fmt.Errorf("byte %d: %w", fault.Offset, fault)
	}
	d.pos = end
	return nil
}

func (d *decoder) space() byte {
	for d.pos < len(d.buf) {
		switch c := d.buf[d.pos]; c {
		case ' ', '\t', '\r', '\n':
			d.pos++
		default:
			return c
		}
	}
	return 0
}

func (d *decoder) unexpected(want string) error {
	if d.pos >= len(d.buf) {
		return fmt.Errorf("the body ends where %s should follow", want)
	}
	return fmt.Errorf("byte %d: %q where %s should be", d.pos, d.buf[d.pos], want)
}

// object calls member for each member of the object at pos; member reads the value.
func (d *decoder) object(what string, member func(key string) error) error {
	return d.list('{', '}', what, func() error {
		if d.space() != '"' {
			return d.unexpected("a key in double quotes")
		}
		if err := d.parse(); err != nil {
			return err
		}
		key := d.tape.Str(0)
		if d.space() != ':' {
			return d.unexpected(`":"`)
		}
		d.pos++
		d.space()
		return member(key)
	})
}

func (d *decoder) array(what string, element func() error) error {
	return d.list('[', ']', what, element)
}

func (d *decoder) list(open, closing byte, what string, element func() error) error {
	if d.space() != open {
		return d.unexpected(fmt.Sprintf("%q, the start of %s,", open, what))
	}
	d.pos++
	if d.space() == closing {
		d.pos++
		return nil
	}
	for {
		d.space()
		if err := element(); err != nil {
			return err
		}
		switch d.space() {
		case closing:
			d.pos++
			return nil
		case ',':
			d.pos++
		default:
			return d.unexpected(fmt.Sprintf(`"," or %q`, closing))
		}
	}
}

// skip passes over the value at pos by its brackets and quotes.
func (d *decoder) skip() error {
	depth := 0
	for d.pos < len(d.buf) {
		switch c := d.buf[d.pos]; c {
		case '"':
			for {
				d.pos++
				i := bytes.IndexByte(d.buf[d.pos:], '"')
				if i < 0 {
					d.pos = len(d.buf)
					return d.unexpected("the end of a string")
				}
				slashes := 0
				for d.buf[d.pos+i-1-slashes] == '\\' {
					slashes++
				}
				if d.pos += i; slashes%2 == 0 {
					break
				}
			}
		case '{', '[':
			depth++
		case '}', ']', ',':
			if depth == 0 {
				return nil
			}
			if c != ',' {
				depth--
			}
		}
		d.pos++
	}
	return d.unexpected("the end of a value")
}
