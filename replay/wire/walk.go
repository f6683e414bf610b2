package wire

import (
	"encoding/binary"
	"fmt"
)

// Visitor is called with where things lie; a nil function is not called. An error from one ends the walk.
type Visitor struct {
	Resource func(start, end int) error // the Resource message of one ResourceLogs
	Record   func(start, end int) error // one LogRecord
}

// Walk visits the resources and records of the request in b, in the order of the bytes.
func Walk(b []byte, v Visitor) error {
	var f Field
	request := NewCursor(b, 0, len(b))
	for request.Next(&f) {
		if f.Num != RequestResourceLogs {
			continue
		}
		if err := expect(&f, "ResourceLogs"); err != nil {
			return err
		}
		if err := walkResource(b, f.Start, f.End, &v); err != nil {
			return err
		}
	}
	return request.Err()
}

func walkResource(b []byte, start, end int, v *Visitor) error {
	var f Field
	c := NewCursor(b, start, end)
	for c.Next(&f) {
		switch f.Num {
		case ResourceLogsResource:
			if err := expect(&f, "Resource"); err != nil {
				return err
			}
			if v.Resource != nil {
				if err := v.Resource(f.Start, f.End); err != nil {
					return err
				}
			}
		case ResourceLogsScope:
			if err := expect(&f, "ScopeLogs"); err != nil {
				return err
			}
			if err := walkScope(b, f.Start, f.End, v); err != nil {
				return err
			}
		}
	}
	return c.Err()
}

func walkScope(b []byte, start, end int, v *Visitor) error {
	var f Field
	c := NewCursor(b, start, end)
	for c.Next(&f) {
		if f.Num != ScopeLogsRecords {
			continue
		}
		if err := expect(&f, "LogRecord"); err != nil {
			return err
		}
		if v.Record != nil {
			if err := v.Record(f.Start, f.End); err != nil {
				return err
			}
		}
	}
	return c.Err()
}

func expect(f *Field, what string) error {
	if f.Type != Len {
		return fmt.Errorf("protobuf at byte %d: %s has wire type %d, not 2", f.Tag, what, f.Type)
	}
	return nil
}

// Summary is what a request says of itself.
type Summary struct {
	Records     int
	MaxTime     uint64 // ns since 1970; 0: no record has one
	MaxObserved uint64 // ns since 1970; 0: no record has one
}

// Summarise counts the records of the request in b and finds its latest times.
func Summarise(b []byte) (Summary, error) {
	var s Summary
	err := Walk(b, Visitor{Record: func(start, end int) error {
		s.Records++
		var f Field
		c := NewCursor(b, start, end)
		for c.Next(&f) {
			if f.Type != Fixed64 {
				continue
			}
			switch f.Num {
			case RecordTime:
				s.MaxTime = max(s.MaxTime, binary.LittleEndian.Uint64(b[f.Start:]))
			case RecordObserved:
				s.MaxObserved = max(s.MaxObserved, binary.LittleEndian.Uint64(b[f.Start:]))
			}
		}
		return c.Err()
	}})
	return s, err
}
