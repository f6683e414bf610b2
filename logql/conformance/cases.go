package conformance

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"
)

//go:embed testdata/*.txt
var files embed.FS

// Case is one query of a file.
type Case struct {
	File  string
	Query string
	Asks  []Ask
}

// Ask is one way to ask a query, with the answer.
type Ask struct {
	Kind     string        // "log", "instant" or "range"
	From, To time.Duration // behind Base; an instant query is for To
	Step     time.Duration // of range
	Newest   bool          // of log: newest first
	Limit    int           // of log
	Want     string        // the answer: lines, see Answer in answer.go
}

// Cases reads all cases.
func Cases() ([]Case, error) {
	paths, err := fs.Glob(files, "testdata/*.txt")
	if err != nil {
		return nil, err
	}
	var all []Case
	for _, path := range paths {
		data, err := files.ReadFile(path)
		if err != nil {
			return nil, err
		}
		cases, err := parseCases(path, string(data))
		if err != nil {
			return nil, err
		}
		all = append(all, cases...)
	}
	return all, nil
}

// parseCases reads the form of the files: a query on a line; below it, behind a tab, "? " and how to ask, and then, behind
// two tabs, the answer. "//" starts a comment. A query without "?" is asked in the usual ways.
func parseCases(path, text string) ([]Case, error) {
	var cases []Case
	for n, line := range strings.Split(text, "\n") {
		switch {
		case line == "" || strings.HasPrefix(line, "//"):
		case strings.HasPrefix(line, "\t\t"):
			last := &cases[len(cases)-1]
			ask := &last.Asks[len(last.Asks)-1]
			ask.Want += line[2:] + "\n"
		case strings.HasPrefix(line, "\t? "):
			ask, err := parseAsk(line[3:])
			if err != nil {
				return nil, fmt.Errorf("%s:%d: %w", path, n+1, err)
			}
			last := &cases[len(cases)-1]
			last.Asks = append(last.Asks, ask)
		default:
			cases = append(cases, Case{File: path, Query: line})
		}
	}
	return cases, nil
}

// parseAsk reads "log 0s..1h limit=10 newest", "instant 30m" or "range 0s..1h step=10m".
func parseAsk(s string) (Ask, error) {
	words := strings.Fields(s)
	if len(words) < 2 {
		return Ask{}, fmt.Errorf("%q: expected a kind and a time", s)
	}
	a := Ask{Kind: words[0]}
	from, to, spans := strings.Cut(words[1], "..")
	if !spans {
		to = from
	}
	var err error
	if a.From, err = time.ParseDuration(from); err != nil {
		return a, err
	}
	if a.To, err = time.ParseDuration(to); err != nil {
		return a, err
	}
	for _, word := range words[2:] {
		switch name, value, _ := strings.Cut(word, "="); name {
		case "newest":
			a.Newest = true
		case "limit":
			_, err = fmt.Sscan(value, &a.Limit)
		case "step":
			a.Step, err = time.ParseDuration(value)
		default:
			err = fmt.Errorf("%q is not known", word)
		}
		if err != nil {
			return a, err
		}
	}
	if !slices.Contains([]string{"log", "instant", "range"}, a.Kind) {
		return a, fmt.Errorf("%q is not known", a.Kind)
	}
	return a, nil
}

// String writes the ask as parseAsk reads it.
func (a Ask) String() string {
	switch a.Kind {
	case "instant":
		return fmt.Sprintf("instant %s", a.To)
	case "range":
		return fmt.Sprintf("range %s..%s step=%s", a.From, a.To, a.Step)
	}
	s := fmt.Sprintf("log %s..%s limit=%d", a.From, a.To, a.Limit)
	if a.Newest {
		s += " newest"
	}
	return s
}
