package diff

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"
)

// Result of a comparison.
type Result struct {
	Golden        string `json:"golden"`
	Run           string `json:"run"`
	GoldenRecords uint64 `json:"golden_records"`
	RunRecords    uint64 `json:"run_records"`
	Equal         uint64 `json:"equal"`
	Changed       uint64 `json:"changed"`
	Missing       uint64 `json:"missing"` // of the golden, not in the run
	Extra         uint64 `json:"extra"`   // of the run, not in the golden
	Again         uint64 `json:"again"`   // of Extra: in the golden, but more often in the run
	Examined      uint64 `json:"examined"`
	Nothing       bool   `json:"nothing_compared,omitempty"` // the masks dropped every value

	Changes   []Change          `json:"changes,omitempty"`
	MissingBy []Group           `json:"missing_by,omitempty"`
	ExtraBy   []Group           `json:"extra_by,omitempty"`
	Added     map[string]uint64 `json:"added,omitempty"` // values at paths that the golden has nowhere, where they are allowed
	Masks     []Use             `json:"masks,omitempty"`
	Patterns  *Patterns         `json:"patterns,omitempty"`
	// PatternsOnly: only the templates are judged.
	PatternsOnly bool `json:"patterns_only,omitempty"`
}

// Change sums up the changes of one kind at one path.
type Change struct {
	Path    string `json:"path"`
	Class   string `json:"class"` // "removed", "added", "changed", "int → string"
	Records uint64 `json:"records"`
	Streams int    `json:"streams"`
	// Services are the first of those whose records changed.
	Services []string `json:"services,omitempty"`
	Samples  []Sample `json:"samples"`

	streams map[string]struct{}
}

// Sample is one value that changed.
type Sample struct {
	Was string `json:"was,omitempty"`
	Now string `json:"now,omitempty"`
}

// Group sums up records that only one side has.
type Group struct {
	Service  string `json:"service"`
	Severity string `json:"severity"`
	Template string `json:"template"`
	Records  uint64 `json:"records"`
	Sample   string `json:"sample"`
}

// Failures lists what is wrong, one sentence each.
func (r *Result) Failures() []string {
	var all []string
	if why := r.Void(); why != "" {
		all = append(all, why)
	}
	if !r.PatternsOnly {
		again := min(r.Again, r.Extra)
		for _, f := range []struct {
			n    uint64
			what string
		}{
			{r.Changed, "changed"}, {r.Missing, "missing: in the golden, but not in the run"},
			{again, "too many: more often in the run than in the golden, as when something sends or stores twice"},
			{r.Extra - again, "too many: in the run, but not in the golden"},
		} {
			if f.n > 0 {
				all = append(all, fmt.Sprintf("%s %s", records(f.n), f.what))
			}
		}
		for _, m := range r.Masks {
			if m.Hits+m.Misses == 0 {
				all = append(all, fmt.Sprintf("the mask for %s (%s) was never needed: remove it, before it hides something", m.Path, m.Match))
			}
		}
	}
	if p := r.Patterns; p != nil && !p.OK() {
		all = append(all, fmt.Sprintf("message templates: %d new, %d vanished, %d with another share", len(p.New), len(p.Vanished), len(p.Shifted)))
	}
	return all
}

// Void says why the comparison would pass whatever the run had; "" when it would not.
func (r *Result) Void() string {
	switch {
	case r.GoldenRecords == 0:
		return "the golden holds no record: a pipeline that delivers nothing would pass it"
	case r.Nothing && !r.PatternsOnly:
		return "the masks drop every value, so that nothing was compared"
	}
	return ""
}

// OK says that the run equals the golden.
func (r *Result) OK() bool { return len(r.Failures()) == 0 }

// WriteText writes the result for people.
func (r *Result) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s against the golden %s: %s, golden %s; equal %s\n", r.Run, r.Golden, records(r.RunRecords),
		comma(r.GoldenRecords), comma(r.Equal))
	for _, f := range r.Failures() {
		fmt.Fprintf(&b, "FAIL %s\n", f)
	}
	for _, c := range r.Changes {
		fmt.Fprintf(&b, "  %s %s, %s, %s", c.Path, c.Class, records(c.Records), plural(uint64(c.Streams), "stream"))
		if len(c.Services) > 0 {
			fmt.Fprintf(&b, " (%s)", strings.Join(c.Services, ", "))
		}
		if r.Examined < r.Changed {
			fmt.Fprintf(&b, " (of the first %s)", comma(r.Examined))
		}
		b.WriteByte('\n')
		for _, s := range c.Samples {
			fmt.Fprintf(&b, "    golden: %s\n    now:    %s\n", orNothing(s.Was), orNothing(s.Now))
		}
	}
	for _, side := range []struct {
		name   string
		groups []Group
	}{{"missing", r.MissingBy}, {"too many", r.ExtraBy}} {
		for _, g := range side.groups {
			fmt.Fprintf(&b, "  %s: %s of %s %s: %s\n", side.name, records(g.Records), g.Service, g.Severity, g.Template)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(r.Added)) {
		fmt.Fprintf(&b, "  added (allowed): %s, %s\n", path, records(r.Added[path]))
	}
	for _, m := range r.Masks {
		fmt.Fprintf(&b, "  mask: %s %s let %s pass, %s did not match\n", m.Path, m.Match, plural(m.Hits, "value"), comma(m.Misses))
	}
	r.Patterns.write(&b)
	if r.OK() {
		b.WriteString("PASS the output is as in the golden\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (p *Patterns) write(b *strings.Builder) {
	if p == nil {
		return
	}
	fmt.Fprintf(b, "  message templates: %d; new %d, vanished %d, with another share %d\n", p.Templates, len(p.New), len(p.Vanished), len(p.Shifted))
	const most = 10
	for _, list := range []struct {
		name   string
		shifts []Shift
	}{{"new", p.New}, {"vanished", p.Vanished}, {"share", p.Shifted}} {
		for i, s := range list.shifts {
			if i == most {
				fmt.Fprintf(b, "    %s: %d more\n", list.name, len(list.shifts)-most)
				break
			}
			fmt.Fprintf(b, "    %s: %s (golden %s, run %s)\n", list.name, s.Template, comma(s.Golden), comma(s.Run))
		}
	}
}

func orNothing(s string) string {
	if s == "" {
		return "(nothing)"
	}
	return s
}

func records(n uint64) string { return plural(n, "record") }

func plural(n uint64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return comma(n) + " " + noun + "s"
}

func comma(n uint64) string { return humanize.Comma(int64(n)) }
