package verify

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/instantdevlogs/devlogs/replay/ledger"
)

// Options of a verification.
type Options struct {
	Ledger   *ledger.Reader
	Expected Expected
	Source   Source

	// Settle is how long a live source's count must stand still, Timeout how long that may take (then the scan begins
	// anyway, and the result shows what is missing). Zero: 5 s and 2 min.
	Settle, Timeout time.Duration
	// Recheck, when not zero, waits so long after the first scan, scans again and compares.
	Recheck      time.Duration
	RequireOrder bool
	// Delivery overrides what the run demands; "" keeps it.
	Delivery ledger.Delivery
	// Samples is how many findings of each kind are listed. Zero: 100.
	Samples int
	// Progress, when set, is told what is being done.
	Progress func(string)
}

func (o *Options) complete() {
	if o.Settle == 0 {
		o.Settle = 5 * time.Second
	}
	if o.Timeout == 0 {
		o.Timeout = 2 * time.Minute
	}
	if o.Samples == 0 {
		o.Samples = 100
	}
	if o.Delivery == "" {
		o.Delivery = o.Ledger.Meta().Delivery
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
}

// Run verifies a run. An error means that nothing could be verified; what is wrong with the records is in the Result.
func Run(ctx context.Context, o Options) (*Result, error) {
	o.complete()
	v, err := begin(ctx, &o, nil)
	if err != nil {
		return nil, err
	}
	o.Progress("waiting for " + v.traits.Name + " to stand still")
	settled, err := v.settle(ctx)
	if err != nil {
		return nil, err
	}
	if !settled {
		o.Progress(fmt.Sprintf("%s still changes after %s: looking at it all the same", v.traits.Name, o.Timeout))
	}
	o.Progress("reading all of " + v.traits.Name)
	t, err := v.scan(ctx, allChecks, nil)
	if err != nil {
		return nil, err
	}
	result := v.result(t)
	if result.Unsettled = !settled; result.Unsettled {
		result.Settle = o.Settle
	}
	if result.Latency, err = readLatencies(o.Ledger); err != nil {
		return nil, err
	}
	result.Findings = t.list
	if slices.ContainsFunc(t.list, func(f Finding) bool { return f.Kind != Reordered || o.RequireOrder }) { // else they are nobody's fault
		o.Progress("finding out what the records are with which something is wrong")
		if result.Mutations, result.LostBy, err = explain(ctx, t, o.Expected); err != nil {
			return nil, err
		}
		result.Examined = uint64(len(t.changed))
	}
	if o.Recheck > 0 {
		o.Progress(fmt.Sprintf("looking again in %s", o.Recheck))
		if result.Recheck, err = v.recheck(ctx, t); err != nil {
			return nil, err
		}
	}
	return result, nil
}

// verification is a run whose expectation is read.
type verification struct {
	options     *Options
	expectation *expectation
	traits      Traits
}

// begin reads the ledger and what was sent. extend, when set, may add to what is expected.
func begin(ctx context.Context, o *Options, extend func([]ledger.Account, Expected) ([]ledger.Account, Expected)) (*verification, error) {
	o.Progress("reading what was sent")
	accounts, err := o.Ledger.Accounts()
	if err != nil {
		return nil, err
	}
	expected := o.Expected
	if extend != nil {
		accounts, expected = extend(accounts, expected)
	}
	l, err := newLayout(accounts)
	if err != nil {
		return nil, err
	}
	v := &verification{options: o, traits: o.Source.Traits()}
	v.expectation, err = expect(ctx, o.Ledger.Meta(), l, expected, v.traits.Keeps)
	return v, err
}

// scan reads the whole source and judges it.
func (v *verification) scan(ctx context.Context, checks []check, between *injection) (*tally, error) {
	t := newTally(v.expectation, v.traits, v.options.Delivery, v.options.Samples, checks)
	see := t.see
	if between != nil {
		between.attach(t)
		see = between.see
	}
	for r, err := range v.options.Source.Scan(ctx, v.expectation.window.wider(v.options.Ledger.Meta().Started)) {
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", v.traits.Name, err)
		}
		see(r)
	}
	if between != nil {
		between.finish()
	}
	t.judge()
	t.order.Streams = len(t.streams)
	return t, nil
}

// result sums up a scan.
func (v *verification) result(t *tally) *Result {
	meta := v.options.Ledger.Meta()
	r := &Result{
		Run: meta.Run, Identity: meta.Identity, Delivery: v.options.Delivery, Source: v.traits.Name,
		Requests: uint64(len(t.accounts)), Found: t.found, Others: t.others,
		Duplicated: t.totals[Duplicated], RetryDuplicates: t.totals[RetryDuplicate], Phantom: t.totals[Phantom],
		Foreign: t.totals[Foreign], Mutated: t.totals[Mutated],
		Order: t.order, RequireOrder: v.options.RequireOrder,
		Ledger: LedgerState{Closed: v.options.Ledger.Closed, Torn: v.options.Ledger.Torn, Concurrent: v.options.Ledger.Concurrent},
	}
	for i := range t.accounts {
		a := &t.accounts[i]
		r.Attempts += uint64(a.Attempts)
		if uint32(a.NotSent) == a.Attempts {
			r.NotSent += uint64(a.Request.Records)
			continue
		}
		r.Sent += uint64(a.Request.Records)
		t.balance(a, r)
	}
	return r
}

// balance puts each record of a request into one side of the equation.
func (t *tally) balance(a *ledger.Account, r *Result) {
	lo, hi := a.Copies()
	there, absent := uint64(0), uint64(0)
	t.eachSlot(a, func(_ uint64, count uint32) {
		if count > 0 {
			there++
		} else {
			absent++
		}
	})
	switch {
	case hi == 0:
		r.Refused += there + absent // those that are there all the same are phantoms
	case a.Partial():
		delivered := uint64(a.Delivered())
		lost := delivered - min(there, delivered)
		r.Delivered += there
		r.Lost += lost
		r.Refused += absent - lost
	case lo == 1:
		r.Delivered += there
		r.Lost += absent
	default:
		r.Delivered += there
		r.Unknown += absent
	}
}

// most is how many copies of a record there may be.
func (t *tally) most(slot uint64) uint32 {
	_, hi := t.owner(slot).Copies()
	return hi
}

// recheck scans once more, later, and says what is otherwise than in before.
func (v *verification) recheck(ctx context.Context, before *tally) (*Recheck, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(v.options.Recheck):
	}
	after, err := v.scan(ctx, nil, nil)
	if err != nil {
		return nil, err
	}
	r := &Recheck{After: v.options.Recheck}
	for slot := range v.expectation.slots {
		was, is := before.counts.get(slot), after.counts.get(slot)
		switch {
		case is < was:
			r.Gone++
		case was == 0 && is > 0 && is <= after.most(slot):
			r.Arrived++
		case is > was:
			r.More++
		}
	}
	return r, nil
}
