package pipeline

import (
	"time"

	"github.com/dustin/go-humanize"

	"github.com/instantdevlogs/devlogs/logql"
)

// unwrapStage takes the entry's sample from a label and removes the label. Entries without it are dropped; those whose
// label can't be read stay, with an error.
type unwrapStage struct {
	label   string
	convert func(string) (float64, error)
}

func newUnwrap(u *logql.Unwrap) *unwrapStage {
	s := &unwrapStage{label: u.Label, convert: parseFloat}
	switch u.Conversion {
	case logql.ConvertDuration, logql.ConvertDurationSeconds:
		s.convert = func(text string) (float64, error) {
			d, err := time.ParseDuration(text)
			return d.Seconds(), err
		}
	case logql.ConvertBytes:
		s.convert = func(text string) (float64, error) {
			n, err := humanize.ParseBytes(text)
			return float64(n), err
		}
	}
	return s
}

func (u *unwrapStage) process(e *Entry) bool {
	text, ok := e.Labels.Get(u.label)
	if !ok {
		return false
	}
	value, err := u.convert(text)
	if err != nil {
		e.Labels.fail(errSample, err.Error())
		value = 0
	}
	e.Sample = value
	e.Labels.Delete(u.label)
	return true
}
