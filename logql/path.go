package logql

import (
	"fmt"
	"strconv"
	"strings"
)

// PathStep is one step into a JSON document: a property, or an element of an array.
type PathStep struct {
	Key   string
	Index int // from 0; -1 for a property
}

// ParsePath reads the expression that the json parser takes: properties (a.b, a["b c"], ["a.b"]) and elements (list[0]), at
// any depth.
func ParsePath(s string) ([]PathStep, error) {
	bad := func(at int, expected string) error {
		return fmt.Errorf("invalid JSON path %q at character %d: expected %s", s, at+1, expected)
	}
	var steps []PathStep
	for i := 0; i < len(s); {
		switch {
		case s[i] == '[':
			step, end, ok := pathIndex(s, i)
			if !ok {
				return nil, bad(i, `[0] or ["name"]`)
			}
			steps = append(steps, step)
			i = end
			continue
		case len(steps) > 0:
			if s[i] != '.' {
				return nil, bad(i, `"." or "["`)
			}
			i++
		}
		end := i
		for end < len(s) && s[end] != '.' && s[end] != '[' {
			if c := s[end]; c != '-' && c < 0x80 && !isNamePart(c) && c != '@' && c != '$' {
				return nil, bad(end, `a property name (others are written ["like this"])`)
			}
			end++
		}
		if end == i {
			return nil, bad(i, "a property name")
		}
		steps = append(steps, PathStep{Key: s[i:end], Index: -1})
		i = end
	}
	if len(steps) == 0 {
		return nil, bad(0, "a property name")
	}
	return steps, nil
}

func pathIndex(s string, start int) (PathStep, int, bool) {
	rest := s[start+1:]
	if quoted, err := strconv.QuotedPrefix(rest); err == nil && quoted[0] == '"' {
		key, err := strconv.Unquote(quoted)
		return PathStep{Key: key, Index: -1}, start + len(quoted) + 2, err == nil && strings.HasPrefix(rest[len(quoted):], "]")
	}
	digits, _, ok := strings.Cut(rest, "]")
	n, err := strconv.ParseUint(digits, 10, 31)
	return PathStep{Index: int(n)}, start + len(digits) + 2, ok && err == nil
}
