package verify

import (
	"fmt"

	"github.com/instantdevlogs/devlogs/replay/canon"
	"github.com/instantdevlogs/devlogs/replay/ledger"
)

// check judges one thing. Either function may be nil: record sees every record of the scan, in its order and before it is
// counted; request sees every request once all are counted.
type check struct {
	kind    Kind
	record  func(*tally, *observed)
	request func(*tally, *ledger.Account)
}

// allChecks is every check there is. They don't know of each other: the tests leave out one at a time.
var allChecks = []check{
	{kind: Lost, request: checkLost},
	{kind: Duplicated, request: checkDuplicated},
	{kind: RetryDuplicate, request: checkRetryDuplicates},
	{kind: Phantom, request: checkPhantom},
	{kind: Foreign, record: checkForeign},
	{kind: Mutated, record: checkMutated},
	{kind: Reordered, record: checkOrder},
}

// eachSlot calls f for each record of a request with its count.
func (t *tally) eachSlot(a *ledger.Account, f func(slot uint64, count uint32)) {
	first := t.first(&a.Request)
	for slot := first; slot < first+uint64(a.Request.Records); slot++ {
		f(slot, t.counts.get(slot))
	}
}

func (t *tally) reportCopies(kind Kind, a *ledger.Account, slot uint64, count uint32) {
	f := t.finding(kind, slot)
	f.Found = count
	f.Lo, f.Hi = a.Copies()
	t.report(f)
}

func checkLost(t *tally, a *ledger.Account) {
	lo, _ := a.Copies()
	there := uint32(0)
	t.eachSlot(a, func(slot uint64, count uint32) {
		if count < lo {
			t.reportCopies(Lost, a, slot, count)
		}
		if count > 0 {
			there++
		}
	})
	if a.Partial() && there < a.Delivered() {
		missing := a.Delivered() - there
		t.partial.missing += uint64(missing)
		t.totals[Lost] += uint64(missing) - 1 // report counts one
		f := t.finding(Lost, t.first(&a.Request))
		f.Hi, f.Detail = 1, fmt.Sprintf("%d records were acknowledged with %d rejected, so %d must be "+
			"there, but only %d are; which ones is not known", a.Request.Records, a.Rejected, a.Delivered(), there)
		t.report(f)
	}
}

func checkDuplicated(t *tally, a *ledger.Account) {
	_, hi := a.Copies()
	if hi == 0 {
		return
	}
	t.eachSlot(a, func(slot uint64, count uint32) {
		if count > hi {
			t.reportCopies(Duplicated, a, slot, count)
		}
	})
}

func checkRetryDuplicates(t *tally, a *ledger.Account) {
	_, hi := a.Copies()
	if hi < 2 {
		return
	}
	t.eachSlot(a, func(slot uint64, count uint32) {
		if count > 1 && count <= hi {
			t.reportCopies(RetryDuplicate, a, slot, count)
		}
	})
}

func checkPhantom(t *tally, a *ledger.Account) {
	_, hi := a.Copies()
	there := uint32(0)
	t.eachSlot(a, func(slot uint64, count uint32) {
		if hi == 0 && count > 0 {
			t.reportCopies(Phantom, a, slot, count)
		}
		if count > 0 {
			there++
		}
	})
	if a.Partial() && a.Ambiguous() == 0 && there > a.Delivered() {
		excess := there - a.Delivered()
		t.partial.excess += uint64(excess)
		t.totals[Phantom] += uint64(excess) - 1
		f := t.finding(Phantom, t.first(&a.Request))
		f.Found, f.Hi, f.Detail = there, 1, fmt.Sprintf("%d of %d records were rejected, but %d are "+
			"there; which ones should not be is not known", a.Rejected, a.Request.Records, there)
		t.report(f)
	}
}

func checkForeign(t *tally, o *observed) {
	if o.known || !o.claims && !t.traits.Exclusive {
		return
	}
	f := Finding{Kind: Foreign, UID: o.record.Text(ledger.UIDAttribute), Record: describe(o.record), Found: 1}
	if uid, err := ledger.ParseUID(f.UID); err == nil && o.claims {
		f.slot, _ = t.slot(uid.Copy, uid.Ordinal)
		f.Copy, f.Ordinal = uid.Copy, uid.Ordinal
		f.Detail = "its uid is of this run, but no such record was sent"
	} else {
		f.Detail = "it is not of this run"
	}
	t.report(f)
}

// maxChanged bounds how many changed records are kept until they can be compared field by field.
const maxChanged = 2000

func checkMutated(t *tally, o *observed) {
	if !o.known || o.same {
		return
	}
	f := t.finding(Mutated, o.slot)
	f.Found = 1
	switch {
	case o.shared:
		f.Detail = "it is like none of those with its identity; which of them it was is not known"
	case len(t.changed) < maxChanged:
		t.changed[o.slot] = o.record.Clone()
	}
	t.report(f)
}

func checkOrder(t *tally, o *observed) {
	if !o.first || o.twins || t.traits.Order == NoOrder {
		return
	}
	// Copies of a recording come one after the other in one stream, or have streams of their own: either way their slots
	// grow.
	here := place{ordinal: o.slot}
	if t.traits.Order == ByTime {
		if here.time = eventTime(o.record); here.time == 0 {
			return
		}
	}
	stream := t.hasher.Stream(o.record).Lo
	before, seen := t.streams[stream]
	if !seen || before.compare(here) < 0 {
		t.streams[stream] = here
	}
	if seen && here.compare(before) < 0 {
		t.order.Inversions++
		if before.ordinal > here.ordinal {
			t.order.MaxDisplacement = max(t.order.MaxDisplacement, before.ordinal-here.ordinal)
		}
		f := t.finding(Reordered, o.slot)
		f.Found = 1
		f.Detail = fmt.Sprintf("it comes after record %d of its stream", before.ordinal%t.perCopy)
		t.report(f)
	}
}

// describe says which record it is, for people.
func describe(r *canon.Record) string {
	service := "no service"
	if v, ok := r.Resource.Attributes().Get("service.name"); ok {
		service = v.AsString()
	}
	severity := r.Log.SeverityText()
	if severity == "" {
		severity = r.Log.SeverityNumber().String()
	}
	body := r.Log.Body().AsString()
	const most = 100
	if runes := []rune(body); len(runes) > most {
		body = string(runes[:most]) + "…"
	}
	return fmt.Sprintf("%s %s %q", service, severity, body)
}
