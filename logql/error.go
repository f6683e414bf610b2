package logql

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Error says why a query is refused. Its text has the form that Loki's clients know.
type Error struct {
	Line, Col int    // from 1, Col in characters; both 0 when the query as a whole is at fault
	Offset    int    // the same place in bytes from the start of the query
	Msg       string // what is wrong and what was expected
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return "parse error : " + e.Msg
	}
	return fmt.Sprintf("parse error at line %d, col %d: %s", e.Line, e.Col, e.Msg)
}

// Errorf makes an Error about the query as a whole.
func Errorf(format string, args ...any) *Error { return &Error{Msg: fmt.Sprintf(format, args...)} }

// errorAt makes an Error at a byte offset of the query.
func errorAt(query string, offset int, format string, args ...any) *Error {
	before := query[:min(offset, len(query))]
	return &Error{
		Line:   1 + strings.Count(before, "\n"),
		Col:    1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]),
		Offset: len(before),
		Msg:    fmt.Sprintf(format, args...),
	}
}
