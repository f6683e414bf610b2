package main

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/instantdevlogs/devlogs/logql"
	"github.com/instantdevlogs/devlogs/logql/pipeline"
)

// parseArgument tells whether the arguments of a command are a query of LogQL and reads it; nil when they are words to look
// for. A query has braces; a word that has them stands in quotes.
func parseArgument(args []string) (logql.Expr, error) {
	if len(args) != 1 {
		return nil, nil
	}
	text := strings.TrimSpace(args[0])
	if !strings.ContainsAny(text, "{") && !strings.HasPrefix(text, "vector(") || strings.HasPrefix(text, `"`) || strings.HasPrefix(text, "-") {
		return nil, nil
	}
	return parseLogQL(args[0])
}

// parseLogQL reads a query. An error shows where in the query it is.
func parseLogQL(text string) (logql.Expr, error) {
	expr, err := logql.Parse(text)
	if err == nil {
		err = pipeline.Check(expr)
	}
	var at *logql.Error
	if errors.As(err, &at) && at.Line > 0 {
		return nil, fmt.Errorf("%w\n%s", err, pointAt(text, at.Offset))
	}
	return expr, err
}

// pointAt shows the line of a query that holds a byte offset, with a caret below the place. Of a long line it shows the
// surroundings.
func pointAt(text string, offset int) string {
	const before, after = 60, 40
	offset = min(offset, len(text))
	start := strings.LastIndexByte(text[:offset], '\n') + 1
	line, _, _ := strings.Cut(text[start:], "\n")
	column := utf8.RuneCountInString(text[start:offset])
	shown := []rune(strings.ReplaceAll(line, "\t", " "))
	if len(shown) > column+after {
		shown = append(shown[:column+after], '…')
	}
	if column > before {
		shown = append([]rune{'…'}, shown[column-before:]...)
		column = before + 1
	}
	return "  " + harmless(string(shown)) + "\n  " + strings.Repeat(" ", column) + "^"
}

// logQuery reads a log query for a command that gives logs.
func logQuery(expr logql.Expr, instead string) (*logql.LogQuery, error) {
	q, ok := expr.(*logql.LogQuery)
	if !ok {
		return nil, fmt.Errorf("%s gives numbers, not logs: %s", expr, instead)
	}
	return q, nil
}
