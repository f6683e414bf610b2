package diff

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/instantdevlogs/devlogs/replay/canon"
)

// Proposal is a mask for a path whose values differ between runs that should be alike.
type Proposal struct {
	Path    string
	Match   string
	Records int      // in how many records it differed
	Samples []string // some of its values
}

// maxNoise bounds how many records of a run are compared.
const maxNoise = 20_000

// LearnNoise compares runs of the same input with each other, field by field, and proposes masks for what differs.
// Records are paired by their uid, so runs without uids teach nothing.
func LearnNoise(ctx context.Context, runs []Input) ([]Proposal, error) {
	seen := map[uint64][][]canon.Field{} // by uid, a list of each run's
	for i, run := range runs {
		start, err := (&run).start(ctx, &Masks{list: []*Mask{{Matcher: TimeRelative}}})
		if err != nil {
			return nil, err
		}
		n := 0
		for r, err := range run.Records(ctx) {
			if err != nil {
				return nil, fmt.Errorf("read %s: %w", run.Name, err)
			}
			uid := uidOf(r)
			if uid == 0 || len(seen[uid]) != i || i == 0 && len(seen) == maxNoise {
				continue // it is not in every run, or there twice
			}
			n++
			seen[uid] = append(seen[uid], relativeFields(r, run.Keeps, start))
		}
		if n == 0 {
			return nil, fmt.Errorf("no record of %s has a %s that the runs before have: noise is learnt from runs of one recording, "+
				"played with --identity uid", run.Name, uidPath[len("attributes."):])
		}
	}
	values := map[string]*noise{}
	for _, versions := range seen {
		for _, fields := range versions[1:] {
			for _, c := range canon.Compare(versions[0], fields) {
				n := values[c.Path]
				if n == nil {
					n = &noise{}
					values[c.Path] = n
				}
				n.add(c)
			}
		}
	}
	var all []Proposal
	for path, n := range values {
		all = append(all, Proposal{Path: path, Match: n.match(), Records: n.records, Samples: n.samples})
	}
	slices.SortFunc(all, func(a, b Proposal) int { return cmp.Or(cmp.Compare(b.Records, a.Records), cmp.Compare(a.Path, b.Path)) })
	return all, nil
}

// relativeFields lists a record's fields with times counted from the run's start.
func relativeFields(r *canon.Record, keeps canon.Projection, start uint64) []canon.Field {
	fields := canon.Fields(r, func(l *canon.Leaf) bool {
		return (keeps == nil || keeps(l)) && string(l.Path) != uidPath
	})
	for i := range fields {
		if f := &fields[i]; f.Kind == canon.Time {
			var ns uint64
			if _, err := fmt.Sscan(f.Value, &ns); err == nil {
				f.Value = fmt.Sprint(relative(ns, start))
			}
		}
	}
	return fields
}

// noise is what a path's values have in common though they differ.
type noise struct {
	records           int
	samples           []string
	notUUID, notHex   bool
	digits            int
	notTime           bool
	notNumber         bool
	spread, ratio     float64 // largest difference of times in ns, and of numbers as a share
	absent, typesVary bool
}

func (n *noise) add(c canon.Change) {
	n.records++
	if c.Was == nil || c.Now == nil {
		n.absent = true
		return
	}
	n.typesVary = n.typesVary || c.Was.Kind != c.Now.Kind
	for _, f := range []*canon.Field{c.Was, c.Now} {
		if len(n.samples) < 4 && !slices.Contains(n.samples, f.String()) {
			n.samples = append(n.samples, f.String())
		}
		n.notUUID = n.notUUID || !uuidText.MatchString(f.Value)
		if n.digits == 0 {
			n.digits = len(f.Value)
		}
		n.notHex = n.notHex || !hexText.MatchString(f.Value) || len(f.Value) != n.digits || len(f.Value) < 8
		n.notTime = n.notTime || f.Kind != canon.Time
		n.notNumber = n.notNumber || f.Kind != canon.Int && f.Kind != canon.Double
	}
	var was, now float64
	if _, err := fmt.Sscan(c.Was.Value, &was); err != nil {
		return
	}
	if _, err := fmt.Sscan(c.Now.Value, &now); err != nil {
		return
	}
	n.spread = max(n.spread, math.Abs(now-was))
	if was == 0 || now == 0 {
		n.ratio = math.Inf(1)
		return
	}
	n.ratio = max(n.ratio, math.Abs(now-was)/min(math.Abs(was), math.Abs(now)))
}

// match is the narrowest matcher that lets all values pass, with room for what was not seen: twice what was.
func (n *noise) match() string {
	switch {
	case n.absent, n.typesVary:
		return string(Drop)
	case !n.notTime:
		within := time.Duration(2 * n.spread).Round(time.Millisecond)
		return fmt.Sprintf("time-relative(±%s)", max(within, time.Millisecond))
	case !n.notUUID:
		return string(UUID)
	case !n.notNumber && n.ratio <= 1:
		return fmt.Sprintf("number(±%d%%)", int(math.Ceil(200*n.ratio)))
	case !n.notNumber:
		return string(Type)
	case !n.notHex:
		return fmt.Sprintf("hex(%d)", n.digits)
	}
	return string(Type)
}

// WriteProposals writes masks for people to read, shorten and commit.
func WriteProposals(w io.Writer, all []Proposal) error {
	var b strings.Builder
	b.WriteString("# Proposed masks: what differed between runs of the same recording. Read each before you commit it: a mask hides\n" +
		"# whatever changes at its path.\nmasks:\n")
	if len(all) == 0 {
		b.WriteString("  [] # nothing differed\n")
	}
	for _, p := range all {
		fmt.Fprintf(&b, "  - path: %q # differed in %s: %s\n    match: %q\n", p.Path, records(uint64(p.Records)), strings.Join(p.Samples, ", "), p.Match)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
