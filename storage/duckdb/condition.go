package duckdb

import (
	"fmt"
	"strings"

	"github.com/instantdevlogs/devlogs/storage"
)

// condition is what rows must meet, in two steps: a scan checks the first on the columns it names, and unpacks the others only of
// rows that pass. The rest is checked of those; it is empty when the scan decides alone.
type condition struct{ scan, rest string }

// condition compiles where. When it implies something for signatures, the scan asks these and whatever else it can decide by one
// column, while the attributes wait for the rest: unpacking and reading them is nearly all that such a question costs.
func (s *statement) condition(where storage.Expr) (condition, error) {
	signatures := storage.SignaturesOf(where)
	if signatures == nil {
		scan, err := s.where(where)
		return condition{scan: scan}, err
	}
	parts, ok := where.(storage.And)
	if !ok {
		parts = storage.And{where}
	}
	c := condition{scan: signed(signatures)}
	s.signed = true
	for _, part := range parts {
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
