package logql

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// quote writes a string as a query writes it: in backticks where that saves escapes.
func quote(s string) string {
	if !strings.ContainsAny(s, `"\`) || !rawable(s) {
		return strconv.Quote(s)
	}
	return "`" + s + "`"
}

func rawable(s string) bool {
	if strings.Contains(s, "`") || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if r == '\uFEFF' || r != '\t' && !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

// unquote reads query[start:end], which starts and ends with double quotes.
func unquote(query string, start, end int) (string, error) {
	if text, err := strconv.Unquote(query[start:end]); err == nil {
		return text, nil
	}
	// Find what strconv refuses, to point at it.
	rest, at := query[start+1:end-1], start+1
	for rest != "" {
		_, _, tail, err := strconv.UnquoteChar(rest, '"')
		if err != nil {
			break
		}
		at += len(rest) - len(tail)
		rest = tail
	}
	if strings.HasPrefix(rest, `\`) {
		_, size := utf8.DecodeRuneInString(rest[min(1, len(rest)):])
		return "", errorAt(query, at, `unknown escape %s in a string: write \\ for a backslash, or put the string in backticks`, rest[:min(len(rest), 1+size)])
	}
	return "", errorAt(query, start, "this string cannot be read: check its escapes, or put it in backticks")
}
