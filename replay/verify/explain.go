package verify

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/instantdevlogs/devlogs/replay/canon"
)

// explainer goes over what was sent once more, to say of which kind the records are with which something is wrong.
type explainer struct {
	t         *tally
	mutations map[[2]string]*mutation
	shares    map[[2]string]*Share
	findings  map[uint64][]int // into t.list
}

type mutation struct {
	Mutation
	streams map[uint64]struct{}
}

const (
	maxShares  = 1000 // pairs of service and severity that are told apart
	maxSamples = 3
)

func explain(ctx context.Context, t *tally, expected Expected) (mutations []Mutation, shares []Share, err error) {
	x := &explainer{t: t, mutations: map[[2]string]*mutation{}, shares: map[[2]string]*Share{}, findings: map[uint64][]int{}}
	for i := range t.list {
		if t.list[i].Kind != Foreign {
			x.findings[t.list[i].slot] = append(x.findings[t.list[i].slot], i)
		}
	}
	los := map[uint64]uint32{}
	for i := range t.accounts {
		los[t.accounts[i].Request.ID], _ = t.accounts[i].Copies()
	}
	hasher := canon.NewHasher(t.traits.Keeps)
	for sent, err := range expected(ctx) {
		if err != nil {
			return nil, nil, fmt.Errorf("read what was sent: %w", err)
		}
		slot := t.first(&sent.Request)
		for r := range canon.Records(sent.Logs) {
			x.record(slot, r, los[sent.Request.ID], hasher)
			slot++
		}
		hasher.Forget()
	}
	return x.sortedMutations(), x.sortedShares(), nil
}

func (x *explainer) record(slot uint64, r *canon.Record, lo uint32, hasher *canon.Hasher) {
	for _, i := range x.findings[slot] {
		x.t.list[i].Record = describe(r)
	}
	if x.t.totals[Lost] > 0 {
		x.share(r, x.t.counts.get(slot) < lo)
	}
	now, ok := x.t.changed[slot]
	if !ok {
		return
	}
	stream := hasher.Stream(r).Lo
	for _, c := range canon.Compare(canon.Fields(r, x.t.traits.Keeps), canon.Fields(now, x.t.traits.Keeps)) {
		x.change(c, stream, slot%x.t.perCopy)
	}
}

func (x *explainer) change(c canon.Change, stream, ordinal uint64) {
	key := [2]string{c.Path, c.Class()}
	m := x.mutations[key]
	if m == nil {
		m = &mutation{Mutation: Mutation{Path: c.Path, Class: c.Class()}, streams: map[uint64]struct{}{}}
		x.mutations[key] = m
	}
	m.Records++
	m.streams[stream] = struct{}{}
	if len(m.Samples) < maxSamples {
		m.Samples = append(m.Samples, ChangeSample{Ordinal: ordinal, Was: show(c.Was), Now: show(c.Now)})
	}
}

func show(f *canon.Field) string {
	if f == nil {
		return ""
	}
	s := f.String()
	if len(s) > 200 {
		s = s[:200] + "…"
	}
	return s
}

func (x *explainer) share(r *canon.Record, lost bool) {
	service := ""
	if v, ok := r.Resource.Attributes().Get("service.name"); ok {
		service = v.AsString()
	}
	severity := cmp.Or(r.Log.SeverityText(), r.Log.SeverityNumber().String())
	key := [2]string{service, severity}
	s := x.shares[key]
	if s == nil {
		if len(x.shares) == maxShares {
			return
		}
		s = &Share{Service: cmp.Or(service, "no service"), Severity: severity}
		x.shares[key] = s
	}
	s.Sent++
	if lost {
		if s.Lost++; s.Lost == 1 {
			s.Sample = describe(r)
		}
	}
}

func (x *explainer) sortedMutations() (all []Mutation) {
	for _, m := range x.mutations {
		m.Streams = len(m.streams)
		all = append(all, m.Mutation)
	}
	slices.SortFunc(all, func(a, b Mutation) int {
		return cmp.Or(cmp.Compare(b.Records, a.Records), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Class, b.Class))
	})
	return all
}

func (x *explainer) sortedShares() (all []Share) {
	for _, s := range x.shares {
		if s.Lost > 0 {
			all = append(all, *s)
		}
	}
	slices.SortFunc(all, func(a, b Share) int {
		return cmp.Or(cmp.Compare(b.Lost, a.Lost), cmp.Compare(a.Service, b.Service), cmp.Compare(a.Severity, b.Severity))
	})
	return all[:min(len(all), 20)]
}
