package diff

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/replay/canon"
)

// Input is one side.
type Input struct {
	Name    string
	Records func(ctx context.Context) iter.Seq2[*canon.Record, error] // may be called several times
	Keeps   canon.Projection                                          // what its source keeps; nil: all
	Start   pcommon.Timestamp                                         // of the run; 0: the earliest time in it
}

// Options of a comparison.
type Options struct {
	Masks      *Masks
	AllowAdded bool // paths that the golden has nowhere are not looked at
	Patterns   PatternOptions
}

// maxDetails bounds how many records that differ are looked at one by one, on each side.
const maxDetails = 5000

// entry is a record of the golden.
type entry struct {
	key     uint64 // uid, or else the hash
	hash    uint64
	soft    uint32 // into comparison.softs
	softs   uint16
	byUID   bool
	matched bool
}

type comparison struct {
	options     Options
	golden, run Input
	left, right *reducer
	entries     []entry
	softs       []softValue
	patterns    *patternTally
	result      *Result

	extra    []detail        // of the run
	changed  map[uint64]bool // uids
	streams  map[string]struct{}
	mutation map[[2]string]*Change
}

// detail is a record that differs.
type detail struct {
	uid    uint64
	fields []canon.Field
	about  about
}

// Compare compares a run with a golden.
func Compare(ctx context.Context, golden, run Input, options Options) (*Result, error) {
	if options.Masks == nil {
		options.Masks = newMasks(nil)
	}
	c := &comparison{
		options: options, golden: golden, run: run, patterns: newPatternTally(),
		changed: map[uint64]bool{}, result: &Result{Golden: golden.Name, Run: run.Name},
	}
	// A run may come from a source that keeps less than the golden's: then both are seen as that source sees them.
	keeps := both(golden.Keeps, run.Keeps)
	starts := [2]uint64{}
	for i, side := range []*Input{&golden, &run} {
		start, err := side.start(ctx, options.Masks)
		if err != nil {
			return nil, err
		}
		starts[i] = start
	}
	c.left, c.right = newReducer(options.Masks, keeps, starts[0]), newReducer(options.Masks, keeps, starts[1])
	if err := c.index(ctx); err != nil {
		return nil, err
	}
	if err := c.match(ctx); err != nil {
		return nil, err
	}
	if err := c.explain(ctx); err != nil {
		return nil, err
	}
	c.result.Masks = options.Masks.uses()
	c.result.Nothing = c.result.GoldenRecords > 0 && c.left.compared+c.right.compared == 0
	c.result.Patterns = c.patterns.result(options.Patterns)
	return c.result, nil
}

func both(a, b canon.Projection) canon.Projection {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return func(l *canon.Leaf) bool { return a(l) && b(l) }
}

// start finds the earliest time of a side that doesn't know its start, if a mask needs it.
func (in *Input) start(ctx context.Context, masks *Masks) (uint64, error) {
	needed := slices.ContainsFunc(masks.list, func(m *Mask) bool { return m.Matcher == TimeRelative })
	if in.Start != 0 || !needed {
		return uint64(in.Start), nil
	}
	first := uint64(0)
	for r, err := range in.Records(ctx) {
		if err != nil {
			return 0, fmt.Errorf("read %s: %w", in.Name, err)
		}
		if t := uint64(r.Log.Timestamp()); t != 0 && (first == 0 || t < first) {
			first = t
		}
	}
	return first, nil
}

// index reads the golden.
func (c *comparison) index(ctx context.Context) error {
	if c.options.AllowAdded {
		c.left.learn = map[string]bool{}
	}
	for r, err := range c.golden.Records(ctx) {
		if err != nil {
			return fmt.Errorf("read the golden %s: %w", c.golden.Name, err)
		}
		c.result.GoldenRecords++
		c.patterns.add(r, 0)
		x := c.left.reduce(r)
		e := entry{key: x.hash.Lo, hash: x.hash.Lo, soft: uint32(len(c.softs)), softs: uint16(len(x.soft))}
		if x.uid != 0 {
			e.key, e.byUID = x.uid, true
		}
		c.softs = append(c.softs, x.soft...)
		c.entries = append(c.entries, e)
	}
	slices.SortStableFunc(c.entries, func(a, b entry) int { return cmp.Compare(a.key, b.key) })
	c.right.paths = c.left.learn
	return nil
}

// match reads the run and pairs its records with the golden's.
func (c *comparison) match(ctx context.Context) error {
	for r, err := range c.run.Records(ctx) {
		if err != nil {
			return fmt.Errorf("read %s: %w", c.run.Name, err)
		}
		c.result.RunRecords++
		c.patterns.add(r, 1)
		x := c.right.reduce(r)
		switch e := c.partner(&x); {
		case e != nil && e.hash == x.hash.Lo && closeAll(c.softOf(e), x.soft):
			e.matched = true
			c.result.Equal++
		case e != nil && e.byUID:
			e.matched = true
			c.result.Changed++
			c.changed[x.uid] = true
			c.keep(r, x.uid)
		default:
			c.result.Extra++
			if c.knows(&x) {
				c.result.Again++
			}
			c.keep(r, 0)
		}
	}
	c.result.Added = c.right.added
	return nil
}

func (c *comparison) keep(r *canon.Record, uid uint64) {
	if len(c.extra) < maxDetails {
		c.extra = append(c.extra, detail{uid: uid, fields: c.right.fields(r), about: tell(r)})
	}
}

func (c *comparison) softOf(e *entry) []softValue { return c.softs[e.soft : e.soft+uint32(e.softs)] }

// knows says whether the golden has such a record, which then has a partner already.
func (c *comparison) knows(x *reduced) bool {
	key := x.hash.Lo
	if x.uid != 0 {
		key = x.uid
	}
	_, found := slices.BinarySearchFunc(c.entries, key, func(e entry, key uint64) int { return cmp.Compare(e.key, key) })
	return found
}

// partner finds the golden's record for one of the run: the one with its uid, or one with equal content and near values.
// Only so many of equal content are tried, as there may be millions.
func (c *comparison) partner(x *reduced) *entry {
	key, byUID := x.hash.Lo, x.uid != 0
	if byUID {
		key = x.uid
	}
	i, found := slices.BinarySearchFunc(c.entries, key, func(e entry, key uint64) int { return cmp.Compare(e.key, key) })
	if !found {
		return nil
	}
	const most = 64
	for tries := 0; i < len(c.entries) && c.entries[i].key == key; i++ {
		e := &c.entries[i]
		if e.matched || e.byUID != byUID {
			continue
		}
		if byUID || closeAll(c.softOf(e), x.soft) {
			return e
		}
		if tries++; tries == most {
			return nil
		}
	}
	return nil
}
