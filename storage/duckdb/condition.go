package duckdb

import (
	"fmt"
	"strings"

	"github.com/instantdevlogs/devlogs/storage"
)

// condition is what rows must meet, in two steps: a scan checks the first on the columns it names, and unpacks the others only of
// rows that pass. The rest is checked of those; it is empty when the scan decides alone.
type condition struct{ scan, rest string }

// conditions compiles where into one or two conditions, of which no row meets both. Where words decide a part of it, the first
// asks them instead of the attributes and is met only by rows whose words are known; the second is for the others. These are
// few or none, and DuckDB sees by the largest text of a row group that it has none.
func (s *statement) conditions(where storage.Expr) ([]condition, error) {
	var told, others storage.And
	for _, part := range partsOf(where) {
		if storage.ToldByWords(part) {
			told = append(told, part)
		} else {
			others = append(others, part)
		}
	}
	if told == nil {
		c, err := s.condition(where)
		return []condition{c}, err
	}
	var known condition
	if others != nil {
		var err error
		if known, err = s.condition(others); err != nil {
			return nil, err
		}
	}
	known.scan = conjunction(s.wordsKnown(told), known.scan)
	unknown, err := s.condition(where)
	if err != nil {
		return nil, err
	}
	unknown.scan = conjunction("words = '"+storage.WordsUnknown+"'", unknown.scan)
	return []condition{known, unknown}, nil
}

// partsOf are what must hold all together.
func partsOf(where storage.Expr) storage.And {
	if parts, ok := where.(storage.And); ok {
		return parts
	}
	if where == nil {
		return nil
	}
	return storage.And{where}
}

// wordsKnown holds for rows whose words are known and meet e. It is one expression: of two on the same column, DuckDB gives the
// scan neither, and it would take an AND apart.
func (s *statement) wordsKnown(e storage.Expr) string {
	text, found := s.words(e)
	if !found {
		text = "CASE WHEN words = '" + storage.WordsUnknown + "' THEN false ELSE " + text + " END"
	}
	return text
}

// words compiles what ToldByWords is true of; found says that it holds for no row whose words are unknown.
func (s *statement) words(e storage.Expr) (text string, found bool) {
	switch e := e.(type) {
	case storage.Not:
		text, _ = s.words(e.X)
		return "NOT (" + text + ")", false
	case storage.Or:
		found = true
		texts := make([]string, len(e))
		for i, x := range e {
			one, ok := s.words(x)
			texts[i], found = one, found && ok
		}
		return "(" + strings.Join(texts, " OR ") + ")", found
	case storage.And:
		for _, x := range e {
			one, ok := s.words(x)
			if text == "" {
				text = one
			} else {
				text = "CASE WHEN " + text + " THEN " + one + " ELSE false END"
			}
			found = found || ok
		}
		return text, found
	}
	return "contains(words, " + s.arg(storage.WordOf(e.(storage.Text))) + ")", true
}

// condition compiles where. When it implies something for signatures, the scan asks these and whatever else it can decide by one
// column, while the attributes wait for the rest: unpacking and reading them is nearly all that such a question costs.
func (s *statement) condition(where storage.Expr) (condition, error) {
	signatures := storage.SignaturesOf(where)
	s.signed = signatures != nil
	if signatures == nil {
		scan, err := s.where(where)
		return condition{scan: scan}, err
	}
	c := condition{scan: signed(signatures)}
	for _, part := range partsOf(where) {
		text, err := s.where(part)
		switch {
		case err != nil:
			return condition{}, err
		case ofOneColumn(part):
			c.scan = conjunction(c.scan, text)
		default:
			c.rest = conjunction(c.rest, text)
		}
	}
	return c, nil
}

// signed tests the signature in one expression, written with numbers: of two on the same column, DuckDB gives the scan neither.
func signed(signatures []uint64) string {
	tests := make([]string, len(signatures))
	for i, bits := range signatures {
		tests[i] = fmt.Sprintf("(signature & %d) = %[1]d", bits)
	}
	return "(" + strings.Join(tests, " OR ") + ")"
}

// ofOneColumn tells whether a scan checks the condition while it reads. It does when only one column is in it and nothing that
// could fail, as a regular expression could; one that is not so would also keep the signature out of the scan.
func ofOneColumn(e storage.Expr) bool {
	switch e := e.(type) {
	case storage.Not:
		return ofOneColumn(e.X)
	case storage.InStreams:
		return len(e.IDs) <= maxListed
	case storage.Text:
		return e.Field.Kind != storage.FieldAttribute && e.Op != storage.TextMatch && !e.Fold
	case storage.Number:
		return e.Field.Kind == storage.FieldSeverity
	}
	return false
}

// narrow adds what takes several columns.
func (c *condition) narrow(text string) {
	if c.rest == "" {
		c.scan = conjunction(c.scan, text)
	} else {
		c.rest = conjunction(c.rest, text)
	}
}

func conjunction(a, b string) string {
	switch {
	case a == "":
		return b
	case b == "":
		return a
	}
	return "(" + a + ") AND (" + b + ")"
}
