package report

import (
	"fmt"
	"strings"

	"github.com/instantdevlogs/devlogs/replay/diff"
	"github.com/instantdevlogs/devlogs/replay/gate"
	"github.com/instantdevlogs/devlogs/replay/ledger"
	"github.com/instantdevlogs/devlogs/replay/verify"
)

// verifyAssertions has one assertion for each thing that can be wrong, so that a report shows what was checked.
func verifyAssertions(v *verify.Result) []gate.Assertion {
	one := func(name string, n uint64, what string, detail string) gate.Assertion {
		a := gate.Assertion{Suite: "delivery", Name: name, OK: n == 0}
		if n > 0 {
			a.Message, a.Detail = fmt.Sprintf("%d records %s", n, what), detail
		}
		return a
	}
	findings := func(kinds ...verify.Kind) string {
		var lines []string
		for i := range v.Findings {
			for _, kind := range kinds {
				if v.Findings[i].Kind == kind && len(lines) < 5 {
					lines = append(lines, v.Findings[i].String())
				}
			}
		}
		return strings.Join(lines, "\n")
	}
	all := []gate.Assertion{
		one("no record is lost", v.Lost, "were acknowledged and are not there", lostDetail(v)+findings(verify.Lost)),
		one("no record is duplicated by the pipeline", v.Duplicated, "have more copies than retries explain", findings(verify.Duplicated)),
		one("no refused record is there", v.Phantom, "are there though they were refused", findings(verify.Phantom)),
		one("no foreign record is there", v.Foreign, "are there that were never sent", findings(verify.Foreign)),
		one("no record is changed", v.Mutated, "were changed on the way", mutationDetail(v)),
	}
	if v.Delivery == ledger.ExactlyOnce {
		all = append(all, one("no record is stored again by a retry", v.RetryDuplicates, "are there more than once after a retry",
			findings(verify.RetryDuplicate)))
	}
	if v.RequireOrder {
		all = append(all, one("every stream keeps its order", v.Order.Inversions, "come after one of their stream that was sent later",
			findings(verify.Reordered)))
	}
	if v.Recheck != nil {
		all = append(all, one("nothing vanishes or appears later", v.Recheck.Gone+v.Recheck.More, "changed between two looks", ""))
	}
	balanced := gate.Assertion{Suite: "delivery", Name: "every sent record is accounted for: " + v.Equation(), OK: v.Balanced()}
	if !balanced.OK {
		balanced.Message = "the totals do not balance"
	}
	return append(all, balanced)
}

func lostDetail(v *verify.Result) string {
	var b strings.Builder
	for _, s := range v.LostBy {
		fmt.Fprintf(&b, "%d of %s %s (%d sent), like %s\n", s.Lost, s.Service, s.Severity, s.Sent, s.Sample)
	}
	return b.String()
}

func mutationDetail(v *verify.Result) string {
	var b strings.Builder
	for _, m := range v.Mutations {
		fmt.Fprintf(&b, "%s %s, %d records, %d streams", m.Path, m.Class, m.Records, m.Streams)
		for _, s := range m.Samples {
			fmt.Fprintf(&b, "; %s -> %s", s.Was, s.Now)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func diffAssertions(d *diff.Result) []gate.Assertion {
	one := func(name string, n uint64, what, detail string) gate.Assertion {
		a := gate.Assertion{Suite: "golden", Name: name, OK: n == 0}
		if n > 0 {
			a.Message, a.Detail = fmt.Sprintf("%d records %s", n, what), detail
		}
		return a
	}
	var changes strings.Builder
	for _, c := range d.Changes {
		fmt.Fprintf(&changes, "%s %s, %d records, %d streams", c.Path, c.Class, c.Records, c.Streams)
		for _, s := range c.Samples {
			fmt.Fprintf(&changes, "; %s -> %s", s.Was, s.Now)
		}
		changes.WriteByte('\n')
	}
	var all []gate.Assertion
	if why := d.Void(); why != "" {
		all = append(all, gate.Assertion{Suite: "golden", Name: "the comparison can fail", Message: why})
	}
	if !d.PatternsOnly {
		all = append(all,
			one("no record differs from the golden", d.Changed, "differ from the golden", changes.String()),
			one("no record of the golden is missing", d.Missing, "of the golden are missing", groupDetail(d.MissingBy)),
			one("no record is there that the golden lacks", d.Extra, "are not in the golden, or more often than there", groupDetail(d.ExtraBy)),
		)
		for _, m := range d.Masks {
			a := gate.Assertion{Suite: "golden", Name: fmt.Sprintf("the mask for %s (%s) is needed", m.Path, m.Match), OK: m.Hits+m.Misses > 0}
			if !a.OK {
				a.Message = "it was never needed: remove it, before it hides something"
			}
			all = append(all, a)
		}
	}
	if p := d.Patterns; p != nil && p.Gate {
		a := gate.Assertion{Suite: "golden", Name: "the message templates are those of the golden", OK: p.OK()}
		if !a.OK {
			a.Message = fmt.Sprintf("%d new, %d vanished, %d with another share", len(p.New), len(p.Vanished), len(p.Shifted))
		}
		all = append(all, a)
	}
	return all
}

func groupDetail(groups []diff.Group) string {
	var b strings.Builder
	for _, g := range groups {
		fmt.Fprintf(&b, "%d of %s %s: %s\n", g.Records, g.Service, g.Severity, g.Template)
	}
	return b.String()
}
