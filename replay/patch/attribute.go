package patch

import "github.com/instantdevlogs/devlogs/replay/wire"

// attributeKey returns the key of the KeyValue in b[from:to]; damage reads as no key, as whoever copies a KeyValue leaves
// judging it to the receiver.
func attributeKey(b []byte, from, to int) []byte {
	var f wire.Field
	var key []byte
	c := wire.NewCursor(b, from, to)
	for c.Next(&f) {
		if f.Num == wire.KeyValueKey && f.Type == wire.Len {
			key = b[f.Start:f.End]
		}
	}
	return key
}

// stringAttribute returns key and value of the KeyValue in b[from:to]; ok is false when the value is not a plain string.
func stringAttribute(b []byte, from, to int) (key, value []byte, ok bool) {
	var f wire.Field
	start, end := 0, 0
	c := wire.NewCursor(b, from, to)
	for c.Next(&f) {
		switch {
		case f.Num == wire.KeyValueKey && f.Type == wire.Len:
			key = b[f.Start:f.End]
		case f.Num == wire.KeyValueValue && f.Type == wire.Len:
			start, end = f.Start, f.End
		}
	}
	if c.Err() != nil || start == 0 {
		return key, nil, false
	}
	v := wire.NewCursor(b, start, end)
	if !v.Next(&f) || f.Num != wire.AnyValueString || f.Type != wire.Len || f.End != end {
		return key, nil, false
	}
	return key, b[f.Start:f.End], true
}
