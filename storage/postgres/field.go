package postgres

import (
	"encoding/json"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/storage"
)

// unsigned writes a 64-bit column, which PostgreSQL takes for signed, as the number it is.
func unsigned(column string) string {
	return "CASE WHEN " + column + " >= 0 THEN " + column + "::text ELSE (" + column + "::numeric + 18446744073709551616)::text END"
}

// fieldText is a field's text as storage.Text defines it, never NULL. Of a row with raw it may be wrong.
func (s *statement) fieldText(f storage.FieldRef) string {
	switch f.Kind {
	case storage.FieldBody:
		return "body"
	case storage.FieldSeverity:
		return "severity::text"
	case storage.FieldSeverityText:
		return "severity_text"
	case storage.FieldStream:
		return "(" + unsigned("stream") + ")"
	case storage.FieldTraceID:
		return "coalesce(replace(trace_id::text, '-', ''), '')"
	case storage.FieldSpanID:
		return "coalesce(lpad(to_hex(span_id), 16, '0'), '')"
	case storage.FieldEventName:
		return "event_name"
	case storage.FieldFlags:
		return "(flags::bigint & 4294967295)::text"
	case storage.FieldObserved:
		return "(" + unsigned("observed") + ")"
	}
	return "coalesce(" + s.attributeText(f) + ", '')"
}

// numberOf reads a text as a number; NULL when it is none. What is too large for double precision is none, and neither are
// numbers of hundreds of digits. The inner SELECT has the text made once and not at each place it is used.
func numberOf(text string) string {
	return `(SELECT CASE WHEN t ~ '^[+-]?[0-9]{1,100}(?:\.[0-9]{1,100})?$' THEN t::double precision
		WHEN t ~ '^[+-]?[0-9]{1,255}(?:\.[0-9]{1,255})?(?:[eE][+-]?0*[0-9]{1,3})?$' THEN
			CASE WHEN abs(t::numeric) > 1.7976931348623157e308 THEN NULL WHEN abs(t::numeric) < 1e-323 THEN 0
			ELSE t::numeric::double precision END END FROM (SELECT ` + text + ` AS t OFFSET 0) AS x)`
}

// fieldNumber is a field as a number, NULL where it is none. Of a row with raw it may be wrong.
func (s *statement) fieldNumber(f storage.FieldRef) string {
	switch f.Kind {
	case storage.FieldSeverity:
		return "severity::double precision"
	case storage.FieldFlags:
		return "(flags::bigint & 4294967295)::double precision"
	case storage.FieldStream:
		return "(" + unsigned("stream") + ")::double precision"
	case storage.FieldObserved:
		return "(" + unsigned("observed") + ")::double precision"
	}
	return numberOf(s.fieldText(f))
}

// Attributes are stored as the text of their JSON. Reading JSON costs about a microsecond a row, finding a piece of text a
// tenth of that, and TimescaleDB finds it in a thousand rows at a time: so each question about an attribute first asks
// whether the text has what it must have. PostgreSQL takes the last of two equal keys, as our own reader does.

// attributeText is an attribute's text, NULL when it is absent or null. Odd rows (see odd in copy.go) are left out, as the
// JSON functions fail on some.
func (s *statement) attributeText(f storage.FieldRef) string {
	if hidden(f) {
		return "NULL::text"
	}
	path := f.Path[:len(f.Path)-1]
	return "CASE WHEN " + s.keyThere(f) + " AND raw IS NULL THEN attributes::json" + s.steps(path) +
		" ->> " + s.arg(noNUL(f.Path[len(f.Path)-1]), "text") + " END"
}

// hidden tells whether only odd rows can have the path: keys that begin with "$" mark the forms of typed JSON.
func hidden(f storage.FieldRef) bool {
	return slices.ContainsFunc(f.Path, func(key string) bool { return strings.HasPrefix(key, "$") })
}

func (s *statement) steps(path []string) string {
	var b strings.Builder
	for _, key := range path {
		b.WriteString(" -> " + s.arg(noNUL(key), "text"))
	}
	return b.String()
}

// noNUL keeps a key that PostgreSQL can't hold from failing: only odd rows have one.
func noNUL(key string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(key, "\uFFFD"), "\x00", "\uFFFD")
}

// keyThere holds when some object in the attributes has the last key of the path.
func (s *statement) keyThere(f storage.FieldRef) string {
	return "attributes LIKE " + s.arg("%"+escapeLike(jsonKey(f))+"%", "text")
}

// jsonKey is the last key of a path as it stands in JSON text.
func jsonKey(f storage.FieldRef) string { return jsonString(noNUL(f.Path[len(f.Path)-1])) + ":" }

func (s *statement) attributeThere(f storage.FieldRef) string {
	if hidden(f) {
		return "false"
	}
	exact := "attributes::json" + s.steps(f.Path) + " IS NOT NULL"
	return "CASE WHEN " + s.keyThere(f) + " AND raw IS NULL THEN " + s.orFlat(f, exact) + " ELSE false END"
}

// attributeEquals: the text must have the key and the value side by side.
func (s *statement) attributeEquals(f storage.FieldRef, value string) string {
	exact := s.fieldText(f) + " = " + s.arg(value, "text")
	if value == "" {
		return exact
	}
	key := jsonKey(f)
	sides := []string{key + jsonString(value)}
	if isToken(value) {
		sides = append(sides, key+value+",", key+value+"}")
	}
	likes := make([]string, len(sides))
	for i, side := range sides {
		likes[i] = "attributes LIKE " + s.arg("%"+escapeLike(side)+"%", "text")
	}
	return "(" + strings.Join(likes, " OR ") + ") AND " + s.orFlat(f, exact)
}

// isToken tells whether a value that is no string can have this text: a number, a boolean, a map or an array.
func isToken(text string) bool {
	return json.Valid([]byte(text)) && text[0] != '"' && text != "null" && strings.TrimSpace(text) == text
}

// orFlat spares the exact condition where what was found in the text can't be anything else: the path is one plain key, and
// the object has no other object in it and nothing that is escaped.
func (s *statement) orFlat(f storage.FieldRef, exact string) string {
	if len(f.Path) != 1 || !plainName(f.Path[0]) {
		return exact
	}
	return `CASE WHEN attributes NOT LIKE '_%{%' AND attributes NOT LIKE '%\\%' AND raw IS NULL THEN true ELSE ` + exact + " END"
}

func plainName(key string) bool {
	return key != "" && isAlphanumeric(rune(key[0])) && jsonString(key) == `"`+key+`"` && !strings.ContainsAny(key, "{$")
}

// jsonString is a text as typed JSON has it.
func jsonString(s string) string { return string(storage.AppendValue(nil, pcommon.NewValueStr(s))) }

// jsonEscaped is a text as it stands within a JSON string.
func jsonEscaped(s string) string {
	quoted := jsonString(s)
	return quoted[1 : len(quoted)-1]
}
