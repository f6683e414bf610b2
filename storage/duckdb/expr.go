package duckdb

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/duckdb/internal/engine"
)

// maxListed is up to how many streams are written as a list; more are joined.
const maxListed = 64

// where compiles a condition. No part of it is ever NULL, so that NOT is what it says.
func (s *statement) where(e storage.Expr) (string, error) {
	switch e := e.(type) {
	case nil:
		return "", nil
	case storage.And:
		return s.all(e, " AND ", "true")
	case storage.Or:
		return s.all(e, " OR ", "false")
	case storage.Not:
		x, err := s.where(e.X)
		if x == "" {
			x = "true"
		}
		return "NOT (" + x + ")", err
	case storage.InStreams:
		return s.inStreams(e.IDs), nil
	case storage.Text:
		return s.text(e)
	case storage.Number:
		return s.number(e)
	case storage.Has:
		return s.has(e.Field), nil
	default:
		return "", fmt.Errorf("unknown condition %T", e)
	}
}

func (s *statement) all(list []storage.Expr, operator, empty string) (string, error) {
	if len(list) == 0 {
		return empty, nil
	}
	parts := make([]string, len(list))
	for i, e := range list {
		x, err := s.where(e)
		if err != nil {
			return "", err
		}
		if x == "" {
			x = "true"
		}
		parts[i] = "(" + x + ")"
	}
	return strings.Join(parts, operator), nil
}

func (s *statement) inStreams(ids []uint64) string {
	switch {
	case len(ids) == 0:
		return "false"
	case len(ids) > maxListed:
		return "stream IN (SELECT unnest(" + s.arg(ids) + "))"
	}
	places := make([]string, len(ids))
	for i, id := range ids {
		places[i] = s.arg(id)
	}
	return "stream IN (" + strings.Join(places, ", ") + ")"
}

func (s *statement) text(t storage.Text) (string, error) {
	if t.Op == storage.TextMatch {
		pattern, err := portable(t.Value)
		if err != nil {
			return "", err
		}
		return "regexp_matches(" + s.fieldText(t.Field) + ", " + s.arg(pattern) + ")", nil
	}
	if !utf8.ValidString(t.Value) {
		return "false", nil // stored text is UTF-8
	}
	if t.Fold {
		pattern := folded(t.Value)
		if t.Op == storage.TextEqual {
			pattern = `\A(?:` + pattern + `)\z`
		}
		field := s.fieldText(t.Field)
		condition := "regexp_matches(" + field + ", " + s.arg(pattern) + ")"
		if part := caseless(t.Value); len(part) > 1 { // most texts lack it, and that is found out sooner
			condition = "contains(" + field + ", " + s.arg(part) + ") AND " + condition
		}
		return condition, nil
	}
	if t.Op == storage.TextContains {
		return "contains(" + s.fieldText(t.Field) + ", " + s.arg(t.Value) + ")", nil
	}
	return s.equal(t.Field, t.Value), nil
}

// equal compares columns in their own type where there is one.
func (s *statement) equal(f storage.FieldRef, value string) string {
	switch f.Kind {
	case storage.FieldTraceID:
		var id engine.UUID
		if !parseID(value, id[:]) {
			return "false"
		}
		return "trace_id = " + s.arg(id)
	case storage.FieldSpanID:
		var id [8]byte
		if !parseID(value, id[:]) {
			return "false"
		}
		return "span_id = " + s.arg(binary.BigEndian.Uint64(id[:]))
	case storage.FieldSeverity, storage.FieldStream, storage.FieldFlags, storage.FieldObserved:
		return s.equalNumber(f, value)
	}
	equal := s.fieldText(f) + " = " + s.arg(value)
	if s.signed || f.Kind != storage.FieldAttribute || value == "" || !storable(f) {
		return equal
	}
	return s.written(f, value) + " AND " + equal
}

// written holds for all attributes that hold value at f, and for few others: the text of the key and the value, as typed
// JSON has them, is found several times faster than the JSON is read.
func (s *statement) written(f storage.FieldRef, value string) string {
	quoted := func(text string) string { return string(storage.AppendValue(nil, pcommon.NewValueStr(text))) }
	key := quoted(f.Path[len(f.Path)-1]) + ":"
	condition := "contains(attributes, " + s.arg(key+quoted(value)) + ")"
	if strings.ContainsRune("+-0123456789tf{[", rune(value[0])) { // perhaps no string
		condition = "(" + condition + " OR contains(attributes, " + s.arg(key+value) + "))"
		if quoted(value) == `"`+value+`"` { // both look for it: most attributes lack it, and that is found out sooner
			condition = "contains(attributes, " + s.arg(value) + ") AND " + condition
		}
	}
	return condition
}

// storable tells whether a record can have the attribute under its own key: others are in "$map", where no path leads.
func storable(f storage.FieldRef) bool {
	for _, key := range f.Path {
		if strings.HasPrefix(key, "$") || !utf8.ValidString(key) {
			return false
		}
	}
	return len(f.Path) > 0
}

// equalNumber compares a column of whole numbers with a text, which must be as the column's would be written.
func (s *statement) equalNumber(f storage.FieldRef, value string) string {
	if f.Kind == storage.FieldSeverity {
		n, err := strconv.ParseInt(value, 10, 32)
		if err != nil || strconv.FormatInt(n, 10) != value {
			return "false"
		}
		return "severity = " + s.arg(n)
	}
	n, err := strconv.ParseUint(value, 10, 64)
	if err != nil || strconv.FormatUint(n, 10) != value {
		return "false"
	}
	return numberColumn[f.Kind] + " = " + s.arg(n)
}

// parseID reads an id's text; "" is the absent id, all zeros, whose digits it is not.
func parseID(value string, id []byte) bool {
	if value == "" {
		return true
	}
	if len(value) != 2*len(id) || strings.ToLower(value) != value {
		return false
	}
	_, err := hex.Decode(id, []byte(value))
	return err == nil && strings.Trim(value, "0") != ""
}

var numberColumn = map[storage.FieldKind]string{
	storage.FieldSeverity: "severity", storage.FieldStream: "stream", storage.FieldFlags: "flags",
	storage.FieldObserved: "observed",
}

var noTrace = "UUID '" + uuid.Nil.String() + "'"

// fieldText is the text of a field as storage.Text defines it, never NULL.
func (s *statement) fieldText(f storage.FieldRef) string {
	switch f.Kind {
	case storage.FieldBody:
		return "body"
	case storage.FieldSeverityText:
		return "severity_text"
	case storage.FieldEventName:
		return "event_name"
	case storage.FieldTraceID:
		return traceText("trace_id")
	case storage.FieldSpanID:
		return spanText("span_id")
	case storage.FieldAttribute:
		if !storable(f) {
			return "''"
		}
		return "coalesce(json_extract_string(attributes, " + s.arg(jsonPath(f)) + "), '')"
	default:
		return numberColumn[f.Kind] + "::VARCHAR"
	}
}

func traceText(id string) string {
	return "CASE WHEN " + id + " = " + noTrace + " THEN '' ELSE replace(" + id + "::VARCHAR, '-', '') END"
}

func spanText(id string) string {
	return "CASE WHEN " + id + " = 0 THEN '' ELSE lpad(lower(hex(" + id + ")), 16, '0') END"
}

func (s *statement) has(f storage.FieldRef) string {
	switch f.Kind {
	case storage.FieldAttribute:
		if !storable(f) {
			return "false"
		}
		return "json_exists(attributes, " + s.arg(jsonPath(f)) + ")"
	case storage.FieldBody:
		return "body_kind <> " + strconv.Itoa(int(storage.BodyEmpty))
	case storage.FieldTraceID:
		return "trace_id <> " + noTrace
	case storage.FieldSpanID:
		return "span_id <> 0"
	case storage.FieldSeverityText, storage.FieldEventName:
		return s.fieldText(f) + " <> ''"
	default:
		return numberColumn[f.Kind] + " <> 0"
	}
}

var numberOps = map[storage.NumberOp]string{
	storage.NumberEqual: "=", storage.NumberLess: "<", storage.NumberLessEqual: "<=", storage.NumberGreater: ">",
	storage.NumberGreaterEqual: ">=",
}

func (s *statement) number(n storage.Number) (string, error) {
	operator, ok := numberOps[n.Op]
	if !ok {
		return "", fmt.Errorf("unknown comparison of numbers %d", n.Op)
	}
	if n.Value != n.Value {
		return "false", nil // nothing compares with NaN; DuckDB takes it for the greatest number
	}
	return fmt.Sprintf("coalesce(%s %s %s, false)", s.fieldNumber(n.Field), operator, s.arg(n.Value)), nil
}

// jsonNumber is what text counts as a number.
const jsonNumber = `^[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$`

// fieldNumber is a field as a number, NULL where it is none.
func (s *statement) fieldNumber(f storage.FieldRef) string {
	if column, ok := numberColumn[f.Kind]; ok {
		return column + "::DOUBLE"
	}
	text := s.fieldText(f)
	return "CASE WHEN regexp_matches(" + text + ", '" + jsonNumber + "') THEN TRY_CAST(" + text + " AS DOUBLE) END"
}

// jsonPath is the path of an attribute for DuckDB's JSON functions. A JSON pointer says it best, but would take a number for
// the place in a list; the other notation can't say "".
func jsonPath(f storage.FieldRef) string {
	if len(f.Path) < 2 {
		return f.Pointer()
	}
	var b strings.Builder
	b.WriteByte('$')
	for _, key := range f.Path {
		if key == "" {
			return f.Pointer()
		}
		b.WriteString(`."`)
		b.WriteString(strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(key))
		b.WriteByte('"')
	}
	return b.String()
}
