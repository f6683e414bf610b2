package recording

import (
	"fmt"
	"slices"
	"sync"
)

// Notes is what reading came across that is no error.
type Notes struct {
	Torn         int      // messages cut off by the end of their file, and left out
	OtherSignals int      // messages that hold traces, metrics or profiles, and were left out
	Gaps         []Gap    // traffic that the recorder did not keep
	Warnings     []string // in words, the first of each kind and file
}

// maxWarnings bounds Notes.Warnings; the counts go on.
const maxWarnings = 50

type notes struct {
	mu sync.Mutex
	Notes
	// promised are the segments that a manifest describes; set before reading begins. Their gaps the manifest has told.
	promised map[string]Segment
}

func (n *notes) torn(file string, t *tornError) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.Torn++
	n.warn(fmt.Sprintf("%s: %v; it is left out", file, t))
}

func (n *notes) otherSignal(file string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.OtherSignals++
	n.warn(file + ": it holds other signals beside logs; they are left out")
}

// gapsOf returns what to do with a gap in a segment's sidecar.
func (n *notes) gapsOf(segment string) func(Gap) {
	if _, told := n.promised[segment]; told {
		return func(Gap) {}
	}
	return n.gap
}

func (n *notes) gap(g Gap) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.Gaps = append(n.Gaps, g)
}

func (n *notes) note(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.warn(text)
}

func (n *notes) warn(text string) {
	if len(n.Warnings) < maxWarnings && !slices.Contains(n.Warnings, text) {
		n.Warnings = append(n.Warnings, text)
	}
}

func (n *notes) snapshot() Notes {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.Notes
	s.Gaps, s.Warnings = slices.Clone(n.Gaps), slices.Clone(n.Warnings)
	return s
}
