// Package pipeline runs the stages of a LogQL query over one entry after another: line filters, parsers, label filters,
// formats and unwrap. Compile turns the stages into a Pipeline; Process sends an Entry through it and says whether the entry
// is kept. It allocates little: names of labels are kept from entry to entry, and values are parts of the line wherever that
// can be.
//
// A stage that fails on an entry does not drop it. The entry gets the labels __error__ and __error_details__, and a label
// filter decides. Only filters on those labels' text see them.
package pipeline

import (
	"time"

	"github.com/instantdevlogs/devlogs/logql"
)

// Entry is one log entry on its way through a pipeline.
type Entry struct {
	Time   int64 // nanoseconds since 1970
	Line   string
	Labels Labels
	Sample float64 // what unwrap made of the entry
}

// Pipeline is a compiled chain of stages. It keeps buffers from entry to entry: use it from one goroutine at a time, and
// compile another for the next goroutine.
type Pipeline struct {
	stages []stage
	meter  *meter // of all templates
}

// stage changes the entry and tells whether to keep it.
type stage interface {
	process(e *Entry) bool
}

// Options refine a compilation.
type Options struct {
	// Need, when not nil, lists the labels that the caller reads of the entries that are kept. Parsers then need not
	// extract others. A nil Need means all.
	Need []string
	// Now is the time that templates get from now. The zero time means the moment of the call.
	Now time.Time
}

// Compile prepares the stages of a log query. An error is an *logql.Error: the parser does not know the functions that
// templates may call.
func Compile(stages []logql.Stage, options Options) (*Pipeline, error) {
	return compile(stages, nil, options)
}

// CompileRange prepares a range: its stages, and its unwrap when it has one.
func CompileRange(r *logql.Range, options Options) (*Pipeline, error) {
	return compile(r.Log.Stages, r.Unwrap, options)
}

// Check tells whether the expression compiles, wherever stages stand in it.
func Check(expr logql.Expr) error {
	for _, r := range logql.Ranges(expr) {
		if _, err := CompileRange(r, Options{}); err != nil {
			return err
		}
	}
	if log, ok := expr.(*logql.LogQuery); ok {
		_, err := Compile(log.Stages, Options{})
		return err
	}
	return nil
}

// Process sends the entry through the stages. It is false when a stage drops the entry. Strings in the entry afterwards
// are valid until the next call: clone what is kept longer.
func (p *Pipeline) Process(e *Entry) bool {
	*p.meter = meter{}
	for _, s := range p.stages {
		if !s.process(e) {
			return false
		}
	}
	return true
}

// Empty tells whether the pipeline has no stages: every entry passes unchanged.
func (p *Pipeline) Empty() bool { return len(p.stages) == 0 }

func compile(stages []logql.Stage, unwrap *logql.Unwrap, options Options) (*Pipeline, error) {
	p := &Pipeline{meter: &meter{}}
	wants := wantsBehind(stages, unwrap, options.Need)
	for i, s := range stages {
		compiled, err := compileStage(s, wants[i], options, p.meter)
		if err != nil {
			return nil, err
		}
		p.stages = append(p.stages, compiled)
	}
	if unwrap == nil {
		return p, nil
	}
	p.stages = append(p.stages, newUnwrap(unwrap))
	for _, f := range unwrap.Filters {
		p.stages = append(p.stages, &labelFilter{newPredicate(f.Predicate)})
	}
	return p, nil
}

func compileStage(s logql.Stage, want *wanted, options Options, m *meter) (stage, error) {
	switch s := s.(type) {
	case *logql.LineFilter:
		return newLineFilter(s), nil
	case *logql.JSON:
		if len(s.Fields) > 0 {
			return newJSONPaths(s.Fields), nil
		}
		return &jsonAll{names: newNames(), want: want}, nil
	case *logql.Logfmt:
		return newLogfmt(s, want), nil
	case *logql.Pattern:
		return newPattern(s)
	case *logql.Regexp:
		return newRegexp(s), nil
	case *logql.Unpack:
		return &unpack{names: newNames()}, nil
	case *logql.LabelFilter:
		return &labelFilter{newPredicate(s.Predicate)}, nil
	case *logql.LineFormat:
		return newLineFormat(s, options, m)
	case *logql.LabelFormat:
		return newLabelFormat(s, options, m)
	case *logql.Decolorize:
		return &decolorize{}, nil
	case *logql.Drop:
		return &drop{newRefs(s.Labels)}, nil
	case *logql.Keep:
		return &keep{newRefs(s.Labels)}, nil
	}
	return nil, logql.Errorf("the stage %s is not known", s)
}
