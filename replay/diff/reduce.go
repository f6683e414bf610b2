package diff

import (
	"math"
	"regexp"
	"slices"
	"strconv"

	"github.com/zeebo/xxh3"

	"github.com/instantdevlogs/devlogs/replay/canon"
	"github.com/instantdevlogs/devlogs/replay/ledger"
)

// uidPath is where the identity lies. It pairs records and is not compared.
const uidPath = "attributes." + ledger.UIDAttribute

// reducer turns records of one side into what is compared.
type reducer struct {
	masks *Masks
	keeps canon.Projection // of the side's source; nil: all
	start uint64           // of the run, ns since 1970
	paths map[string]bool  // when not nil: the only paths that are looked at
	learn map[string]bool  // when not nil: gets the paths that are there
	added map[string]uint64
	soft  []softValue
	count bool // mask hits are counted
	// compared counts the values that no mask drops.
	compared uint64

	hasher *canon.Hasher
}

// softValue is a value that is compared with its partner's, not hashed.
type softValue struct {
	path  uint64 // hash
	mask  *Mask
	value float64
}

func newReducer(masks *Masks, keeps canon.Projection, start uint64) *reducer {
	r := &reducer{masks: masks, keeps: keeps, start: start, added: map[string]uint64{}, count: true}
	r.hasher = canon.NewHasher(r.project)
	return r
}

// project is a canon.Projection that gathers soft values on its way.
func (r *reducer) project(l *canon.Leaf) bool {
	if r.keeps != nil && !r.keeps(l) || string(l.Path) == uidPath {
		return false
	}
	if r.learn != nil && !r.learn[string(l.Path)] {
		r.learn[string(l.Path)] = true
	}
	if r.paths != nil && !r.paths[string(l.Path)] {
		if r.count {
			r.added[string(l.Path)]++
		}
		return false
	}
	m := r.masks.find(l.Path)
	if r.count && (m == nil || m.Matcher != Drop) {
		r.compared++
	}
	if m == nil {
		return true
	}
	kept, ok := m.apply(l, r)
	if r.count {
		if ok {
			m.hits++
		} else {
			m.misses++
		}
	}
	return kept
}

var (
	uuidText    = regexp.MustCompile(`^[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}$`)
	hexText     = regexp.MustCompile(`^[0-9a-fA-F]+$`)
	placeholder = map[Matcher]string{Present: "<present>", Regex: "<regex>", UUID: "<uuid>", Hex: "<hex>", Set: "<set>"}
)

// apply puts what the mask demands in the value's place. A value that does not satisfy it stays, and so will differ.
func (m *Mask) apply(l *canon.Leaf, r *reducer) (kept, ok bool) {
	switch m.Matcher {
	case Drop:
		return false, true
	case Present:
		l.Kind = canon.Null
	case Type:
		l.Value = nil
		return true, true
	case TimeRelative, Number:
		return m.soften(l, r)
	default:
		if !m.matches(l) {
			return true, false
		}
		l.Kind = canon.String
	}
	l.Value = []byte(placeholder[m.Matcher])
	return true, true
}

func (m *Mask) matches(l *canon.Leaf) bool {
	text := string(l.Value)
	if l.Kind == canon.String && text == placeholder[m.Matcher] {
		return true // as goldens have it
	}
	switch m.Matcher {
	case Regex:
		return m.pattern.MatchString(text)
	case UUID:
		return uuidText.MatchString(text)
	case Hex:
		return len(text) == m.digits && hexText.MatchString(text)
	default:
		return slices.Contains(m.values, text)
	}
}

// soften takes a number out of the record, to be compared with its partner.
func (m *Mask) soften(l *canon.Leaf, r *reducer) (kept, ok bool) {
	value, err := strconv.ParseFloat(string(l.Value), 64)
	if err != nil || l.Kind != canon.Int && l.Kind != canon.Double && l.Kind != canon.Time && m.Matcher == Number {
		return true, false // it is no number: it stays, and will differ unless the golden has the same
	}
	if m.Matcher == TimeRelative {
		if ns, err := strconv.ParseUint(string(l.Value), 10, 64); err == nil {
			value = float64(relative(ns, r.start))
		}
	}
	r.soft = append(r.soft, softValue{path: xxh3.Hash(l.Path), mask: m, value: value})
	return false, true
}

// relative counts a time from the run's start. Goldens hold times that are counted so already: they are too small to be
// times of day.
func relative(ns, start uint64) int64 {
	const year1973 = 1e17
	if ns < year1973 || int64(ns) < 0 {
		return int64(ns)
	}
	return int64(ns - start)
}

// close says whether two values are as near to each other as their mask demands.
func (v softValue) close(o softValue) bool {
	if v.path != o.path {
		return false
	}
	if v.mask.Matcher == TimeRelative {
		return math.Abs(v.value-o.value) <= float64(v.mask.within)
	}
	return math.Abs(v.value-o.value) <= math.Abs(v.value)*v.mask.percent/100
}

// reduced is one record.
type reduced struct {
	uid  uint64 // copy and ordinal, plus one; 0: it has none
	hash canon.Hash
	soft []softValue // valid until the next record
}

func (r *reducer) reduce(record *canon.Record) reduced {
	r.soft = r.soft[:0]
	out := reduced{hash: r.hasher.Record(record), uid: uidOf(record)}
	slices.SortStableFunc(r.soft, func(a, b softValue) int {
		switch {
		case a.path < b.path:
			return -1
		case a.path > b.path:
			return 1
		}
		return 0
	})
	out.soft = r.soft
	return out
}

func uidOf(record *canon.Record) uint64 {
	uid, err := ledger.ParseUID(record.Text(ledger.UIDAttribute))
	if err != nil {
		return 0
	}
	return uint64(uid.Copy)<<40 + uid.Ordinal + 1
}

func closeAll(a, b []softValue) bool {
	return slices.EqualFunc(a, b, softValue.close)
}

// fields lists a record's leaves for people: masks are applied, soft values as they are.
func (r *reducer) fields(record *canon.Record) []canon.Field {
	count := r.count
	r.count = false
	defer func() { r.count = count }()
	return canon.Fields(record, func(l *canon.Leaf) bool {
		before := *l
		if m := r.masks.find(l.Path); m != nil && m.soft() && (r.keeps == nil || r.keeps(&before)) {
			*l = before
			return true
		}
		return r.project(l)
	})
}
