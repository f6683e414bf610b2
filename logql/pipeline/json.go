package pipeline

import (
	"strings"

	"github.com/instantdevlogs/devlogs/logql"
)

// jsonAll makes labels of all properties of a line's JSON object. Nested ones get the names of their parents in front,
// joined by underscores; arrays and nulls are passed over.
type jsonAll struct {
	scanner jsonScanner
	names   names
	want    *wanted
	path    []byte
}

func (j *jsonAll) process(e *Entry) bool {
	j.scanner.reset(e.Line)
	j.path = j.path[:0]
	err := errNoObject
	if j.scanner.next() == '{' {
		if err = j.object(&e.Labels, 1); err == nil {
			err = j.scanner.end()
		}
	}
	if err != nil {
		e.Labels.fail(errJSON, err.Error())
	}
	return true
}

func (j *jsonAll) object(labels *Labels, depth int) error {
	parent := len(j.path)
	err := j.scanner.object(depth, func(key string) error {
		if parent > 0 {
			j.path = append(j.path, '_')
		}
		j.path = append(j.path, key...)
		err := j.member(labels, depth)
		j.path = j.path[:parent]
		return err
	})
	return err
}

func (j *jsonAll) member(labels *Labels, depth int) error {
	s := &j.scanner
	switch s.next() {
	case '{':
		return j.object(labels, depth+1)
	case '[':
		_, err := s.skip(depth)
		return err
	}
	name, ok := j.names.of(j.path)
	ok = ok && j.want.wantsAny(name)
	var value string
	var err error
	if s.next() == '"' {
		value, err = s.string()
	} else {
		value, err = s.skip(depth)
		ok = ok && value != "null"
	}
	if err == nil && ok {
		labels.extract(name, value)
	}
	return err
}

// jsonPaths makes labels of chosen parts of a line's JSON document.
type jsonPaths struct {
	scanner jsonScanner
	fields  []jsonField
}

type jsonField struct {
	name labelName
	path []logql.PathStep
}

func newJSONPaths(fields []logql.Extraction) *jsonPaths {
	j := &jsonPaths{}
	for _, f := range fields {
		path, _ := logql.ParsePath(f.Path)
		j.fields = append(j.fields, jsonField{newLabelName(f.Label), path})
	}
	return j
}

// process reads the line once for each field: that is as fast as one pass until a query names many.
func (j *jsonPaths) process(e *Entry) bool {
	s := &j.scanner
	s.reset(e.Line)
	if c := s.next(); c != '{' && c != '[' {
		e.Labels.fail(errJSON, errNoObject.Error())
		return true
	}
	if _, err := s.skip(0); err != nil {
		e.Labels.fail(errJSON, err.Error())
		return true
	}
	if err := s.end(); err != nil {
		e.Labels.fail(errJSON, err.Error())
		return true
	}
	for _, f := range j.fields {
		s.pos = 0
		s.space()
		value, found, _ := j.lookUp(f.path)
		if _, has := e.Labels.Get(f.name.plain); found || !has {
			e.Labels.extract(f.name, value)
		}
	}
	return true
}

// lookUp returns the text at a path below the value that the scanner stands at. The document is known to be JSON.
func (j *jsonPaths) lookUp(path []logql.PathStep) (value string, found bool, err error) {
	s := &j.scanner
	if len(path) == 0 {
		if s.next() == '"' {
			value, err = s.string()
			return value, true, err
		}
		value, err = s.skip(0)
		if value == "null" {
			value = ""
		}
		return strings.TrimSpace(value), true, err
	}
	step, rest := path[0], path[1:]
	visit := func(here bool) error {
		if !here || found {
			_, err := s.skip(0)
			return err
		}
		var err error
		value, found, err = j.lookUp(rest)
		return err
	}
	switch c := s.next(); {
	case c == '{' && step.Index < 0:
		err = s.object(0, func(key string) error { return visit(key == step.Key) })
	case c == '[' && step.Index >= 0:
		err = s.array(0, func(index int) error { return visit(index == step.Index) })
	default:
		_, err = s.skip(0)
	}
	return value, found, err
}

// unpack undoes what Promtail's pack stage does: labels from the string properties of an object, and the line from its
// property _entry. Objects without that property stay as they are.
type unpack struct {
	scanner jsonScanner
	names   names
	found   []Label
}

const packedEntry = "_entry"

func (u *unpack) process(e *Entry) bool {
	s := &u.scanner
	s.reset(e.Line)
	u.found = u.found[:0]
	entry, packed := "", false
	err := errNoObject
	if s.next() == '{' {
		err = s.object(1, func(key string) error {
			if s.next() != '"' {
				_, err := s.skip(1)
				return err
			}
			value, err := s.string()
			if key == packedEntry {
				entry, packed = value, true
			} else {
				u.found = append(u.found, Label{Name: key, Value: value})
			}
			return err
		})
	}
	if err == nil {
		err = s.end()
	}
	if err != nil {
		e.Labels.fail(errJSON, err.Error())
		return true
	}
	if !packed {
		return true
	}
	e.Line = entry
	for _, l := range u.found {
		if name, ok := u.names.of([]byte(l.Name)); ok {
			e.Labels.extract(name, l.Value)
		}
	}
	return true
}
