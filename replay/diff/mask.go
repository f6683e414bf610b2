package diff

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// Matcher says what must hold for a masked value.
type Matcher string

const (
	Drop         Matcher = "drop"          // nothing: the path is not looked at
	Present      Matcher = "present"       // it is there
	Type         Matcher = "type"          // it has the golden's type
	Regex        Matcher = "regex"         // its text matches
	UUID         Matcher = "uuid"          // it looks like a UUID
	Hex          Matcher = "hex"           // it has so many hex digits
	TimeRelative Matcher = "time-relative" // counted from the run's start, it is as in the golden, give or take
	Number       Matcher = "number"        // it is as in the golden, give or take some percent
	Set          Matcher = "set"           // it is one of these
)

// Mask is a matcher for the paths that a pattern names.
type Mask struct {
	Path    string // as in reports; * stands for any text
	Matcher Matcher
	Text    string // as it was written, for reports

	path    *regexp.Regexp
	pattern *regexp.Regexp // Regex
	digits  int            // Hex
	within  time.Duration  // TimeRelative
	percent float64        // Number
	values  []string       // Set

	hits, misses uint64
}

// Masks are tried in order: the first whose path fits counts.
type Masks struct {
	list   []*Mask
	byPath map[string]*Mask // nil: none fits
}

// soft matchers need both sides' values at once.
func (m *Mask) soft() bool { return m.Matcher == TimeRelative || m.Matcher == Number }

// ReadMasks reads a file of masks:
//
//	masks:
//	  - path: attributes.request.id
//	    match: uuid
//	  - path: time
//	    match: time-relative(±5s)
//	  - path: attributes.duration_ms
//	    match: number(±20%)
//	  - {path: resource.host.*, match: drop}
//
// The matchers are drop, present, type, regex(…), uuid, hex(n), time-relative(±duration), number(±percent) and
// set(a,b,…). "" reads no file and gives no masks.
func ReadMasks(file string) (*Masks, error) {
	if file == "" {
		return newMasks(nil), nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read the masks: %w", err)
	}
	defer f.Close()
	var content struct {
		Masks []struct {
			Path  string `yaml:"path"`
			Match string `yaml:"match"`
		} `yaml:"masks"`
	}
	decoder := yaml.NewDecoder(f)
	decoder.KnownFields(true)
	if err := decoder.Decode(&content); err != nil {
		return nil, fmt.Errorf("read the masks in %s: %w", file, err)
	}
	if !errors.Is(decoder.Decode(new(any)), io.EOF) {
		return nil, fmt.Errorf("read the masks in %s: after the first document (---) there is more, which nobody would look at", file)
	}
	var list []*Mask
	var errs []error
	for i, m := range content.Masks {
		mask, err := NewMask(m.Path, m.Match)
		if err != nil {
			errs = append(errs, fmt.Errorf("mask %d: %w", i+1, err))
			continue
		}
		list = append(list, mask)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("read the masks in %s: %w", file, err)
	}
	return newMasks(list), nil
}

func newMasks(list []*Mask) *Masks { return &Masks{list: list, byPath: map[string]*Mask{}} }

var matcherText = regexp.MustCompile(`^([a-z-]+)(?:\((.*)\))?$`)

// NewMask reads a matcher.
func NewMask(path, match string) (*Mask, error) {
	if path == "" {
		return nil, errors.New("it has no path")
	}
	parts := matcherText.FindStringSubmatch(strings.TrimSpace(match))
	if parts == nil {
		return nil, fmt.Errorf("%s: %q is no matcher", path, match)
	}
	m := &Mask{Path: path, Matcher: Matcher(parts[1]), Text: strings.TrimSpace(match)}
	m.path = regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(path), `\*`, ".*") + "$")
	if err := m.argument(parts[2]); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if m.soft() && (strings.HasPrefix(path, "resource.") || strings.HasPrefix(path, "scope.")) {
		return nil, fmt.Errorf("%s: %s is for records; a resource or a scope identifies a stream, so its values match or don't", path, m.Matcher)
	}
	return m, nil
}

func (m *Mask) argument(text string) (err error) {
	tolerance := strings.TrimLeft(strings.TrimPrefix(strings.TrimSpace(text), "+-"), "± ")
	switch m.Matcher {
	case Drop, Present, Type, UUID:
		if text != "" {
			return fmt.Errorf("%s takes nothing in brackets", m.Matcher)
		}
	case Regex:
		if m.pattern, err = regexp.Compile("^(?:" + text + ")$"); err != nil || text == "" {
			return fmt.Errorf("regex needs a pattern that fits the whole text, as regex(order-[0-9]+): %w", err)
		}
	case Hex:
		if m.digits, err = strconv.Atoi(text); err != nil || m.digits <= 0 {
			return errors.New("hex needs a number of digits, as hex(16)")
		}
	case TimeRelative:
		if m.within, err = time.ParseDuration(tolerance); err != nil || m.within < 0 {
			return errors.New("time-relative needs a tolerance, as time-relative(±5s)")
		}
	case Number:
		percent, isPercent := strings.CutSuffix(tolerance, "%")
		if m.percent, err = strconv.ParseFloat(percent, 64); err != nil || !isPercent || m.percent < 0 {
			return errors.New("number needs a tolerance, as number(±20%)")
		}
	case Set:
		for value := range strings.SplitSeq(text, ",") {
			m.values = append(m.values, strings.TrimSpace(value))
		}
		if text == "" {
			return errors.New("set needs its values, as set(gold, silver)")
		}
	default:
		return fmt.Errorf("%q is none of drop, present, type, regex(…), uuid, hex(n), time-relative(±d), number(±p%%), set(…)", m.Matcher)
	}
	return nil
}

// find returns the mask for a path, nil when there is none.
func (ms *Masks) find(path []byte) *Mask {
	if len(ms.list) == 0 {
		return nil
	}
	if m, known := ms.byPath[string(path)]; known {
		return m
	}
	text := string(path)
	i := slices.IndexFunc(ms.list, func(m *Mask) bool { return m.path.MatchString(text) })
	var m *Mask
	if i >= 0 {
		m = ms.list[i]
	}
	if len(ms.byPath) < 100_000 { // keys that grow without end are matched each time instead
		ms.byPath[text] = m
	}
	return m
}

// Use says how often a mask was needed.
type Use struct {
	Path   string `json:"path"`
	Match  string `json:"match"`
	Hits   uint64 `json:"hits"`   // values that it let pass
	Misses uint64 `json:"misses"` // values that did not match
}

func (ms *Masks) uses() (all []Use) {
	for _, m := range ms.list {
		all = append(all, Use{Path: m.Path, Match: m.Text, Hits: m.hits, Misses: m.misses})
	}
	return all
}
