package recording

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// errUnknown is content that nothing in this package can have written.
var errUnknown = errors.New("it is not a recording")

// form is what the first bytes of some content say it is.
type form uint8

const (
	formEmpty form = iota
	formJSON       // JSON documents, one after the other; most often one a line
	formFrames
	formZstd
	formGzip
)

var formNames = [...]string{"empty", "JSON lines", "length-prefixed messages", "zstd", "gzip"}

var (
	magicZstd = []byte{0x28, 0xb5, 0x2f, 0xfd}
	magicGzip = []byte{0x1f, 0x8b}
	byteOrder = []byte{0xef, 0xbb, 0xbf}
)

// sniffLen is how many bytes sniff wants to see.
const sniffLen = 512

// sniff tells content by its first bytes, at most sniffLen of them. maxMessage is the largest believable message.
func sniff(head []byte, maxMessage int) (form, error) {
	if len(head) == 0 {
		return formEmpty, nil
	}
	if bytes.HasPrefix(head, magicZstd) {
		return formZstd, nil
	}
	if bytes.HasPrefix(head, magicGzip) {
		return formGzip, nil
	}
	text := bytes.TrimLeft(bytes.TrimPrefix(head, byteOrder), " \t\r\n")
	if len(text) > 0 && text[0] == '{' {
		return formJSON, nil
	}
	if len(text) == 0 {
		return formEmpty, nil
	}
	framed := head
	for bytes.HasPrefix(framed, make([]byte, 4)) { // messages of no bytes: requests without a record
		framed = framed[4:]
	}
	if len(framed) == 0 {
		return formFrames, nil
	}
	if len(framed) > 4 {
		if n := binary.BigEndian.Uint32(framed); int64(n) <= int64(maxMessage) && isPayload(framed[4:]) {
			return formFrames, nil
		}
	}
	if text[0] == '[' {
		return 0, fmt.Errorf("%w: it is a JSON array, and OTLP/JSON has one object a line; split it with: jq -c '.[]'", errUnknown)
	}
	return 0, fmt.Errorf("%w: it begins with % x, which is neither OTLP/JSON, length-prefixed OTLP, zstd nor gzip",
		errUnknown, head[:min(len(head), 8)])
}

// isPayload says whether b can begin one message: protobuf field 1, JSON, or either in zstd.
func isPayload(b []byte) bool {
	return b[0] == 0x0a || b[0] == '{' || bytes.HasPrefix(b, magicZstd)
}
