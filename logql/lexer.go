package logql

import (
	"strings"
	"unicode/utf8"
)

// kind is the kind of a token.
type kind uint8

const (
	tokEOF    kind = iota
	tokName        // an identifier; words of the language too: what a word means depends on where it stands
	tokString      // text holds the unquoted string
	tokNumber      // text holds what starts like a number: a number, duration or size
	tokFlag        // "--strict"
	tokOp          // punctuation and operators, in text
)

// token is one word of a query.
type token struct {
	kind kind
	text string
	pos  int // byte offset in the query
}

// is tells whether the token is this operator or punctuation.
func (t token) is(op string) bool { return t.kind == tokOp && t.text == op }

// word tells whether the token is this word.
func (t token) word(w string) bool { return t.kind == tokName && t.text == w }

// String names the token for error messages.
func (t token) String() string {
	switch t.kind {
	case tokEOF:
		return "end of query"
	case tokString:
		return "string " + quote(t.text)
	default:
		return "\"" + t.text + "\""
	}
}

// operators, longest first.
var operators = []string{
	"|=", "|~", "|>", "!=", "!~", "!>", "=~", "==", ">=", "<=",
	"{", "}", "(", ")", "[", "]", ",", "=", "|", ">", "<", "+", "-", "*", "/", "%", "^",
}

// lex cuts a query into tokens; the last is tokEOF.
func lex(query string) ([]token, error) {
	tokens := make([]token, 0, len(query)/4+2)
	for pos := 0; ; {
		pos = skipSpace(query, pos)
		if pos == len(query) {
			return append(tokens, token{kind: tokEOF, pos: pos}), nil
		}
		t, end, err := lexOne(query, pos)
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, t)
		pos = end
	}
}

func skipSpace(query string, pos int) int {
	for pos < len(query) {
		switch query[pos] {
		case ' ', '\t', '\n', '\r':
			pos++
		case '#':
			end := strings.IndexByte(query[pos:], '\n')
			if end < 0 {
				return len(query)
			}
			pos += end + 1
		default:
			return pos
		}
	}
	return pos
}

func lexOne(query string, pos int) (token, int, error) {
	c := query[pos]
	switch {
	case c == '"' || c == '`':
		return lexString(query, pos)
	case isNameStart(c):
		end := pos + 1
		for end < len(query) && (isNamePart(query[end]) || query[end] == '.' && end+1 < len(query) && isNamePart(query[end+1])) {
			end++
		}
		return token{tokName, query[pos:end], pos}, end, nil
	case isDigit(c) || c == '.' && pos+1 < len(query) && isDigit(query[pos+1]):
		end := numberEnd(query, pos)
		return token{tokNumber, query[pos:end], pos}, end, nil
	case strings.HasPrefix(query[pos:], "--") && pos+2 < len(query) && isNameStart(query[pos+2]):
		end := pos + 2
		for end < len(query) && (isNamePart(query[end]) || query[end] == '-') {
			end++
		}
		return token{tokFlag, query[pos:end], pos}, end, nil
	}
	for _, op := range operators {
		if strings.HasPrefix(query[pos:], op) {
			return token{tokOp, op, pos}, pos + len(op), nil
		}
	}
	r, _ := utf8.DecodeRuneInString(query[pos:])
	switch r {
	case '\'':
		return token{}, 0, errorAt(query, pos, "unexpected ': a string stands in double quotes or backticks")
	case '$':
		return token{}, 0, errorAt(query, pos, "unexpected $: variables such as $__auto are filled in by Grafana before a query is sent")
	case '“', '”', '‘', '’':
		return token{}, 0, errorAt(query, pos, "unexpected %q: use straight quotes (\")", r)
	}
	return token{}, 0, errorAt(query, pos, "unexpected character %q", r)
}

func lexString(query string, pos int) (token, int, error) {
	if query[pos] == '`' {
		end := strings.IndexByte(query[pos+1:], '`')
		if end < 0 {
			return token{}, 0, errorAt(query, pos, "this string has no end: expected a closing backtick")
		}
		return token{tokString, query[pos+1 : pos+1+end], pos}, pos + end + 2, nil
	}
	for end := pos + 1; end < len(query); end++ {
		switch query[end] {
		case '\\':
			end++
		case '\n':
			return token{}, 0, errorAt(query, pos, `a string in double quotes ends on its line: write \n for a new line, or use backticks`)
		case '"':
			text, err := unquote(query, pos, end+1)
			return token{tokString, text, pos}, end + 1, err
		}
	}
	return token{}, 0, errorAt(query, pos, "this string has no end: expected a closing \"")
}

// numberEnd finds the end of what starts like a number at pos: 1, 1.5e-3, 0x1f, 5m30s, 20KiB.
func numberEnd(query string, pos int) int {
	end := pos
	for end < len(query) {
		c := query[end]
		switch {
		case isNamePart(c) && c != ':' || c == '.':
			end++
		case strings.HasPrefix(query[end:], "µ") || strings.HasPrefix(query[end:], "μ"):
			end += 2
		case (c == '+' || c == '-') && (query[end-1] == 'e' || query[end-1] == 'E') &&
			end+1 < len(query) && isDigit(query[end+1]) && isDecimal(query[pos:end-1]):
			end++
		default:
			return end
		}
	}
	return end
}

func isDecimal(s string) bool { return strings.Trim(s, "0123456789.") == "" }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isNameStart(c byte) bool { return c == '_' || 'a' <= c|0x20 && c|0x20 <= 'z' }

func isNamePart(c byte) bool { return isNameStart(c) || isDigit(c) || c == ':' }
