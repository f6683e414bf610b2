package diff

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/instantdevlogs/devlogs/pattern"
	"github.com/instantdevlogs/devlogs/replay/canon"
)

// about says which record it is, for people.
type about struct{ service, severity, body string }

func tell(r *canon.Record) about {
	a := about{service: "no service", severity: cmp.Or(r.Log.SeverityText(), r.Log.SeverityNumber().String())}
	if v, ok := r.Resource.Attributes().Get("service.name"); ok {
		a.service = v.AsString()
	}
	if a.body = r.Log.Body().AsString(); len(a.body) > 500 {
		a.body = a.body[:500]
	}
	return a
}

// explain says what is different: field by field for pairs, by template for what has no partner.
func (c *comparison) explain(ctx context.Context) error {
	missing := c.result.GoldenRecords - c.result.Equal - c.result.Changed
	if missing == 0 && len(c.extra) == 0 {
		return nil
	}
	lost, partners, err := c.unmatched(ctx)
	if err != nil {
		return err
	}
	c.result.Missing = missing
	c.mutation, c.streams = map[[2]string]*Change{}, map[string]struct{}{}
	var extra []detail
	for i := range c.extra {
		if d := &c.extra[i]; d.uid != 0 {
			c.note(partners[d.uid].fields, d.fields)
			c.result.Examined++
		} else {
			extra = append(extra, *d)
		}
	}
	lost, extra = c.pair(lost, extra)
	c.result.Changes = c.sortedChanges()
	c.result.MissingBy, c.result.ExtraBy = groups(lost), groups(extra)
	return nil
}

// unmatched reads the golden again, for its records without a partner and those that changed.
func (c *comparison) unmatched(ctx context.Context) (lost []detail, partners map[uint64]detail, err error) {
	open := map[uint64]int{} // how many entries of a key have no partner
	for i := range c.entries {
		if !c.entries[i].matched {
			open[c.entries[i].key]++
		}
	}
	partners = map[uint64]detail{}
	c.left.count = false
	for r, err := range c.golden.Records(ctx) {
		if err != nil {
			return nil, nil, fmt.Errorf("read the golden %s: %w", c.golden.Name, err)
		}
		x := c.left.reduce(r)
		key := x.hash.Lo
		if x.uid != 0 {
			key = x.uid
		}
		switch {
		case x.uid != 0 && c.changed[x.uid] && len(partners) < maxDetails:
			partners[x.uid] = detail{fields: c.left.fields(r)}
		case open[key] > 0 && len(lost) < maxDetails:
			open[key]--
			lost = append(lost, detail{fields: c.left.fields(r), about: tell(r)})
		}
	}
	return lost, partners, nil
}

// pair finds, among what has no partner on either side, records that are the same one changed: of one stream with a
// message of one template, or with the same message and time in another stream.
func (c *comparison) pair(lost, extra []detail) (restLost, restExtra []detail) {
	miner := pattern.New(pattern.Config{})
	template := func(d *detail) int {
		if t := miner.Add(d.about.body); t != nil {
			return t.ID
		}
		return -1
	}
	for _, key := range []func(*detail) string{
		func(d *detail) string {
			return d.about.service + "\x00" + d.about.body + "\x00" + valueOf(d.fields, "time")
		},
		func(d *detail) string { return d.about.service + "\x00" + d.about.body },
		func(d *detail) string {
			return d.about.service + "\x00" + d.about.severity + fmt.Sprint("\x00", template(d))
		},
		func(d *detail) string { return d.about.body + "\x00" + valueOf(d.fields, "time") },
	} {
		waiting := map[string][]int{}
		for i := range extra {
			k := key(&extra[i])
			waiting[k] = append(waiting[k], i)
		}
		paired := map[int]bool{}
		rest := lost[:0:0]
		for i := range lost {
			k := key(&lost[i])
			if len(waiting[k]) == 0 {
				rest = append(rest, lost[i])
				continue
			}
			j := waiting[k][0]
			waiting[k] = waiting[k][1:]
			paired[j] = true
			c.note(lost[i].fields, extra[j].fields)
			c.result.Changed++
			c.result.Examined++
			c.result.Missing--
			c.result.Extra--
		}
		lost = rest
		left := extra[:0:0]
		for j := range extra {
			if !paired[j] {
				left = append(left, extra[j])
			}
		}
		extra = left
	}
	return lost, extra
}

func valueOf(fields []canon.Field, path string) string {
	i, ok := slices.BinarySearchFunc(fields, path, func(f canon.Field, path string) int { return cmp.Compare(f.Path, path) })
	if !ok {
		return ""
	}
	return fields[i].Value
}

// note adds the differences of one pair.
func (c *comparison) note(was, now []canon.Field) {
	stream := streamOf(was)
	for _, change := range canon.Compare(was, now) {
		if c.near(change) {
			continue
		}
		key := [2]string{change.Path, change.Class()}
		m := c.mutation[key]
		if m == nil {
			m = &Change{Path: change.Path, Class: change.Class(), streams: map[string]struct{}{}}
			c.mutation[key] = m
		}
		m.Records++
		m.streams[stream] = struct{}{}
		m.addService(valueOf(now, "resource.service.name"))
		if len(m.Samples) < 3 {
			m.Samples = append(m.Samples, Sample{Was: show(change.Was), Now: show(change.Now)})
		}
	}
}

// near says whether a difference is one that a soft mask allows.
func (c *comparison) near(change canon.Change) bool {
	if change.Was == nil || change.Now == nil {
		return false
	}
	if m := c.options.Masks.find([]byte(change.Path)); m == nil || !m.soft() {
		return false
	}
	value := func(r *reducer, f *canon.Field) []softValue {
		r.soft, r.count = r.soft[:0], false
		r.project(&canon.Leaf{Path: []byte(f.Path), Kind: f.Kind, Value: []byte(f.Value)})
		return slices.Clone(r.soft)
	}
	was, now := value(c.left, change.Was), value(c.right, change.Now)
	return len(was) == 1 && closeAll(was, now)
}

func streamOf(fields []canon.Field) string {
	var b []byte
	for _, f := range fields {
		if len(f.Path) > 6 && (f.Path[:6] == "scope." || len(f.Path) > 9 && f.Path[:9] == "resource.") {
			b = append(append(append(append(b, f.Path...), 0), f.Value...), 0)
		}
	}
	return string(b)
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

// maxServices bounds how many services a change names.
const maxServices = 5

func (m *Change) addService(name string) {
	switch {
	case name == "" || len(m.Services) > maxServices || slices.Contains(m.Services, name):
	case len(m.Services) == maxServices:
		m.Services = append(m.Services, "…")
	default:
		m.Services = append(m.Services, name)
	}
}

func (c *comparison) sortedChanges() (all []Change) {
	for _, m := range c.mutation {
		m.Streams = len(m.streams)
		all = append(all, *m)
	}
	slices.SortFunc(all, func(a, b Change) int {
		return cmp.Or(cmp.Compare(b.Records, a.Records), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Class, b.Class))
	})
	return all
}

// groups sums records up by service, severity and template.
func groups(details []detail) (all []Group) {
	miner := pattern.New(pattern.Config{})
	type key struct {
		service, severity string
		template          *pattern.Template
	}
	counts := map[key]*Group{}
	for i := range details {
		d := &details[i]
		k := key{d.about.service, d.about.severity, miner.Add(d.about.body)}
		if counts[k] == nil {
			counts[k] = &Group{Service: k.service, Severity: k.severity, Sample: d.about.body}
		}
		counts[k].Records++
	}
	for k, g := range counts {
		if k.template != nil {
			g.Template = k.template.String()
		}
		all = append(all, *g)
	}
	slices.SortFunc(all, func(a, b Group) int {
		return cmp.Or(cmp.Compare(b.Records, a.Records), cmp.Compare(a.Service, b.Service), cmp.Compare(a.Template, b.Template))
	})
	return all[:min(len(all), 20)]
}
