package jsonmap

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/instantdevlogs/devlogs/receiver/jsonlogreceiver/internal/jsontape"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// readTraceID reads 32 hex digits, 16 for the 64-bit ids of older tracers, a UUID, or Google Cloud's
// "projects/…/traces/…". Datadog writes its 64-bit ids in decimal.
func readTraceID(t *jsontape.Tape, node uint32, decimal bool) (pcommon.TraceID, bool) {
	text, ok := idText(t, node)
	if !ok {
		return pcommon.TraceID{}, false
	}
	if i := strings.LastIndex(text, "/traces/"); i >= 0 {
		text = text[i+len("/traces/"):]
	}
	return ParseTraceID(text, decimal)
}

// ParseTraceID reads a trace id as readTraceID does. All zeros is none.
func ParseTraceID(text string, decimal bool) (id pcommon.TraceID, ok bool) {
	if len(text) == 36 && text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-' {
		text = strings.ReplaceAll(text, "-", "")
	}
	if len(text) == 32 {
		ok = decodeHex(id[:], text)
	} else {
		ok = parseID64(id[8:], text, decimal)
	}
	return id, ok && !id.IsEmpty()
}

func readSpanID(t *jsontape.Tape, node uint32, decimal bool) (pcommon.SpanID, bool) {
	text, ok := idText(t, node)
	if !ok {
		return pcommon.SpanID{}, false
	}
	return ParseSpanID(text, decimal)
}

// ParseSpanID reads 16 hex digits, or a decimal number. All zeros is none.
func ParseSpanID(text string, decimal bool) (id pcommon.SpanID, ok bool) {
	ok = parseID64(id[:], text, decimal)
	return id, ok && !id.IsEmpty()
}

func idText(t *jsontape.Tape, node uint32) (string, bool) {
	switch t.Nodes[node].Kind {
	case jsontape.String:
		return t.Str(node), true
	case jsontape.Int:
		return t.Raw(node), true
	}
	return "", false
}

func parseID64(dst []byte, text string, decimal bool) bool {
	if !decimal {
		return len(text) == 16 && decodeHex(dst, text)
	}
	n, err := strconv.ParseUint(text, 10, 64)
	binary.BigEndian.PutUint64(dst, n)
	return err == nil
}

// decodeHex fills dst from 2*len(dst) hex digits of either case.
func decodeHex(dst []byte, text string) bool {
	for i := range dst {
		high, low := unhex[text[2*i]], unhex[text[2*i+1]]
		if high|low > 15 {
			return false
		}
		dst[i] = high<<4 | low
	}
	return true
}

var unhex = func() (table [256]byte) {
	for i := range table {
		table[i] = 255
	}
	for i, c := range "0123456789abcdef" {
		table[c] = byte(i)
	}
	for i, c := range "ABCDEF" {
		table[c] = byte(10 + i)
	}
	return table
}()

// readTraceparent reads the header of W3C Trace Context, version 00: 00-traceid-spanid-flags.
func readTraceparent(t *jsontape.Tape, node uint32) (trace pcommon.TraceID, span pcommon.SpanID, flags plog.LogRecordFlags, ok bool) {
	if t.Nodes[node].Kind != jsontape.String {
		return trace, span, flags, false
	}
	parts := strings.Split(t.Str(node), "-")
	if len(parts) != 4 || len(parts[3]) != 2 || len(parts[1]) != 32 {
		return trace, span, flags, false
	}
	f, err := hex.DecodeString(parts[3])
	trace, ok1 := ParseTraceID(parts[1], false)
	span, ok2 := ParseSpanID(parts[2], false)
	if err != nil || !ok1 || !ok2 {
		return trace, span, flags, false
	}
	return trace, span, plog.LogRecordFlags(f[0]), true
}

// readFlags reads trace flags: a number, two hex digits, or whether the trace is sampled.
func readFlags(t *jsontape.Tape, node uint32) (plog.LogRecordFlags, bool) {
	switch n := &t.Nodes[node]; n.Kind {
	case jsontape.True:
		return 1, true
	case jsontape.False:
		return 0, true
	case jsontape.Int:
		f, err := strconv.ParseUint(t.Raw(node), 10, 8)
		return plog.LogRecordFlags(f), err == nil
	case jsontape.String:
		switch s := t.Str(node); s {
		case "true", "True":
			return 1, true
		case "false", "False":
			return 0, true
		default:
			f, err := strconv.ParseUint(s, 16, 8)
			return plog.LogRecordFlags(f), err == nil
		}
	}
	return 0, false
}
