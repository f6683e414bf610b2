package ledger

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestCopiesFollowTheOutcomes(t *testing.T) {
	ack, ambiguous := Outcome{Class: Ack}, Outcome{Class: Ambiguous}
	retryable, refused := Outcome{Class: Retryable}, Outcome{Class: Refused}
	for name, c := range map[string]struct {
		outcomes  []Outcome
		open      int
		refusals  Refusals
		lo, hi    uint32
		delivered uint32
	}{
		"an ack":                            {outcomes: []Outcome{ack}, lo: 1, hi: 1, delivered: 10},
		"an ack after two timeouts":         {outcomes: []Outcome{ambiguous, ambiguous, ack}, lo: 1, hi: 3, delivered: 10},
		"only timeouts":                     {outcomes: []Outcome{ambiguous, ambiguous}, lo: 0, hi: 2},
		"a definite refusal":                {outcomes: []Outcome{refused}, lo: 0, hi: 0},
		"never sent":                        {outcomes: []Outcome{{Class: NotSent}}, lo: 0, hi: 0},
		"not sent, then an ack":             {outcomes: []Outcome{{Class: NotSent}, ack}, lo: 1, hi: 1, delivered: 10},
		"a retryable refusal":               {outcomes: []Outcome{retryable}, lo: 0, hi: 1},
		"an atomic retryable refusal":       {outcomes: []Outcome{retryable}, refusals: RefusalsAtomic, lo: 0, hi: 0},
		"an ack after an atomic refusal":    {outcomes: []Outcome{retryable, ack}, refusals: RefusalsAtomic, lo: 1, hi: 1, delivered: 10},
		"an ack that rejected three":        {outcomes: []Outcome{{Class: Ack, Rejected: 3}}, lo: 0, hi: 1, delivered: 7},
		"such an ack after a timeout":       {outcomes: []Outcome{ambiguous, {Class: Ack, Rejected: 3}}, lo: 0, hi: 2, delivered: 7},
		"an ack that claims to reject more": {outcomes: []Outcome{{Class: Ack, Rejected: 30}}, lo: 0, hi: 1},
		"a sender killed in mid-request":    {open: 1, lo: 0, hi: 1},
		"a sender killed in a retry":        {outcomes: []Outcome{ambiguous}, open: 1, lo: 0, hi: 2},
	} {
		t.Run(name, func(t *testing.T) {
			a := Account{Request: Request{Records: 10}, Attempts: uint32(len(c.outcomes) + c.open)}
			for _, o := range c.outcomes {
				a.settle(o, c.refusals)
			}
			lo, hi := a.Copies()
			require.Equal(t, [2]uint32{c.lo, c.hi}, [2]uint32{lo, hi})
			require.Equal(t, c.delivered, a.Delivered())
		})
	}
}

// Whatever a target does with each attempt, as long as it is honest, what it holds lies within the interval.
func TestAnHonestTargetIsAlwaysWithinTheInterval(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		refusals := rapid.SampledFrom([]Refusals{RefusalsAmbiguous, RefusalsAtomic}).Draw(t, "refusals")
		var a Account
		copies := uint32(0)
		for range rapid.IntRange(0, 8).Draw(t, "attempts") {
			a.Attempts++
			class := rapid.SampledFrom([]Class{0, Ack, Refused, Retryable, Ambiguous, NotSent}).Draw(t, "class")
			stored := class == Ack
			if class == 0 || class == Ambiguous || class == Retryable && refusals == RefusalsAmbiguous {
				stored = rapid.Bool().Draw(t, "stored")
			}
			if stored {
				copies++
			}
			if class != 0 {
				a.settle(Outcome{Class: class}, refusals)
			}
		}
		lo, hi := a.Copies()
		require.GreaterOrEqual(t, copies, lo)
		require.LessOrEqual(t, copies, hi)
	})
}
