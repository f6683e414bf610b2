package lokiapi

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/instantdevlogs/devlogs/logql"
	"github.com/instantdevlogs/devlogs/logql/pipeline"
	"github.com/instantdevlogs/devlogs/queryapi/logplan"
	"github.com/instantdevlogs/devlogs/storage"
)

const (
	defaultLineLimit  = 100  // entries that are looked at
	defaultFieldLimit = 1000 // fields, or values of one
)

type detectedFieldsAnswer struct {
	Fields []detectedField `json:"fields"`
	Limit  int             `json:"limit"`
}

// detectedField is a name that one can filter entries by. Parsers tell what finds it in the line; null: the entry has it as
// structured metadata.
type detectedField struct {
	Label       string   `json:"label"`
	Type        string   `json:"type"`
	Cardinality int      `json:"cardinality"`
	Parsers     []string `json:"parsers"`
	JSONPath    []string `json:"jsonPath,omitempty"`
}

type detectedValuesAnswer struct {
	Values []string `json:"values"`
	Limit  int      `json:"limit"`
}

// detectedFields answers /detected_fields: what the newest entries of a query have, in their structured metadata and, as
// JSON or logfmt, in their lines.
func detectedFields(ctx context.Context, r *Request) (any, error) {
	sampled, limit, err := sampleFields(ctx, r)
	if err != nil {
		return nil, err
	}
	answer := &detectedFieldsAnswer{Fields: []detectedField{}, Limit: limit}
	for name, f := range sampled.fields {
		field := detectedField{Label: name, Type: f.kind, Cardinality: len(f.values), Parsers: f.parsers}
		if slices.Contains(f.parsers, parserJSON) {
			field.JSONPath = f.path
		}
		answer.Fields = append(answer.Fields, field)
	}
	slices.SortFunc(answer.Fields, func(a, b detectedField) int {
		return cmp.Or(cmp.Compare(b.Cardinality, a.Cardinality), cmp.Compare(a.Label, b.Label))
	})
	answer.Fields = answer.Fields[:min(limit, len(answer.Fields))]
	return answer, nil
}

// detectedValues answers /detected_field/{name}/values.
func detectedValues(ctx context.Context, r *Request) (any, error) {
	sampled, limit, err := sampleFields(ctx, r)
	if err != nil {
		return nil, err
	}
	answer := &detectedValuesAnswer{Values: []string{}, Limit: limit}
	if f := sampled.fields[r.HTTP.PathValue("name")]; f != nil {
		for value := range f.values {
			answer.Values = append(answer.Values, value)
		}
		slices.Sort(answer.Values)
		answer.Values = answer.Values[:min(limit, len(answer.Values))]
	}
	return answer, nil
}

// sampleFields looks at the newest entries of a query.
func sampleFields(ctx context.Context, r *Request) (*fieldSample, int, error) {
	f := newForm(r)
	q := f.logQuery()
	t := f.span(defaultSince)
	lines := f.count("line_limit", defaultLineLimit)
	limit := f.count("limit", defaultFieldLimit)
	if err := f.err(); err != nil {
		return nil, 0, err
	}
	plan, err := r.Planner.Log(ctx, t.logRequest(q, storage.NewestFirst, min(lines, r.Limits.MaxRows)))
	if err != nil {
		return nil, 0, err
	}
	s, err := newFieldSample(q)
	if err != nil {
		return nil, 0, err
	}
	for e, err := range plan.Entries(ctx) {
		if err != nil {
			return nil, 0, err
		}
		s.add(e)
	}
	return s, limit, nil
}

const (
	parserJSON   = "json"
	parserLogfmt = "logfmt"
)

// fieldSample gathers the fields of entries.
type fieldSample struct {
	fields map[string]*sampledField
	asked  []string // the parsers of the query
	json   *pipeline.Pipeline
	logfmt *pipeline.Pipeline
	entry  pipeline.Entry
}

type sampledField struct {
	kind    string
	values  map[string]struct{}
	parsers []string
	path    []string
}

func newFieldSample(q *logql.LogQuery) (*fieldSample, error) {
	s := &fieldSample{fields: map[string]*sampledField{}}
	for _, stage := range q.Stages {
		switch stage.(type) {
		case *logql.JSON, *logql.Unpack:
			s.asked = append(s.asked, parserJSON)
		case *logql.Logfmt:
			s.asked = append(s.asked, parserLogfmt)
		case *logql.Pattern:
			s.asked = append(s.asked, "pattern")
		case *logql.Regexp:
			s.asked = append(s.asked, "regexp")
		}
	}
	var err error
	if s.json, err = pipeline.Compile([]logql.Stage{&logql.JSON{}}, pipeline.Options{}); err != nil {
		return nil, err
	}
	s.logfmt, err = pipeline.Compile([]logql.Stage{&logql.Logfmt{}}, pipeline.Options{})
	return s, err
}

// add takes an entry's metadata, what the query has parsed of it, and, when it has parsed nothing, what its line holds.
func (s *fieldSample) add(e *logplan.Entry) {
	for _, l := range e.Labels {
		switch {
		case l.Kind == pipeline.Metadata:
			s.note(l, "")
		case l.Kind == pipeline.Parsed && !strings.HasPrefix(l.Name, "__"):
			for _, parser := range s.asked {
				s.note(l, parser)
			}
		}
	}
	if len(s.asked) > 0 {
		s.notePaths(e.Line)
		return
	}
	parser, p := parserLogfmt, s.logfmt
	if strings.HasPrefix(strings.TrimSpace(e.Line), "{") {
		parser, p = parserJSON, s.json
	}
	s.entry.Line = e.Line
	s.entry.Labels.Reset(streamLabels(e), nil)
	p.Process(&s.entry)
	if failed, _ := s.entry.Labels.Error(); failed != "" {
		return
	}
	for _, l := range s.entry.Labels.List() {
		if l.Kind == pipeline.Parsed { // a word alone is a key without a value in logfmt, which note passes over
			s.note(l, parser)
		}
	}
	s.notePaths(e.Line)
}

func streamLabels(e *logplan.Entry) (stream []pipeline.Label) {
	for _, l := range e.Labels {
		if l.Kind == pipeline.Stream {
			stream = append(stream, l)
		}
	}
	return stream
}

func (s *fieldSample) note(l pipeline.Label, parser string) {
	if l.Value == "" {
		return
	}
	f := s.fields[l.Name]
	if f == nil {
		f = &sampledField{kind: typeOf(l.Value), values: map[string]struct{}{}}
		s.fields[strings.Clone(l.Name)] = f
	}
	f.kind = commonType(f.kind, typeOf(l.Value))
	f.values[strings.Clone(l.Value)] = struct{}{}
	if parser != "" && !slices.Contains(f.parsers, parser) {
		f.parsers = append(f.parsers, parser)
	}
}

// notePaths finds where in a line of JSON the fields stand.
func (s *fieldSample) notePaths(line string) {
	for name, path := range jsonPaths(line) {
		for _, known := range []string{name, name + "_extracted"} {
			if f := s.fields[known]; f != nil && f.path == nil {
				f.path = path
			}
		}
	}
}
