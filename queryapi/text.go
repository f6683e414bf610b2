package queryapi

import (
	"fmt"
	"strings"

	"github.com/instantdevlogs/devlogs/storage"
)

// parseText reads the parameter q: words that must all be in the body, whatever their case and order. "A quoted phrase"
// is one word, with \" and \\ for a quote and a backslash. A word (or phrase) after a minus must not be there.
func parseText(q string) (storage.And, error) {
	var all storage.And
	for i := 0; i < len(q); {
		if isSpace(q[i]) {
			i++
			continue
		}
		start := i
		without := q[i] == '-' && i+1 < len(q) && !isSpace(q[i+1])
		if without {
			i++
		}
		word, next, err := textWord(q, i)
		if err != nil {
			return nil, err
		}
		i = next
		if word == "" {
			return nil, &apiError{Code: codeInvalidParameter, Message: "q: the quotes at " + q[start:i] + " hold nothing", Position: &start}
		}
		var expr storage.Expr = storage.Text{
			Field: storage.FieldRef{Kind: storage.FieldBody}, Op: storage.TextContains, Value: word, Fold: true,
		}
		if without {
			expr = storage.Not{X: expr}
		}
		all = append(all, expr)
	}
	return all, nil
}

// textWord reads the word or phrase that starts at i and tells where it ends.
func textWord(q string, i int) (word string, next int, err error) {
	if q[i] != '"' {
		end := i
		for end < len(q) && !isSpace(q[end]) {
			end++
		}
		return q[i:end], end, nil
	}
	var b strings.Builder
	for j := i + 1; j < len(q); j++ {
		switch c := q[j]; {
		case c == '"':
			return b.String(), j + 1, nil
		case c == '\\' && j+1 < len(q) && (q[j+1] == '"' || q[j+1] == '\\'):
			j++
			b.WriteByte(q[j])
		default:
			b.WriteByte(c)
		}
	}
	return "", 0, &apiError{
		Code: codeInvalidParameter, Position: &i,
		Message: fmt.Sprintf("q: the quote at position %d is not closed", i),
		Hint:    `close it, or write \" inside quotes to search for a quote`,
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }
