package verify

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/replay/canon"
	"github.com/instantdevlogs/devlogs/replay/ledger"
)

// Proof says whether a fault that was injected was found.
type Proof struct {
	Fault  Kind   `json:"fault"`
	Record string `json:"record"` // the uid of the record that was tampered with
	Found  bool   `json:"found"`
	Note   string `json:"note,omitempty"`
}

// SelfTest scans the source with one loss, duplicate, mutation, swap of neighbours and phantom put in between, and says
// which of them the checks found. The source itself is not touched.
func SelfTest(ctx context.Context, o Options) ([]Proof, error) {
	return selfTest(ctx, o, allChecks)
}

func selfTest(ctx context.Context, o Options, checks []check) ([]Proof, error) {
	o.complete()
	between := &injection{meta: o.Ledger.Meta()}
	v, err := begin(ctx, &o, between.extend)
	if err != nil {
		return nil, err
	}
	if _, err := v.settle(ctx); err != nil {
		return nil, err
	}
	t, err := v.scan(ctx, checks, between)
	if err != nil {
		return nil, err
	}
	return between.proofs(t), nil
}

// injection stands between a source and a tally.
type injection struct {
	meta    ledger.Meta
	t       *tally
	phantom *canon.Record // a record that was never sent, with an identity of its own
	request ledger.Request
	latest  pcommon.Timestamp // of what was sent

	next int             // which of the faults comes next
	done map[Kind]watch  // what must be reported for each injected fault
	lost map[uint64]bool // slots of which no copy may pass
	held []held          // in the order in which they came
}

// faults are injected in this order, each into the first record that suits it.
var faults = []Kind{Lost, Duplicated, Mutated, Reordered}

// extend adds a request that was refused to what is expected, with one record that resembles a real one.
func (x *injection) extend(accounts []ledger.Account, expected Expected) ([]ledger.Account, Expected) {
	var last uint64
	for i := range accounts {
		r := &accounts[i].Request
		last = max(last, r.First+uint64(r.Records))
		x.request.ID = max(x.request.ID, r.ID+1)
	}
	x.request.First, x.request.Records = last, 1
	return append(accounts, ledger.Account{Request: x.request, Attempts: 1, Refusals: 1}),
		func(ctx context.Context) iter.Seq2[Sent, error] {
			return func(yield func(Sent, error) bool) {
				for sent, err := range expected(ctx) {
					if err == nil {
						x.learn(sent.Logs)
					}
					if !yield(sent, err) {
						return
					}
				}
				if x.phantom == nil {
					x.phantom = canon.New()
				}
				yield(x.refused(), nil)
			}
		}
}

// learn takes the first record that was sent as the phantom's model.
func (x *injection) learn(logs plog.Logs) {
	for r := range canon.Records(logs) {
		if x.phantom == nil {
			x.phantom = r.Clone()
		}
		x.latest = max(x.latest, eventTime(r))
	}
}

// refused makes the request of the phantom: a copy of a record that was sent, with another identity in every mode.
func (x *injection) refused() Sent {
	log := x.phantom.Log
	log.Attributes().Remove(ledger.UIDAttribute)
	if x.meta.Identity == ledger.ByUID {
		log.Attributes().PutStr(ledger.UIDAttribute, ledger.UID{Run: x.meta.Run, Ordinal: x.request.First}.String())
	}
	log.SetTimestamp(x.latest + 1)
	log.SetSpanID(pcommon.SpanID{0xfe, 0xed, 1})
	log.SetTraceID(pcommon.TraceID{0xfe, 0xed, 2})
	log.Body().SetStr("a record that the verifier's self-test never sent")
	logs := plog.NewLogs()
	rl := logs.ResourceLogs().AppendEmpty()
	x.phantom.Resource.CopyTo(rl.Resource())
	log.CopyTo(rl.ScopeLogs().AppendEmpty().LogRecords().AppendEmpty())
	return Sent{Request: x.request, Logs: logs}
}

func (x *injection) attach(t *tally) {
	x.t, x.done, x.lost = t, map[Kind]watch{}, map[uint64]bool{}
	t.watched = map[watch]bool{}
}

func (x *injection) inject(kind Kind, slot uint64) {
	w := watch{kind, slot}
	if kind == Mutated && x.meta.Identity == ledger.ByContent {
		w.kind = Lost // a changed record is another one when its content is all that it is known by
	}
	x.done[kind] = w
	x.t.watched[w] = false
	x.next++
}

// see passes a record on, or does something else with it.
func (x *injection) see(r *canon.Record) {
	o := x.t.recognise(r)
	slot, ok := o.slot, o.known && !o.shared // records that can't be told from others, once changed, are no use for a test
	if ok && x.lost[slot] {
		return
	}
	if len(x.held) > 0 && x.swap(r, slot, ok) {
		return
	}
	if !ok || x.next == len(faults) {
		x.t.see(r)
		return
	}
	a := x.t.owner(slot)
	if a == nil || x.used(slot) {
		x.t.see(r)
		return
	}
	lo, hi := a.Copies()
	switch kind := faults[x.next]; {
	case kind == Lost && lo == 1:
		x.lost[slot] = true
		x.inject(Lost, slot)
		return
	case kind == Duplicated && hi > 0:
		x.inject(Duplicated, slot)
		for range hi {
			x.t.see(r)
		}
	case kind == Mutated:
		x.inject(Mutated, slot)
		r = r.Clone()
		r.Log.Body().SetStr(r.Log.Body().AsString() + " (changed by the verifier's self-test)")
	case kind == Reordered && x.t.traits.Order != NoOrder:
		x.hold(r, slot)
		return
	case kind == Reordered:
		x.next++
	}
	x.t.see(r)
}

// held is a record that waits for a later one of its stream.
type held struct {
	record *canon.Record
	stream uint64
	slot   uint64
}

// maxHeld bounds how many records, each the first of its stream, wait for a second.
const maxHeld = 5000

func (x *injection) hold(r *canon.Record, slot uint64) {
	if len(x.held) == maxHeld {
		x.release()
	}
	x.held = append(x.held, held{r.Clone(), x.t.hasher.Stream(r).Lo, slot})
}

// swap passes on r before the record of its stream that waits, if there is one and r was sent after it; then the others.
func (x *injection) swap(r *canon.Record, slot uint64, ok bool) bool {
	stream := x.t.hasher.Stream(r).Lo
	i := slices.IndexFunc(x.held, func(h held) bool { return h.stream == stream })
	if i < 0 {
		return false
	}
	h := x.held[i]
	if !ok || slot <= h.slot || x.t.traits.Order == ByTime && eventTime(r) < eventTime(h.record) {
		x.release() // in their own order: this pair would not show
		return false
	}
	x.inject(Reordered, h.slot)
	x.t.see(r)
	x.release()
	return true
}

// release passes on what waits, in the order in which it came.
func (x *injection) release() {
	for _, h := range x.held {
		x.t.see(h.record)
	}
	x.held = nil
}

func (x *injection) used(slot uint64) bool {
	for _, w := range x.done {
		if w.slot == slot {
			return true
		}
	}
	return false
}

// finish adds the phantom and lets go of what is held.
func (x *injection) finish() {
	x.release()
	x.inject(Phantom, x.t.first(&x.request))
	x.t.see(x.phantom)
}

func (x *injection) proofs(t *tally) []Proof {
	var all []Proof
	for _, kind := range append(faults, Phantom) {
		p := Proof{Fault: kind}
		w, injected := x.done[kind]
		// A record held back is found to be out of order when it comes, after the one that overtook it.
		switch {
		case injected:
			p.Record, p.Found = t.uid(t.run, w.slot).String(), t.watched[w]
		case kind == Reordered && t.traits.Order == NoOrder:
			continue // such a source has no order to disturb
		default:
			p.Note = fmt.Sprintf("no record suits this fault: the run is too small, or too much of it is missing (%d found)", t.found)
		}
		all = append(all, p)
	}
	return all
}
