package jsonlogreceiver

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// schema checks records against a JSON Schema. A nil schema takes everything.
type schema struct {
	compiled *jsonschema.Schema
	tag      bool // store what does not match, marked
}

func loadSchema(config SchemaConfig) (*schema, error) {
	if config.File == "" {
		return nil, nil
	}
	path, err := filepath.Abs(config.File)
	if err != nil {
		return nil, fmt.Errorf("schema.file: %w", err)
	}
	compiled, err := jsonschema.NewCompiler().Compile(path)
	if err != nil {
		return nil, fmt.Errorf("schema.file %s: %w", config.File, err)
	}
	return &schema{compiled: compiled, tag: config.OnInvalid == onInvalidTag}, nil
}

// check says what is wrong with a record, "" when nothing is.
func (s *schema) check(raw string) string {
	if s == nil {
		return ""
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(raw))
	if err == nil {
		err = s.compiled.Validate(value)
	}
	if err == nil {
		return ""
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) > 1 { // the first only names the schema
		lines = lines[1:]
	}
	for i := range lines {
		lines[i] = strings.TrimPrefix(strings.TrimSpace(lines[i]), "- ")
	}
	return strings.Join(lines, "; ")
}
