package verify

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/instantdevlogs/devlogs/replay/ledger"
)

// Result is what a verification found. Every record that was begun to be sent is in exactly one of Delivered, Lost,
// Refused and Unknown.
type Result struct {
	Run      ledger.Run      `json:"run"`
	Identity ledger.Identity `json:"identity"`
	Delivery ledger.Delivery `json:"delivery"`
	Source   string          `json:"source"`

	Requests  uint64 `json:"requests"`
	Attempts  uint64 `json:"attempts"`
	Sent      uint64 `json:"sent"`
	NotSent   uint64 `json:"not_sent"` // made, but no byte of them left: not in Sent
	Delivered uint64 `json:"delivered"`
	Lost      uint64 `json:"lost"`
	Refused   uint64 `json:"refused"` // for good, or rejected by a partial success
	Unknown   uint64 `json:"unknown"` // never answered, and not there: the target owes nothing

	Found           uint64            `json:"found"`  // records of this run in the source, all copies
	Others          uint64            `json:"others"` // records of no run or of another
	Duplicated      uint64            `json:"duplicated"`
	RetryDuplicates uint64            `json:"retry_duplicates"`
	Phantom         uint64            `json:"phantom"`
	Foreign         uint64            `json:"foreign"`
	Mutated         uint64            `json:"mutated"`
	Order           Ordering          `json:"order"`
	RequireOrder    bool              `json:"require_order"`
	Examined        uint64            `json:"examined,omitempty"` // how many of the mutated ones were compared field by field
	Mutations       []Mutation        `json:"mutations,omitempty"`
	LostBy          []Share           `json:"lost_by,omitempty"`
	Findings        []Finding         `json:"findings,omitempty"`
	Recheck         *Recheck          `json:"recheck,omitempty"`
	Unsettled       bool              `json:"unsettled,omitempty"` // the source had not stood still for Settle when it was looked at
	Settle          time.Duration     `json:"settle,omitempty"`
	Latency         *Latencies        `json:"latency,omitempty"`
	Ledger          LedgerState       `json:"ledger"`
	Took            map[string]string `json:"took,omitempty"`
}

// LedgerState says how the run's ledger ended.
type LedgerState struct {
	Closed bool `json:"closed"` // the sender ended the run itself
	Torn   int  `json:"torn"`   // entries at the end that are not whole
	// Concurrent is how many requests were on their way at once at most.
	Concurrent int `json:"concurrent"`
}

// Mutation sums up changes of one kind at one path.
type Mutation struct {
	Path    string         `json:"path"`
	Class   string         `json:"class"` // "removed", "added", "changed", "int → string"
	Records uint64         `json:"records"`
	Streams int            `json:"streams"`
	Samples []ChangeSample `json:"samples"`
}

// ChangeSample is one value that changed.
type ChangeSample struct {
	Ordinal uint64 `json:"ordinal"`
	Was     string `json:"was,omitempty"`
	Now     string `json:"now,omitempty"`
}

// Share is how many of the lost records are of one service and severity.
type Share struct {
	Service  string `json:"service"`
	Severity string `json:"severity"`
	Lost     uint64 `json:"lost"`
	Sent     uint64 `json:"sent"`
	Sample   string `json:"sample"`
}

// Recheck is what a second scan found to be otherwise.
type Recheck struct {
	After   time.Duration `json:"after"`
	Gone    uint64        `json:"gone"`    // found the first time, not the second
	Arrived uint64        `json:"arrived"` // found the second time only, as they may
	More    uint64        `json:"more"`    // more copies than the first time, or some where none may be
}

// Failures lists what is wrong, one sentence each; none means that delivery is proven.
func (r *Result) Failures() []string {
	var all []string
	fail := func(n uint64, format string, args ...any) {
		if n > 0 {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	fail(r.Lost, "%s lost: acknowledged, but not there", records(r.Lost))
	fail(r.Duplicated, "%s duplicated by the pipeline: more copies than the sender's retries explain", records(r.Duplicated))
	fail(r.Phantom, "%s there though refused or never sent (phantom)", records(r.Phantom))
	fail(r.Foreign, "%s there that this run never sent (foreign)", records(r.Foreign))
	fail(r.Mutated, "%s changed on the way (mutated)", records(r.Mutated))
	if r.Delivery == ledger.ExactlyOnce {
		fail(r.RetryDuplicates, "%s stored more than once after a retry, which exactly-once forbids", records(r.RetryDuplicates))
	}
	if r.RequireOrder {
		fail(r.Order.Inversions, "%s out of the order of their stream%s", records(r.Order.Inversions), r.ownDisorder())
	}
	if r.Recheck != nil {
		fail(r.Recheck.Gone, "%s gone when looked at again %s later", records(r.Recheck.Gone), r.Recheck.After)
		fail(r.Recheck.More, "%s with more copies when looked at again %s later", records(r.Recheck.More), r.Recheck.After)
	}
	if !r.Balanced() {
		all = append(all, "the totals do not balance: this is a fault of the verifier, please report it")
	}
	return all
}

// ownDisorder says that the sender itself may be who mixed the order.
func (r *Result) ownDisorder() string {
	if r.Ledger.Concurrent < 2 {
		return ""
	}
	return fmt.Sprintf("; but the sender had up to %d requests on their way at once, and these may overtake each other: "+
		"before you blame the pipeline, play with --load closed --workers 1", r.Ledger.Concurrent)
}

// OK says that delivery is proven.
func (r *Result) OK() bool { return len(r.Failures()) == 0 }

// Balanced says that every sent record is accounted for once.
func (r *Result) Balanced() bool { return r.Sent == r.Delivered+r.Lost+r.Refused+r.Unknown }

// Equation is the balance, for people.
func (r *Result) Equation() string {
	return fmt.Sprintf("sent %s = delivered %s + lost %s + refused %s + unknown %s", comma(r.Sent), comma(r.Delivered),
		comma(r.Lost), comma(r.Refused), comma(r.Unknown))
}

// WriteText writes the whole result for people.
func (r *Result) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "run %s against %s (identity %s, %s)\n", r.Run, r.Source, r.Identity, r.Delivery)
	fmt.Fprintf(&b, "  %s\n", r.Equation())
	fmt.Fprintf(&b, "  found %s in %s requests, %s attempts; retry duplicates %s; of other runs %s\n",
		records(r.Found), comma(r.Requests), comma(r.Attempts), comma(r.RetryDuplicates), comma(r.Others))
	if r.NotSent > 0 {
		fmt.Fprintf(&b, "  %s not sent at all\n", records(r.NotSent))
	}
	if !r.Ledger.Closed {
		fmt.Fprintf(&b, "  the sender did not end the run itself: attempts without an outcome count as unanswered (torn entries: %d)\n",
			r.Ledger.Torn)
	}
	if r.Unsettled {
		fmt.Fprintf(&b, "  %s had not stood still for %s when it was looked at: what came later is not in this\n", r.Source, r.Settle)
	}
	if r.Order.Streams > 0 {
		fmt.Fprintf(&b, "  order: %s streams, %s inversions, largest displacement %s\n", comma(uint64(r.Order.Streams)),
			comma(r.Order.Inversions), comma(r.Order.MaxDisplacement))
	}
	if r.Latency != nil {
		r.Latency.write(&b)
	}
	for _, f := range r.Failures() {
		fmt.Fprintf(&b, "FAIL %s\n", f)
	}
	if r.Recheck != nil && r.Recheck.Arrived > 0 {
		fmt.Fprintf(&b, "  %s came after all within %s: the target answered before they could be found\n",
			records(r.Recheck.Arrived), r.Recheck.After)
	}
	b.WriteString(r.hint())
	r.writeDetails(&b)
	if r.OK() {
		b.WriteString("PASS every record is accounted for\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// hint says what to look at when not one record of many is the run's: rarely does a pipeline lose all and invent as many.
func (r *Result) hint() string {
	if r.Found > 0 || r.Others == 0 {
		return ""
	}
	if r.Identity == ledger.ByUID {
		return "  not one of the records there has a uid of this run: is it the source that the run went to, or does the pipeline remove the attribute " +
			ledger.UIDAttribute + "? (then play with --identity time or content)\n"
	}
	return "  not one of the records there is one that this run sent: is it the source that the run went to, or does the pipeline change every record?\n"
}

func (r *Result) writeDetails(b *strings.Builder) {
	for _, m := range r.Mutations {
		fmt.Fprintf(b, "  mutated: %s %s, %s of %s", m.Path, m.Class, records(m.Records), plural(uint64(m.Streams), "stream"))
		if r.Examined < r.Mutated {
			fmt.Fprintf(b, " (of the first %s)", comma(r.Examined))
		}
		b.WriteByte('\n')
		for _, s := range m.Samples {
			fmt.Fprintf(b, "    record %d: %s → %s\n", s.Ordinal, orNothing(s.Was), orNothing(s.Now))
		}
	}
	for _, s := range r.LostBy {
		fmt.Fprintf(b, "  lost: %s of %s %s (%s sent), like %s\n", records(s.Lost), s.Service, s.Severity, comma(s.Sent), s.Sample)
	}
	shown := map[Kind]int{}
	for i := range r.Findings {
		f := &r.Findings[i]
		if shown[f.Kind]++; shown[f.Kind] <= 3 && (f.Kind != Reordered || r.RequireOrder) && f.Kind != Mutated {
			fmt.Fprintf(b, "  %s: %s\n", f.Kind, f)
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

// Number returns the total that thresholds know by a name such as "delivery.lost".
func (r *Result) Number(name string) (n uint64, ok bool) {
	switch name {
	case "delivery.lost":
		return r.Lost, true
	case "delivery.duplicated":
		return r.Duplicated, true
	case "delivery.retry_duplicates":
		return r.RetryDuplicates, true
	case "delivery.phantom":
		return r.Phantom, true
	case "delivery.foreign":
		return r.Foreign, true
	case "delivery.mutated":
		return r.Mutated, true
	case "delivery.sent":
		return r.Sent, true
	case "delivery.delivered":
		return r.Delivered, true
	case "delivery.refused":
		return r.Refused, true
	case "delivery.unknown":
		return r.Unknown, true
	case "order.inversions":
		return r.Order.Inversions, true
	}
	return 0, false
}
