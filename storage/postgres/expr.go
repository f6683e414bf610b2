package postgres

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/instantdevlogs/devlogs/storage"
)

// statement is SQL under construction, with the texts of its parameters.
type statement struct {
	args   [][]byte
	odd    bool // rows may be there whose texts SQL can't judge (logs.raw)
	worded bool // words are asked instead of attributes where they decide
	asked  bool // they were
	// noRegex leaves all regular expressions to Go: the server refused one.
	noRegex bool
}

// arg adds a parameter and gives its place, cast to a type.
func (s *statement) arg(value, kind string) string {
	s.args = append(s.args, []byte(value))
	return "$" + strconv.Itoa(len(s.args)) + "::" + kind
}

// condition is a condition in SQL. It is NULL for a row that SQL can't judge, which happens only when unsure: Go judges that
// one (match.go). SQL's own logic of three values makes that right through AND, OR and NOT.
type condition struct {
	sql    string
	unsure bool
}

func sure(sql string) condition { return condition{sql: sql} }

// matching compiles the whole condition of a question. Words, when they are asked, were known of all rows a moment before; one
// that came since and has none is not seen yet.
func (s *statement) matching(e storage.Expr) (condition, error) {
	c, err := s.where(e)
	if s.asked {
		c.sql = "words <> '" + storage.WordsUnknown + "' AND (" + c.sql + ")"
	}
	return c, err
}

// where compiles a condition.
func (s *statement) where(e storage.Expr) (condition, error) {
	if s.worded && storage.ToldByWords(e) {
		s.asked = true
		return sure(s.words(e)), nil
	}
	switch e := e.(type) {
	case nil:
		return sure("true"), nil
	case storage.And:
		return s.all(e, " AND ", "true")
	case storage.Or:
		return s.all(e, " OR ", "false")
	case storage.Not:
		x, err := s.where(e.X)
		return condition{"NOT (" + x.sql + ")", x.unsure}, err
	case storage.InStreams:
		return sure("stream = ANY (" + s.arg(bigints(e.IDs), "bigint[]") + ")"), nil
	case storage.Text:
		return s.text(e)
	case storage.Number:
		return s.number(e)
	case storage.Has:
		return s.has(e.Field), nil
	}
	return condition{}, fmt.Errorf("unknown condition %T", e)
}

func (s *statement) all(list []storage.Expr, operator, empty string) (condition, error) {
	if len(list) == 0 {
		return sure(empty), nil
	}
	var joined condition
	for i, e := range list {
		c, err := s.where(e)
		if err != nil {
			return c, err
		}
		if i > 0 {
			joined.sql += operator
		}
		joined.sql += "(" + c.sql + ")"
		joined.unsure = joined.unsure || c.unsure
	}
	return joined, nil
}

// bigints writes stream ids as an array: the column has the same 64 bits, signed.
func bigints(ids []uint64) string {
	b := []byte{'{'}
	for i, id := range ids {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(id), 10)
	}
	return string(append(b, '}'))
}

func (s *statement) text(t storage.Text) (condition, error) {
	switch {
	case t.Op == storage.TextMatch:
		p, err := parsePattern(t.Value)
		if err != nil {
			return condition{}, err
		}
		return s.matches(t.Field, p), nil
	case !utf8.ValidString(t.Value):
		return sure("false"), nil // stored text is UTF-8
	case strings.ContainsRune(t.Value, 0):
		return s.unlessOdd(t.Field, sure("false")), nil // nor has it a NUL, but for what column raw keeps
	case t.Fold:
		p, err := foldedPattern(t.Value, t.Op == storage.TextEqual)
		if err != nil {
			return condition{}, err
		}
		return s.matches(t.Field, p), nil
	case t.Op == storage.TextEqual:
		return s.unlessOdd(t.Field, s.equals(t.Field, t.Value)), nil
	}
	return s.unlessOdd(t.Field, s.contains(t.Field, t.Value)), nil
}

// unlessOdd makes a condition on texts unknown for the rows whose texts the columns don't hold as they were.
func (s *statement) unlessOdd(f storage.FieldRef, c condition) condition {
	switch f.Kind {
	case storage.FieldBody, storage.FieldSeverityText, storage.FieldEventName, storage.FieldAttribute:
		if s.odd {
			return condition{"CASE WHEN raw IS NULL THEN " + c.sql + " END", true}
		}
	}
	return c
}

func (s *statement) matches(f storage.FieldRef, p pattern) condition {
	var parts []string
	if p.like != "" {
		like := s.like
		if p.fold {
			like = s.ilike
		}
		parts = append(parts, like(f, p.like))
	}
	c := condition{}
	switch {
	case p.whole:
	case p.are != "" && !s.noRegex:
		parts = append(parts, s.fieldText(f)+" ~ "+s.arg(p.are, "text"))
	default:
		c.unsure = true
		parts = append(parts, "NULL::boolean")
	}
	if len(parts) == 0 {
		parts = append(parts, "true")
	}
	c.sql = "(" + strings.Join(parts, " AND ") + ")"
	return s.unlessOdd(f, c)
}

func (s *statement) contains(f storage.FieldRef, value string) condition {
	if value == "" {
		return sure("true")
	}
	like := s.like(f, "%"+escapeLike(value)+"%")
	if f.Kind != storage.FieldAttribute {
		return sure(like)
	}
	// First a look at the text of all attributes, which costs little: the value is in it, as it is or escaped.
	first := s.arg("%"+escapeLike(value)+"%", "text")
	seen := "attributes LIKE " + first
	if escaped := jsonEscaped(value); escaped != value {
		seen = "(" + seen + " OR attributes LIKE " + s.arg("%"+escapeLike(escaped)+"%", "text") + ")"
	}
	return sure("(" + seen + " AND " + like + ")")
}

func (s *statement) like(f storage.FieldRef, like string) string {
	return s.fieldText(f) + " LIKE " + s.arg(like, "text")
}

func (s *statement) ilike(f storage.FieldRef, like string) string {
	return s.fieldText(f) + " ILIKE " + s.arg(like, "text") + ` COLLATE "C"`
}

// equals compares columns in their own type where there is one.
func (s *statement) equals(f storage.FieldRef, value string) condition {
	switch f.Kind {
	case storage.FieldTraceID:
		if value == "" {
			return sure("trace_id IS NULL")
		}
		if !isID(value, 32) {
			return sure("false")
		}
		return sure("(trace_id IS NOT NULL AND trace_id = " + s.arg(value, "uuid") + ")")
	case storage.FieldSpanID:
		if value == "" {
			return sure("span_id IS NULL")
		}
		if !isID(value, 16) {
			return sure("false")
		}
		id, _ := strconv.ParseUint(value, 16, 64) // its digits were looked at
		return sure("(span_id IS NOT NULL AND span_id = " + s.arg(strconv.FormatInt(int64(id), 10), "bigint") + ")")
	case storage.FieldSeverity, storage.FieldStream, storage.FieldFlags, storage.FieldObserved:
		return s.equalsNumber(f, value)
	case storage.FieldAttribute:
		return sure(s.attributeEquals(f, value))
	}
	return sure(s.fieldText(f) + " = " + s.arg(value, "text"))
}

// isID tells whether a text is an id as it is written: so many lower-case hex digits, not all 0.
func isID(value string, digits int) bool {
	return len(value) == digits && strings.Trim(value, "0123456789abcdef") == "" && strings.Trim(value, "0") != ""
}

// equalsNumber compares a column of whole numbers with a text, which must be as the column's would be written.
func (s *statement) equalsNumber(f storage.FieldRef, value string) condition {
	if f.Kind == storage.FieldSeverity {
		n, err := strconv.ParseInt(value, 10, 32)
		if err != nil || strconv.FormatInt(n, 10) != value {
			return sure("false")
		}
		return sure("severity = " + s.arg(value, "integer"))
	}
	n, err := strconv.ParseUint(value, 10, 64)
	if err != nil || strconv.FormatUint(n, 10) != value {
		return sure("false")
	}
	if f.Kind == storage.FieldFlags {
		if n > math.MaxUint32 {
			return sure("false")
		}
		return sure("flags = " + s.arg(strconv.Itoa(int(int32(n))), "integer"))
	}
	column := map[storage.FieldKind]string{storage.FieldStream: "stream", storage.FieldObserved: "observed"}[f.Kind]
	return sure(column + " = " + s.arg(strconv.FormatInt(int64(n), 10), "bigint"))
}

var numberOps = [...]string{
	storage.NumberEqual: "=", storage.NumberLess: "<", storage.NumberLessEqual: "<=", storage.NumberGreater: ">",
	storage.NumberGreaterEqual: ">=",
}

func (s *statement) number(n storage.Number) (condition, error) {
	if int(n.Op) >= len(numberOps) {
		return condition{}, fmt.Errorf("unknown comparison of numbers %d", n.Op)
	}
	if math.IsNaN(n.Value) {
		return sure("false"), nil // nothing compares with NaN; PostgreSQL takes it for the greatest number
	}
	value := s.arg(strconv.FormatFloat(n.Value, 'g', -1, 64), "double precision")
	return s.unlessOdd(n.Field, sure(fmt.Sprintf("coalesce(%s %s %s, false)", s.fieldNumber(n.Field), numberOps[n.Op], value))), nil
}

func (s *statement) has(f storage.FieldRef) condition {
	switch f.Kind {
	case storage.FieldAttribute:
		return s.unlessOdd(f, sure(s.attributeThere(f)))
	case storage.FieldBody:
		return sure("body_kind <> " + strconv.Itoa(int(storage.BodyEmpty)))
	case storage.FieldTraceID:
		return sure("trace_id IS NOT NULL")
	case storage.FieldSpanID:
		return sure("span_id IS NOT NULL")
	case storage.FieldSeverityText, storage.FieldEventName:
		text := s.fieldText(f)
		return s.unlessOdd(f, sure("("+text+" <> '' AND "+text+" <> '0')"))
	}
	return sure(map[storage.FieldKind]string{
		storage.FieldSeverity: "severity", storage.FieldStream: "stream", storage.FieldFlags: "flags", storage.FieldObserved: "observed",
	}[f.Kind] + " <> 0")
}
