package logql

import (
	"regexp"
	"slices"
	"strings"
)

// JSON extracts labels from a line that is a JSON object: all properties, or the chosen ones.
type JSON struct {
	Fields []Extraction // Path is an expression such as request.headers["User-Agent"][0]: see ParsePath
}

// Logfmt extracts labels from a line of key=value pairs.
type Logfmt struct {
	Strict    bool // stop at the first malformed pair, with an error
	KeepEmpty bool // keep keys that have no value
	Fields    []Extraction
}

// Extraction says that a label gets the value of a field.
type Extraction struct {
	Label string
	Path  string // equal to Label where the query names only that
}

// Pattern extracts labels by a pattern expression: see ParsePattern.
type Pattern struct{ Pattern string }

// Regexp extracts the named groups of an RE2 expression.
type Regexp struct{ Expression string }

// Unpack extracts the string properties of a JSON object and replaces the line by the property "_entry".
type Unpack struct{}

func (j *JSON) String() string { return "| json" + extractions(j.Fields) }

func (l *Logfmt) String() string {
	flags := ""
	if l.Strict {
		flags += " --strict"
	}
	if l.KeepEmpty {
		flags += " --keep-empty"
	}
	return "| logfmt" + flags + extractions(l.Fields)
}

func (s *Pattern) String() string { return "| pattern " + quote(s.Pattern) }
func (r *Regexp) String() string  { return "| regexp " + quote(r.Expression) }
func (*Unpack) String() string    { return "| unpack" }

func extractions(fields []Extraction) string {
	parts := make([]string, len(fields))
	for i, f := range fields {
		parts[i] = f.Label
		if f.Path != f.Label {
			parts[i] += "=" + quote(f.Path)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " " + strings.Join(parts, ", ")
}

func (p *parser) json() (Stage, error) {
	p.take()
	fields, err := p.extractions(func(t token, path string) error {
		if _, err := ParsePath(path); err != nil {
			return p.fail(t, "%v", err)
		}
		return nil
	})
	return &JSON{Fields: fields}, err
}

func (p *parser) logfmt() (Stage, error) {
	p.take()
	l := &Logfmt{}
	for p.peek().kind == tokFlag {
		switch t := p.take(); t.text {
		case "--strict":
			l.Strict = true
		case "--keep-empty":
			l.KeepEmpty = true
		default:
			return nil, p.fail(t, "unknown flag %s, expected --strict or --keep-empty", t.text)
		}
	}
	var err error
	l.Fields, err = p.extractions(func(t token, key string) error {
		if key == "" || strings.ContainsAny(key, " =\"") {
			return p.fail(t, "%q is no logfmt key: expected one without space, = and \"", key)
		}
		return nil
	})
	return l, err
}

func (p *parser) extractions(check func(t token, path string) error) ([]Extraction, error) {
	if p.peek().kind != tokName {
		return nil, nil
	}
	var fields []Extraction
	for {
		if err := p.count(); err != nil {
			return nil, err
		}
		t := p.peek()
		name, err := p.expectName("to extract")
		if err != nil {
			return nil, err
		}
		path := name
		if p.accept("=") {
			t = p.peek()
			if path, err = p.expectString("that names the field for the label " + name); err != nil {
				return nil, err
			}
		}
		if err := check(t, path); err != nil {
			return nil, err
		}
		fields = append(fields, Extraction{Label: name, Path: path})
		if !p.accept(",") {
			return fields, nil
		}
	}
}

func (p *parser) pattern() (Stage, error) {
	p.take()
	t := p.peek()
	text, err := p.expectString("behind pattern")
	if err != nil {
		return nil, err
	}
	if _, err := ParsePattern(text); err != nil {
		return nil, p.fail(t, "invalid pattern: %v", err)
	}
	return &Pattern{Pattern: text}, nil
}

func (p *parser) regexpParser() (Stage, error) {
	p.take()
	t := p.peek()
	text, err := p.expectString("behind regexp")
	if err != nil {
		return nil, err
	}
	if err := p.regexp(t, text); err != nil {
		return nil, err
	}
	names := slices.DeleteFunc(regexp.MustCompile(text).SubexpNames(), func(n string) bool { return n == "" })
	if len(names) == 0 {
		return nil, p.fail(t, "expected at least one named group such as (?P<status>\\d+) in the regular expression")
	}
	slices.Sort(names)
	for i := 1; i < len(names); i++ {
		if names[i] == names[i-1] {
			return nil, p.fail(t, "the group %s is there twice in the regular expression", names[i])
		}
	}
	return &Regexp{Expression: text}, nil
}
