package diff

import (
	"cmp"
	"slices"

	"github.com/instantdevlogs/devlogs/pattern"
	"github.com/instantdevlogs/devlogs/replay/canon"
)

// PatternOptions say which differences between the message templates of both sides count. Zero values get the defaults
// named.
type PatternOptions struct {
	Floor uint64  // a template that fewer messages have on both sides says nothing; 10
	Shift float64 // a share of all messages that grew or shrank by this factor is a shift; 2
	Gate  bool    // differences make the comparison fail
}

// Patterns compare which templates both sides have, and how often. They were mined over both together.
type Patterns struct {
	Templates int     `json:"templates"`
	New       []Shift `json:"new,omitempty"`      // in the run only
	Vanished  []Shift `json:"vanished,omitempty"` // in the golden only
	Shifted   []Shift `json:"shifted,omitempty"`
	Gate      bool    `json:"gate"`
}

// Shift is one template.
type Shift struct {
	Template string  `json:"template"`
	Golden   uint64  `json:"golden"` // messages
	Run      uint64  `json:"run"`
	Factor   float64 `json:"factor,omitempty"` // by which its share grew
	Sample   string  `json:"sample"`
}

type patternTally struct {
	miner  *pattern.Miner
	counts [][2]uint64 // by template
	totals [2]uint64
}

func newPatternTally() *patternTally { return &patternTally{miner: pattern.New(pattern.Config{})} }

// add counts a record of the golden (side 0) or of the run (side 1).
func (p *patternTally) add(r *canon.Record, side int) {
	p.totals[side]++
	t := p.miner.Add(r.Log.Body().AsString())
	if t == nil {
		return
	}
	for t.ID >= len(p.counts) {
		p.counts = append(p.counts, [2]uint64{})
	}
	p.counts[t.ID][side]++
}

func (p *patternTally) result(o PatternOptions) *Patterns {
	floor, factor := cmp.Or(o.Floor, 10), cmp.Or(o.Shift, 2)
	samples := map[int]string{}
	for _, t := range p.miner.Templates() {
		samples[t.ID] = t.Sample
	}
	out := &Patterns{Gate: o.Gate}
	for text, ids := range p.miner.ByText() {
		out.Templates++
		s := Shift{Template: text, Sample: samples[ids[0]]}
		for _, id := range ids {
			s.Golden += p.counts[id][0]
			s.Run += p.counts[id][1]
		}
		if max(s.Golden, s.Run) < floor {
			continue
		}
		switch {
		case s.Golden == 0:
			out.New = append(out.New, s)
		case s.Run == 0:
			out.Vanished = append(out.Vanished, s)
		default:
			s.Factor = float64(s.Run) / float64(p.totals[1]) / (float64(s.Golden) / float64(p.totals[0]))
			// As many as before is no shift, though others that vanished made its share grow.
			if s.Golden != s.Run && (s.Factor >= factor || s.Factor <= 1/factor) {
				out.Shifted = append(out.Shifted, s)
			}
		}
	}
	for _, list := range [][]Shift{out.New, out.Vanished, out.Shifted} {
		slices.SortFunc(list, func(a, b Shift) int {
			return cmp.Or(cmp.Compare(b.Golden+b.Run, a.Golden+a.Run), cmp.Compare(a.Template, b.Template))
		})
	}
	return out
}

// OK says that nothing differs that the gate looks at.
func (p *Patterns) OK() bool {
	return !p.Gate || len(p.New)+len(p.Vanished)+len(p.Shifted) == 0
}
