package lokipush

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"unsafe"

	"github.com/klauspost/compress/s2"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"google.golang.org/protobuf/encoding/protowire"
)

// ErrTooLarge is returned by Unsnap for a block that holds more than the limit.
var ErrTooLarge = errors.New("the snappy block holds too much")

// Unsnap decompresses a body, or returns it as it is when it is no snappy block: with "Content-Encoding: snappy" the
// server has decompressed it already.
func Unsnap(body []byte, limit int) ([]byte, error) {
	n, err := s2.DecodedLen(body)
	if err != nil {
		return body, nil
	}
	if n > limit {
		if isMessage(body) {
			return body, nil
		}
		return nil, ErrTooLarge
	}
	plain, err := s2.Decode(nil, body)
	if err != nil {
		if isMessage(body) {
			return body, nil
		}
		return nil, fmt.Errorf("neither a snappy block (%w) nor a protobuf message", err)
	}
	return plain, nil
}

// isMessage tells whether all fields of a body can be told apart, as in an uncompressed PushRequest.
func isMessage(body []byte) bool {
	for len(body) > 0 {
		num, kind, n := protowire.ConsumeTag(body)
		if n < 0 || num != 1 || kind != protowire.BytesType {
			return false
		}
		if body, n = body[n:], protowire.ConsumeFieldValue(num, kind, body[n:]); n < 0 {
			return false
		}
		body = body[n:]
	}
	return true
}

// DecodeProto reads an uncompressed PushRequest:
//
//	PushRequest { repeated Stream streams = 1 }
//	Stream      { string labels = 1; repeated Entry entries = 2; uint64 hash = 3 }
//	Entry       { Timestamp timestamp = 1; string line = 2; repeated Label structuredMetadata = 3 }
//	Label       { string name = 1; string value = 2 }
//
// The body must not change as long as a string from it is used. An error means that the body is damaged from there on.
func DecodeProto(body []byte, v Visitor) error {
	stream := 0
	return eachField(body, func(num protowire.Number, value []byte, _ uint64) error {
		if num != 1 {
			return nil
		}
		err := decodeStream(value, stream, v)
		stream++
		return err
	})
}

func decodeStream(msg []byte, index int, v Visitor) error {
	labels, fault := "", ""
	if err := eachField(msg, func(num protowire.Number, value []byte, _ uint64) error {
		if num == 1 {
			labels = text(value)
		}
		return nil
	}); err != nil {
		return err
	}
	parsed, err := ParseLabels(labels)
	if err != nil {
		fault = err.Error()
	}
	v.Stream(parsed)
	e := Entry{Stream: index, Index: -1}
	return eachField(msg, func(num protowire.Number, value []byte, _ uint64) error {
		if num != 2 {
			return nil
		}
		e.Index++
		if err := decodeEntry(value, &e); err != nil {
			return err
		}
		if fault != "" {
			e.Fault = fault
		}
		if !v.Entry(e) {
			return errStop
		}
		return nil
	})
}

// errStop ends decoding when the visitor has had enough.
var errStop = errors.New("stop")

// Stopped tells whether an error of a decoder only means that the visitor's Entry returned false.
func Stopped(err error) bool { return errors.Is(err, errStop) }

func decodeEntry(msg []byte, e *Entry) error {
	e.Time, e.Line, e.Metadata, e.Fault = 0, "", e.Metadata[:0], ""
	return eachField(msg, func(num protowire.Number, value []byte, _ uint64) error {
		switch num {
		case 1:
			var seconds, nanos int64
			err := eachField(value, func(num protowire.Number, _ []byte, number uint64) error {
				switch num {
				case 1:
					seconds = int64(number)
				case 2:
					nanos = int64(number)
				}
				return nil
			})
			if seconds < 0 || seconds >= math.MaxInt64/1_000_000_000 || nanos < 0 || nanos >= 1e9 {
				e.Fault = "a time before 1970 or after 2262"
				return err
			}
			e.Time = pcommon.Timestamp(seconds*1e9 + nanos)
			return err
		case 2:
			e.Line = text(value)
		case 3:
			var pair Label
			err := eachField(value, func(num protowire.Number, value []byte, _ uint64) error {
				switch num {
				case 1:
					pair.Name = text(value)
				case 2:
					pair.Value = text(value)
				}
				return nil
			})
			e.Metadata = append(e.Metadata, pair)
			return err
		}
		return nil
	})
}

// eachField calls visit with every field of a message: value for length-delimited ones, number for varints.
func eachField(msg []byte, visit func(num protowire.Number, value []byte, number uint64) error) error {
	for len(msg) > 0 {
		num, kind, n := protowire.ConsumeTag(msg)
		if n < 0 {
			return fmt.Errorf("the protobuf message is damaged: %w", protowire.ParseError(n))
		}
		msg = msg[n:]
		var value []byte
		var number uint64
		switch kind {
		case protowire.BytesType:
			value, n = protowire.ConsumeBytes(msg)
		case protowire.VarintType:
			number, n = protowire.ConsumeVarint(msg)
		default:
			n = protowire.ConsumeFieldValue(num, kind, msg)
		}
		if n < 0 {
			return fmt.Errorf("the protobuf message is damaged: %w", protowire.ParseError(n))
		}
		msg = msg[n:]
		if err := visit(num, value, number); err != nil {
			return err
		}
	}
	return nil
}

func text(b []byte) string {
	return strings.ToValidUTF8(unsafe.String(unsafe.SliceData(b), len(b)), "\uFFFD")
}
