package storage

import (
	"strings"
	"unicode/utf8"
)

// A record's words are those of its attributes, outside of maps, that hold a short text of which there are likely few: a method, a
// status, a region. They stand in one text, "\n" before each, "\t" between key and value, and "\n" at the end. A store that keeps
// it as a column packs it into a dictionary, and decides by looking there whether an attribute has such a value: WordOf is in the
// text of a record if, and only if, the condition holds of it. That is true of every text but WordsUnknown.
//
// Words are stored, so what is one never changes.
const (
	// WordsUnknown is the text of a record that has too many of them, or is of a time before there was the column. It comes after
	// all others in order.
	WordsUnknown = "~"

	maxWord  = 24  // bytes of a value
	maxWords = 256 // bytes of them all in a record
)

// isWord tells whether a key with this text is among the words. What holds digits is rather an id or a measurement, unless it is
// as short as the status of a response.
func isWord[T string | []byte](key string, text T) bool {
	if len(text) == 0 || len(text) > maxWord || text[0] == '{' || text[0] == '[' {
		return false
	}
	for i := range len(text) {
		if c := text[i]; c < ' ' || len(text) > 3 && '0' <= c && c <= '9' {
			return false
		}
	}
	for i := range len(key) {
		if key[i] < ' ' {
			return false
		}
	}
	return utf8.ValidString(string(text))
}

func appendWord[T string | []byte](dst []byte, key string, text T) []byte {
	if !isWord(key, text) {
		return dst
	}
	dst = append(append(dst, '\n'), key...)
	return append(append(dst, '\t'), text...)
}

// endWords ends the text that begins at start.
func endWords(dst []byte, start int) []byte {
	switch size := len(dst) - start; {
	case size == 0:
		return dst
	case size > maxWords:
		return append(dst[:start], WordsUnknown...)
	}
	return append(dst, '\n')
}

// ToldByWords tells whether words decide a condition: it compares attributes with words and does nothing else.
func ToldByWords(e Expr) bool {
	told := func(list []Expr) bool {
		for _, x := range list {
			if !ToldByWords(x) {
				return false
			}
		}
		return len(list) > 0
	}
	switch e := e.(type) {
	case And:
		return told(e)
	case Or:
		return told(e)
	case Not:
		return ToldByWords(e.X)
	case Text:
		return e.Field.Kind == FieldAttribute && e.Op == TextEqual && !e.Fold && len(e.Field.Path) == 1 &&
			plainKey(e.Field.Path[0]) && isWord(e.Field.Path[0], e.Value)
	}
	return false
}

// WordOf is what the words of a record hold if the condition, of which ToldByWords is true, holds of it.
func WordOf(t Text) string {
	return strings.Join([]string{"\n", t.Field.Path[0], "\t", t.Value, "\n"}, "")
}
