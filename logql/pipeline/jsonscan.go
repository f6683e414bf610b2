package pipeline

import (
	"errors"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

// jsonScanner reads JSON text (RFC 8259) from front to back, without building a tree.
type jsonScanner struct {
	text string
	pos  int
	// unescaped holds the strings that had escapes. It grows by new arrays: strings made before stay what they are.
	unescaped []byte
}

// maxJSONDepth bounds recursion.
const maxJSONDepth = 128

var (
	errJSONEnd   = errors.New("the JSON text ends too early")
	errJSONDepth = errors.New("the JSON text nests too deep")
	errNoObject  = errors.New("the line is not a JSON object")
)

func (s *jsonScanner) reset(text string) { s.text, s.pos, s.unescaped = text, 0, s.unescaped[:0] }

func (s *jsonScanner) unexpected() error {
	if s.pos >= len(s.text) {
		return errJSONEnd
	}
	r, _ := utf8.DecodeRuneInString(s.text[s.pos:])
	return errors.New("unexpected " + strconv.QuoteRune(r) + " at byte " + strconv.Itoa(s.pos+1) + " of the JSON text")
}

func (s *jsonScanner) space() {
	for s.pos < len(s.text) {
		switch s.text[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// next skips space and returns the byte that comes next, 0 at the end.
func (s *jsonScanner) next() byte {
	s.space()
	if s.pos < len(s.text) {
		return s.text[s.pos]
	}
	return 0
}

// object reads an object and calls member with the scanner in front of each value, which member has to read.
func (s *jsonScanner) object(depth int, member func(key string) error) error {
	if depth > maxJSONDepth {
		return errJSONDepth
	}
	s.pos++
	if s.next() == '}' {
		s.pos++
		return nil
	}
	for {
		if s.next() != '"' {
			return s.unexpected()
		}
		key, err := s.string()
		if err != nil {
			return err
		}
		if s.next() != ':' {
			return s.unexpected()
		}
		s.pos++
		s.space()
		if err := member(key); err != nil {
			return err
		}
		switch s.next() {
		case ',':
			s.pos++
		case '}':
			s.pos++
			return nil
		default:
			return s.unexpected()
		}
	}
}

// array reads an array and calls element with the scanner in front of each.
func (s *jsonScanner) array(depth int, element func(index int) error) error {
	if depth > maxJSONDepth {
		return errJSONDepth
	}
	s.pos++
	if s.next() == ']' {
		s.pos++
		return nil
	}
	for i := 0; ; i++ {
		s.space()
		if err := element(i); err != nil {
			return err
		}
		switch s.next() {
		case ',':
			s.pos++
		case ']':
			s.pos++
			return nil
		default:
			return s.unexpected()
		}
	}
}

// skip reads a value and returns its text.
func (s *jsonScanner) skip(depth int) (string, error) {
	start := s.pos
	var err error
	switch s.next() {
	case '{':
		err = s.object(depth+1, func(string) error { _, err := s.skip(depth + 1); return err })
	case '[':
		err = s.array(depth+1, func(int) error { _, err := s.skip(depth + 1); return err })
	case '"':
		_, err = s.string()
	default:
		err = s.bare()
	}
	return s.text[start:s.pos], err
}

// bare reads a number, true, false or null.
func (s *jsonScanner) bare() error {
	start := s.pos
	for s.pos < len(s.text) {
		c := s.text[s.pos]
		if c != '-' && c != '+' && c != '.' && !('0' <= c && c <= '9') && !('a' <= c|0x20 && c|0x20 <= 'z') {
			break
		}
		s.pos++
	}
	switch word := s.text[start:s.pos]; word {
	case "true", "false", "null":
		return nil
	default:
		if !isJSONNumber(word) {
			s.pos = start
			return s.unexpected()
		}
		return nil
	}
}

func isJSONNumber(s string) bool {
	digits := func() bool {
		n := 0
		for n < len(s) && '0' <= s[n] && s[n] <= '9' {
			n++
		}
		s = s[n:]
		return n > 0
	}
	if s != "" && s[0] == '-' {
		s = s[1:]
	}
	if len(s) > 1 && s[0] == '0' && '0' <= s[1] && s[1] <= '9' || !digits() {
		return false
	}
	if s != "" && s[0] == '.' {
		s = s[1:]
		if !digits() {
			return false
		}
	}
	if s != "" && s[0]|0x20 == 'e' {
		s = s[1:]
		if s != "" && (s[0] == '+' || s[0] == '-') {
			s = s[1:]
		}
		if !digits() {
			return false
		}
	}
	return s == ""
}

// string reads a string. Without escapes it is a part of the text.
func (s *jsonScanner) string() (string, error) {
	s.pos++
	start := s.pos
	for i := start; i < len(s.text); i++ {
		switch c := s.text[i]; {
		case c == '"':
			s.pos = i + 1
			return s.text[start:i], nil
		case c == '\\':
			s.pos = i
			return s.escaped(start)
		case c < ' ':
			s.pos = i
			return "", s.unexpected()
		}
	}
	s.pos = len(s.text)
	return "", errJSONEnd
}

// escaped reads on at the first escape of the string that started at start.
func (s *jsonScanner) escaped(start int) (string, error) {
	from := len(s.unescaped)
	s.unescaped = append(s.unescaped, s.text[start:s.pos]...)
	for s.pos < len(s.text) {
		switch c := s.text[s.pos]; {
		case c == '"':
			s.pos++
			made := s.unescaped[from:]
			return unsafe.String(unsafe.SliceData(made), len(made)), nil
		case c < ' ':
			return "", s.unexpected()
		case c != '\\':
			s.unescaped = append(s.unescaped, c)
			s.pos++
		default:
			if err := s.escape(); err != nil {
				return "", err
			}
		}
	}
	return "", errJSONEnd
}

func (s *jsonScanner) escape() error {
	if s.pos+1 >= len(s.text) {
		s.pos = len(s.text)
		return errJSONEnd
	}
	s.pos++
	c := s.text[s.pos]
	switch c {
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		return s.unicode()
	default:
		return s.unexpected()
	}
	s.unescaped = append(s.unescaped, c)
	s.pos++
	return nil
}

// unicode reads \uXXXX, with the scanner at the u, and the second half of a surrogate pair.
func (s *jsonScanner) unicode() error {
	r, ok := s.hex(s.pos + 1)
	if !ok {
		return s.unexpected()
	}
	s.pos += 5
	if utf16.IsSurrogate(r) {
		second := rune(0)
		if s.pos+1 < len(s.text) && s.text[s.pos] == '\\' && s.text[s.pos+1] == 'u' {
			second, _ = s.hex(s.pos + 2)
		}
		if r = utf16.DecodeRune(r, second); r != utf8.RuneError {
			s.pos += 6
		}
	}
	s.unescaped = utf8.AppendRune(s.unescaped, r)
	return nil
}

func (s *jsonScanner) hex(at int) (rune, bool) {
	if at+4 > len(s.text) {
		return 0, false
	}
	n, err := strconv.ParseUint(s.text[at:at+4], 16, 16)
	return rune(n), err == nil
}

// end fails when something follows the value.
func (s *jsonScanner) end() error {
	if s.next() != 0 || s.pos < len(s.text) {
		return s.unexpected()
	}
	return nil
}
