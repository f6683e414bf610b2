package storage

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// Typed JSON is plain JSON for every value that JSON has, so that a store's own JSON functions and people can read it, and
// an object with one "$" key for the rest:
//
//	string      "text"                     string that is not UTF-8   {"$text":"base64"}
//	int         42                         bytes                      {"$bytes":"base64"}
//	double      1.5, 2.0, 1e21             NaN, infinities            {"$double":"NaN"}, "+Inf", "-Inf"
//	bool, map, array, null (= empty)       keys JSON can't hold       {"plain":1,"$map":[[key,value],…]}
//	                                       nested too deep            {"$otlp":"base64"}, see appendDeep
//
// A double always has a point or an exponent, an int never: that tells them apart. A key goes to "$map", behind the others,
// when it is not UTF-8 or starts with "$". OTLP forbids a key to be there twice; when it is, only the last is kept. Numbers
// and escapes are written as yyjson, DuckDB's JSON library, writes them, so that a store's text of a value is this text.
const (
	keyText   = "$text"
	keyBytes  = "$bytes"
	keyDouble = "$double"
	keyMap    = "$map"
	keyDeep   = "$otlp"
)

// maxDepth is how deep the values of typed JSON nest: beyond it the JSON functions of databases, and recursion, get costly.
const maxDepth = 64

// AppendValue appends v in typed JSON.
func AppendValue(dst []byte, v pcommon.Value) []byte { return appendValue(dst, v, 0, signer{}) }

// AppendMap appends m in typed JSON: an object, "{}" when m is empty.
func AppendMap(dst []byte, m pcommon.Map) []byte { return appendMap(dst, m, 0, signer{}) }

// appendValue and appendMap also sign what they append.
func appendValue(dst []byte, v pcommon.Value, depth int, sign signer) []byte {
	start := len(dst)
	switch v.Type() {
	case pcommon.ValueTypeStr:
		sign.addString(v.Str())
		return appendText(dst, v.Str())
	case pcommon.ValueTypeInt:
		dst = strconv.AppendInt(dst, v.Int(), 10)
	case pcommon.ValueTypeDouble:
		dst = appendDouble(dst, v.Double())
	case pcommon.ValueTypeBool:
		dst = strconv.AppendBool(dst, v.Bool())
	case pcommon.ValueTypeMap:
		if depth == maxDepth {
			return appendDeep(dst, v)
		}
		return appendMap(dst, v.Map(), depth+1, sign)
	case pcommon.ValueTypeSlice:
		if depth == maxDepth {
			return appendDeep(dst, v)
		}
		dst = append(dst, '[')
		for i, item := range v.Slice().All() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendValue(dst, item, depth+1, signer{})
		}
		return append(dst, ']')
	case pcommon.ValueTypeBytes:
		return appendBase64(dst, keyBytes, v.Bytes().AsRaw())
	default:
		return append(dst, "null"...)
	}
	sign.add(dst[start:])
	return dst
}

func appendMap(dst []byte, m pcommon.Map, depth int, sign signer) []byte {
	var memory [32]string
	keys := memory[:0]
	for key := range m.All() {
		keys = append(keys, key)
	}
	repeats, special := repeatedKeys(keys), false
	dst = append(dst, '{')
	start, i := len(dst), -1
	for key, value := range m.All() {
		i++
		switch {
		case repeats != nil && repeats[i]:
		case !plainKey(key):
			special = true
		default:
			dst = appendComma(dst, start)
			dst = appendJSONString(dst, key)
			dst = append(dst, ':')
			dst = appendValue(dst, value, depth, sign.under(key))
		}
	}
	if special {
		dst = append(appendComma(dst, start), `"$map":[`...)
		dst = appendPairs(dst, m, repeats, depth)
		dst = append(dst, ']')
	}
	return append(dst, '}')
}

// appendPairs appends the entries whose keys are not plain.
func appendPairs(dst []byte, m pcommon.Map, repeats []bool, depth int) []byte {
	start, i := len(dst), -1
	for key, value := range m.All() {
		i++
		if plainKey(key) || repeats != nil && repeats[i] {
			continue
		}
		dst = append(appendComma(dst, start), '[')
		dst = appendText(dst, key)
		dst = append(dst, ',')
		dst = appendValue(dst, value, depth, signer{}) // no path leads here
		dst = append(dst, ']')
	}
	return dst
}

// appendComma separates an item from the one before it; the first begins at start.
func appendComma(dst []byte, start int) []byte {
	if len(dst) == start {
		return dst
	}
	return append(dst, ',')
}

// repeatedKeys marks the keys that come again later; nil when none does.
func repeatedKeys(keys []string) (repeats []bool) {
	const few = 16 // keys that are compared each with each
	if len(keys) > few {
		last := make(map[string]struct{}, len(keys))
		for i := len(keys) - 1; i >= 0; i-- {
			if _, again := last[keys[i]]; again {
				repeats = markRepeat(repeats, i, len(keys))
			}
			last[keys[i]] = struct{}{}
		}
		return repeats
	}
	for i, key := range keys {
		for _, later := range keys[i+1:] {
			if key == later {
				repeats = markRepeat(repeats, i, len(keys))
				break
			}
		}
	}
	return repeats
}

func markRepeat(repeats []bool, i, n int) []bool {
	if repeats == nil {
		repeats = make([]bool, n)
	}
	repeats[i] = true
	return repeats
}

func plainKey(key string) bool { return (key == "" || key[0] != '$') && utf8.ValidString(key) }

// appendDeep keeps a value that nests beyond maxDepth as the OTLP message of a record that has it as its body.
func appendDeep(dst []byte, v pcommon.Value) []byte {
	logs := plog.NewLogs()
	v.CopyTo(logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Body())
	message, err := (&plog.ProtoMarshaler{}).MarshalLogs(logs)
	if err != nil {
		panic(err) // it fails for no value: the error is there for other marshalers
	}
	return appendBase64(dst, keyDeep, message)
}

func appendDouble(dst []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		dst = append(dst, `{"$double":"`...)
		dst = strconv.AppendFloat(dst, f, 'g', -1, 64)
		return append(dst, `"}`...)
	}
	start := len(dst)
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		return trimExponent(strconv.AppendFloat(dst, f, 'e', -1, 64), start)
	}
	dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
	if bytes.IndexByte(dst[start:], '.') < 0 {
		dst = append(dst, '.', '0')
	}
	return dst
}

// trimExponent turns Go's 1e+21 and 1e-07, from start on, into 1e21 and 1e-7.
func trimExponent(dst []byte, start int) []byte {
	e := start + bytes.IndexByte(dst[start:], 'e') + 1
	digits := e + 1
	if dst[e] == '-' {
		e++
	}
	for dst[digits] == '0' {
		digits++
	}
	return append(dst[:e], dst[digits:]...)
}

func appendText(dst []byte, s string) []byte {
	if !utf8.ValidString(s) {
		return appendBase64(dst, keyText, []byte(s))
	}
	return appendJSONString(dst, s)
}

func appendBase64(dst []byte, key string, b []byte) []byte {
	dst = append(dst, `{"`...)
	dst = append(dst, key...)
	dst = append(dst, `":"`...)
	dst = base64.StdEncoding.AppendEncode(dst, b)
	return append(dst, `"}`...)
}

// appendJSONString appends s, which is UTF-8, quoted. Only what JSON demands is escaped, so that a text search finds in the
// stored form what a person would type.
func appendJSONString(dst []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[start:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		start = i + 1
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

// DecodeValue reads typed JSON into dst, replacing what it held.
func DecodeValue(typed string, dst pcommon.Value) error {
	d := json.NewDecoder(strings.NewReader(typed))
	d.UseNumber()
	if err := decodeValue(d, dst); err != nil {
		return fmt.Errorf("read stored value: %w", err)
	}
	return nil
}

// DecodeMap reads a typed JSON object into dst, replacing what it held.
func DecodeMap(typed string, dst pcommon.Map) error {
	if typed == "{}" || typed == "" {
		dst.Clear()
		return nil
	}
	v := pcommon.NewValueEmpty()
	if err := DecodeValue(typed, v); err != nil {
		return err
	}
	if v.Type() != pcommon.ValueTypeMap {
		return fmt.Errorf("read stored map: it holds a %s", v.Type())
	}
	v.Map().MoveTo(dst)
	return nil
}

func decodeValue(d *json.Decoder, dst pcommon.Value) error {
	token, err := d.Token()
	if err != nil {
		return unexpectedEnd(err)
	}
	return decodeToken(d, token, dst)
}

func decodeToken(d *json.Decoder, token json.Token, dst pcommon.Value) error {
	switch t := token.(type) {
	case string:
		dst.SetStr(t)
	case bool:
		dst.SetBool(t)
	case json.Number:
		return decodeNumber(string(t), dst)
	case json.Delim:
		if t == '[' {
			items := dst.SetEmptySlice()
			for d.More() {
				if err := decodeValue(d, items.AppendEmpty()); err != nil {
					return err
				}
			}
			_, err := d.Token()
			return unexpectedEnd(err)
		}
		return decodeObject(d, dst)
	default: // null: dst is empty as it was made
	}
	return nil
}

func decodeNumber(text string, dst pcommon.Value) error {
	if !strings.ContainsAny(text, ".eE") {
		n, err := strconv.ParseInt(text, 10, 64)
		dst.SetInt(n)
		return err
	}
	f, err := strconv.ParseFloat(text, 64)
	dst.SetDouble(f)
	return err
}

// decodeObject reads what follows "{": a map, or one of the "$" forms, which but for "$map" stand alone.
func decodeObject(d *json.Decoder, dst pcommon.Value) error {
	m := dst.SetEmptyMap()
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return unexpectedEnd(err)
		}
		key, _ := token.(string)
		if dst.Type() != pcommon.ValueTypeMap {
			return fmt.Errorf("%q stands beside a form that stands alone", key)
		}
		if strings.HasPrefix(key, "$") {
			if err := decodeSpecial(d, key, dst); err != nil {
				return err
			}
			continue
		}
		if err := decodeValue(d, m.PutEmpty(key)); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return unexpectedEnd(err)
}

func decodeSpecial(d *json.Decoder, key string, dst pcommon.Value) error {
	if key == keyMap {
		return decodePairs(d, dst.Map())
	}
	var text string
	if err := d.Decode(&text); err != nil {
		return err
	}
	switch key {
	case keyText, keyBytes, keyDeep:
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return err
		}
		return decodeRaw(key, raw, dst)
	case keyDouble:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return err
		}
		dst.SetDouble(f)
	default:
		return fmt.Errorf("unknown form %q", key)
	}
	return nil
}

func decodeRaw(key string, raw []byte, dst pcommon.Value) error {
	switch key {
	case keyText:
		dst.SetStr(string(raw))
	case keyBytes:
		dst.SetEmptyBytes().FromRaw(raw)
	default:
		logs, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(raw)
		if err != nil {
			return err
		}
		if logs.LogRecordCount() != 1 {
			return errors.New("the message of a deep value holds no record")
		}
		logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Body().MoveTo(dst)
	}
	return nil
}

// decodePairs reads the value of "$map": [[key,value],…] into m.
func decodePairs(d *json.Decoder, m pcommon.Map) error {
	pairs := pcommon.NewValueEmpty()
	if err := decodeValue(d, pairs); err != nil {
		return err
	}
	if pairs.Type() != pcommon.ValueTypeSlice {
		return errors.New(`"$map" holds no list`)
	}
	for _, pair := range pairs.Slice().All() {
		if pair.Type() != pcommon.ValueTypeSlice || pair.Slice().Len() != 2 || pair.Slice().At(0).Type() != pcommon.ValueTypeStr {
			return errors.New(`"$map" holds something else than [key, value]`)
		}
		pair.Slice().At(1).MoveTo(m.PutEmpty(pair.Slice().At(0).Str()))
	}
	return nil
}

// unexpectedEnd gives an end of input in the middle of a value its right name.
func unexpectedEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
