package logql

import (
	"errors"
	"fmt"
	"strings"
)

// PatternPart is a literal or a capture of a pattern expression.
type PatternPart struct {
	Literal string // when not ""
	Capture string // else: the name, "_" for a part that is skipped
}

// ParsePattern reads the pattern of the pattern parser, such as `<ip> - - [<_>] "<method> <path> <_>"`. Literals and
// captures alternate; there is at least one named capture, and each name is there once.
func ParsePattern(s string) ([]PatternPart, error) {
	parts, err := parsePattern(s)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, part := range parts {
		if part.Literal != "" || part.Capture == "_" {
			continue
		}
		if seen[part.Capture] {
			return nil, fmt.Errorf("the capture <%s> is there twice", part.Capture)
		}
		seen[part.Capture] = true
	}
	if len(seen) == 0 {
		return nil, errors.New("expected at least one named capture such as <status>")
	}
	return parts, nil
}

// ParseLinePattern reads the pattern of the line filters |> and !>: all its captures are <_>.
func ParseLinePattern(s string) ([]PatternPart, error) {
	parts, err := parsePattern(s)
	if err != nil {
		return nil, err
	}
	for _, part := range parts {
		if part.Literal == "" && part.Capture != "_" {
			return nil, fmt.Errorf("<%s>: a line filter can't capture, expected <_>", part.Capture)
		}
	}
	return parts, nil
}

func parsePattern(s string) ([]PatternPart, error) {
	var parts []PatternPart
	literal := 0
	for i := 0; i < len(s); {
		name, ok := captureAt(s[i:])
		if !ok {
			i++
			continue
		}
		if i > literal {
			parts = append(parts, PatternPart{Literal: s[literal:i]})
		}
		if n := len(parts); n > 0 && parts[n-1].Literal == "" {
			return nil, fmt.Errorf("<%s><%s>: two captures need a literal between them", parts[n-1].Capture, name)
		}
		parts = append(parts, PatternPart{Capture: name})
		i += len(name) + 2
		literal = i
	}
	if literal < len(s) {
		parts = append(parts, PatternPart{Literal: s[literal:]})
	}
	return parts, nil
}

// captureAt reads a capture at the start of s. What is not one, such as "<3" or "< x >", is literal text.
func captureAt(s string) (name string, ok bool) {
	if s[0] != '<' {
		return "", false
	}
	end := strings.IndexByte(s, '>')
	if end < 2 || !isNameStart(s[1]) {
		return "", false
	}
	for i := 1; i < end; i++ {
		if !isNamePart(s[i]) || s[i] == ':' {
			return "", false
		}
	}
	return s[1:end], true
}
