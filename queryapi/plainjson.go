package queryapi

import (
	"encoding/base64"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/storage"
)

// appendPlain appends a value that is stored in typed JSON (see storage.AppendValue) as the plain JSON that clients get.
// The two are the same but for the "$" forms: bytes become their base64, NaN and the infinities the strings "NaN", "+Inf"
// and "-Inf", text that is not UTF-8 gets U+FFFD in place of what is wrong, and maps with unusual keys are maps.
func appendPlain(dst []byte, typed string) ([]byte, error) {
	if typed == "" {
		return append(dst, "null"...), nil
	}
	if !strings.Contains(typed, `"$`) {
		return append(dst, typed...), nil
	}
	v := pcommon.NewValueEmpty()
	if err := storage.DecodeValue(typed, v); err != nil {
		return dst, err
	}
	return appendPlainValue(dst, v), nil
}

func appendPlainValue(dst []byte, v pcommon.Value) []byte {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		return appendString(dst, v.Str())
	case pcommon.ValueTypeBytes:
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, v.Bytes().AsRaw())
		return append(dst, '"')
	case pcommon.ValueTypeDouble:
		if f := v.Double(); math.IsNaN(f) || math.IsInf(f, 0) {
			return strconv.AppendQuote(dst, strconv.FormatFloat(f, 'g', -1, 64))
		}
		return storage.AppendValue(dst, v)
	case pcommon.ValueTypeMap:
		dst = append(dst, '{')
		i := 0
		for key, item := range v.Map().All() {
			if i++; i > 1 {
				dst = append(dst, ',')
			}
			dst = append(appendString(dst, key), ':')
			dst = appendPlainValue(dst, item)
		}
		return append(dst, '}')
	case pcommon.ValueTypeSlice:
		dst = append(dst, '[')
		for i, item := range v.Slice().All() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendPlainValue(dst, item)
		}
		return append(dst, ']')
	default:
		return storage.AppendValue(dst, v)
	}
}

// plainText gives the text of a column that keeps protobuf strings, in which a leading NUL marks typed JSON.
func plainText(s string) (string, error) {
	if s == "" || s[0] != 0 {
		return s, nil
	}
	v := pcommon.NewValueEmpty()
	err := storage.DecodeValue(s[1:], v)
	return strings.ToValidUTF8(v.Str(), "\uFFFD"), err
}

// plainValue is a field's text as storage.Aggregate groups by it, without "$" forms.
func plainValue(text string) string {
	if !strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "[") || !strings.Contains(text, `"$`) {
		return text
	}
	v := pcommon.NewValueEmpty()
	if storage.DecodeValue(text, v) != nil {
		return text // a string that only looks like one
	}
	return textOf(v)
}

// textOf is a value as text: a string as it is, any other in plain JSON without quotes around it.
func textOf(v pcommon.Value) string {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		return strings.ToValidUTF8(v.Str(), "\uFFFD")
	case pcommon.ValueTypeEmpty:
		return ""
	default:
		return strings.Trim(string(appendPlainValue(nil, v)), `"`)
	}
}

// appendString appends s as a JSON string.
func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' {
				i++
				continue
			}
			dst = append(dst, s[start:i]...)
			switch c {
			case '"', '\\':
				dst = append(dst, '\\', c)
			case '\n':
				dst = append(dst, '\\', 'n')
			case '\r':
				dst = append(dst, '\\', 'r')
			case '\t':
				dst = append(dst, '\\', 't')
			default:
				dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			}
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			dst = append(append(dst, s[start:i]...), "\uFFFD"...)
			start = i + 1
		}
		i += size
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}
