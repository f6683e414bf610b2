package pipeline

import (
	"unsafe"

	"github.com/instantdevlogs/devlogs/logql"
)

// lineFormat replaces the line.
type lineFormat struct {
	template *formatter
	buf      []byte
}

func newLineFormat(s *logql.LineFormat, options Options, m *meter) (*lineFormat, error) {
	t, err := newFormatter(s.Template, options, m)
	return &lineFormat{template: t}, err
}

func (f *lineFormat) process(e *Entry) bool {
	out, err := f.template.execute(f.buf[:0], e)
	f.buf = out
	if err != nil {
		e.Labels.fail(errTemplate, err.Error())
		return true
	}
	e.Line = unsafe.String(unsafe.SliceData(out), len(out))
	return true
}

// labelFormat renames and sets labels.
type labelFormat struct {
	labels []assignment
	buf    []byte
}

type assignment struct {
	name, from string
	template   *formatter
}

func newLabelFormat(s *logql.LabelFormat, options Options, m *meter) (*labelFormat, error) {
	f := &labelFormat{}
	for _, l := range s.Labels {
		a := assignment{name: l.Name, from: l.From}
		if l.From == "" {
			var err error
			if a.template, err = newFormatter(l.Template, options, m); err != nil {
				return nil, err
			}
		}
		f.labels = append(f.labels, a)
	}
	return f, nil
}

func (f *labelFormat) process(e *Entry) bool {
	f.buf = f.buf[:0]
	for _, a := range f.labels {
		if a.from != "" {
			if i := e.Labels.find(a.from); i >= 0 {
				label := e.Labels.list[i]
				e.Labels.Delete(a.from)
				e.Labels.Set(a.name, label.Value, label.Kind)
			}
			continue
		}
		from := len(f.buf)
		out, err := a.template.execute(f.buf, e)
		f.buf = out
		if err != nil {
			e.Labels.fail(errTemplate, err.Error())
			continue
		}
		made := out[from:]
		e.Labels.Set(a.name, unsafe.String(unsafe.SliceData(made), len(made)), Parsed)
	}
	return true
}
