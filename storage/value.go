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
//	double      1.5, 2.0, 1e+21            NaN, infinities            {"$double":"NaN"}, "+Inf", "-Inf"
//	bool, map, array, null (= empty)       map JSON can't hold        {"$map":[[key,value],…]}
//	                                       nested too deep            {"$otlp":"base64"}, see appendDeep
//
// A double always has a point or an exponent, an int never: that tells them apart. A map goes to "$map" when a key is not
// UTF-8 or starts with "$". OTLP forbids a key to be there twice; when it is, both are written and the last is read.
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
func AppendValue(dst []byte, v pcommon.Value) []byte { return appendValue(dst, v, 0) }

// AppendMap appends m in typed JSON: an object, "{}" when m is empty.
func AppendMap(dst []byte, m pcommon.Map) []byte { return appendMap(dst, m, 0) }

func appendValue(dst []byte, v pcommon.Value, depth int) []byte {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		return appendText(dst, v.Str())
	case pcommon.ValueTypeInt:
		return strconv.AppendInt(dst, v.Int(), 10)
	case pcommon.ValueTypeDouble:
		return appendDouble(dst, v.Double())
	case pcommon.ValueTypeBool:
		return strconv.AppendBool(dst, v.Bool())
	case pcommon.ValueTypeMap:
		if depth == maxDepth {
			return appendDeep(dst, v)
		}
		return appendMap(dst, v.Map(), depth+1)
	case pcommon.ValueTypeSlice:
		if depth == maxDepth {
			return appendDeep(dst, v)
		}
		dst = append(dst, '[')
		for i, item := range v.Slice().All() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendValue(dst, item, depth+1)
		}
		return append(dst, ']')
	case pcommon.ValueTypeBytes:
		return appendBase64(dst, keyBytes, v.Bytes().AsRaw())
	default:
		return append(dst, "null"...)
	}
}

func appendMap(dst []byte, m pcommon.Map, depth int) []byte {
	start := len(dst)
	dst = append(dst, '{')
	i := 0
	for key, value := range m.All() {
		if !plainKey(key) {
			return appendPairs(dst[:start], m, depth)
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendJSONString(dst, key)
		dst = append(dst, ':')
		dst = appendValue(dst, value, depth)
		i++
	}
	return append(dst, '}')
}

func appendPairs(dst []byte, m pcommon.Map, depth int) []byte {
	dst = append(dst, `{"$map":[`...)
	first := true
	for key, value := range m.All() {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(dst, '[')
		dst = appendText(dst, key)
		dst = append(dst, ',')
		dst = appendValue(dst, value, depth)
		dst = append(dst, ']')
	}
	return append(dst, ']', '}')
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
		return strconv.AppendFloat(dst, f, 'e', -1, 64)
	}
	dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
	if bytes.IndexByte(dst[start:], '.') < 0 {
		dst = append(dst, '.', '0')
	}
	return dst
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
	const hex = "0123456789abcdef"
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

// decodeObject reads what follows "{": a map, or one of the "$" forms.
func decodeObject(d *json.Decoder, dst pcommon.Value) error {
	m := dst.SetEmptyMap()
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return unexpectedEnd(err)
		}
		key, _ := token.(string)
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
		return decodePairs(d, dst)
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

// decodePairs reads the value of "$map": [[key,value],…].
func decodePairs(d *json.Decoder, dst pcommon.Value) error {
	pairs := pcommon.NewValueEmpty()
	if err := decodeValue(d, pairs); err != nil {
		return err
	}
	m := dst.SetEmptyMap()
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
