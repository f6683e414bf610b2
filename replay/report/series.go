package report

import (
	"time"

	"github.com/instantdevlogs/devlogs/replay/ledger"
)

// series are a run's course over time, a value for each step.
type series struct {
	step    time.Duration
	due     []float64 // records a second that should have been sent
	acked   []float64 // records a second that were acknowledged
	backlog []float64 // records that were due and not acknowledged yet, at the end of the step
}

// maxSteps bounds how fine the charts are.
const maxSteps = 240

// readSeries makes them from the run's ledger; nil when there is none.
func (r *Results) readSeries() (*series, error) {
	if r.dir == "" || r.Run == "" {
		return nil, nil
	}
	reader, err := ledger.Open(r.dir)
	if err != nil {
		return nil, err
	}
	last := time.Duration(0)
	err = reader.Walk(ledger.Events{
		Begin: func(q ledger.Request) { last = max(last, q.Intended) },
		End:   func(_ uint64, _ uint32, _ ledger.Latency, o ledger.Outcome) { last = max(last, o.Done) },
	})
	if err != nil || last == 0 {
		return nil, err
	}
	s := &series{step: max(last/maxSteps, 100*time.Millisecond)}
	n := int(last/s.step) + 1
	s.due, s.acked, s.backlog = make([]float64, n), make([]float64, n), make([]float64, n)
	seen := uint64(0) // requests have growing ids, so a smaller one is a retry
	err = reader.Walk(ledger.Events{
		Begin: func(q ledger.Request) {
			if q.ID >= seen {
				s.due[max(q.Intended, 0)/s.step] += float64(q.Records)
				seen = q.ID + 1
			}
		},
		End: func(_ uint64, records uint32, _ ledger.Latency, o ledger.Outcome) {
			if o.Class == ledger.Ack {
				s.acked[max(o.Done, 0)/s.step] += float64(records)
			}
		},
	})
	waiting := 0.0
	for i := range s.due {
		waiting = max(0, waiting+s.due[i]-s.acked[i])
		s.backlog[i] = waiting
		s.due[i] /= s.step.Seconds()
		s.acked[i] /= s.step.Seconds()
	}
	return s, err
}
