package pace

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Unit is what a rate counts.
type Unit uint8

const (
	Records Unit = iota
	Requests
	Bytes
)

func (u Unit) of(l Load) float64 {
	return float64([...]int64{l.Records, l.Requests, l.Bytes}[u])
}

// Rate sends at a steady rate.
type Rate struct {
	PerSecond float64 // above 0
	Unit      Unit
}

func (r Rate) Due(before Load, _ time.Duration) time.Duration {
	return time.Duration(r.Unit.of(before) / r.PerSecond * float64(time.Second))
}

var rateSyntax = regexp.MustCompile(`^([0-9.]+)\s*([kMG]?)\s*(rec/s|req/s|([KMG]i?)?B/s)?$`)

// ParseRate reads "50k rec/s", "200 req/s", "20MiB/s"; without a unit it counts records.
func ParseRate(text string) (Rate, error) {
	bad := fmt.Errorf("rate: cannot read %q: write for example 50k rec/s, 200 req/s or 20MiB/s", text)
	m := rateSyntax.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return Rate{}, bad
	}
	n, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		return Rate{}, bad
	}
	n *= map[string]float64{"": 1, "k": 1e3, "M": 1e6, "G": 1e9}[m[2]]
	r := Rate{PerSecond: n}
	switch {
	case m[3] == "req/s":
		r.Unit = Requests
	case strings.HasSuffix(m[3], "B/s"):
		r.Unit = Bytes
		r.PerSecond *= map[string]float64{"": 1, "K": 1e3, "M": 1e6, "G": 1e9, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}[m[4]]
	}
	if r.PerSecond <= 0 {
		return Rate{}, errors.New("rate: it must be above zero")
	}
	return r, nil
}

// Stages changes the rate over time: between two stages it goes straight from the one's to the other's; after the last it
// stays.
type Stages struct {
	stages []stage
	unit   Unit
}

type stage struct {
	at     float64 // s since the start
	rate   float64 // per s
	before float64 // how much was sent until then
}

// ParseStages reads "0s:1k,30s:20k,2m:20k": times and rates. The unit of the last rate holds for all.
func ParseStages(text string) (*Stages, error) {
	s := &Stages{}
	for part := range strings.SplitSeq(text, ",") {
		at, rate, ok := strings.Cut(strings.TrimSpace(part), ":")
		d, err := time.ParseDuration(at)
		if !ok || err != nil || d < 0 {
			return nil, fmt.Errorf("stages: cannot read %q: write for example 0s:1k,30s:20k,2m:20k rec/s", part)
		}
		r, err := ParseRate(rate)
		zero := strings.HasPrefix(strings.TrimSpace(rate), "0") && r.PerSecond == 0
		if err != nil && !(zero && strings.Trim(rate, " 0.") == "") {
			return nil, fmt.Errorf("stages: %q: %w", part, err)
		}
		s.unit = r.Unit
		next := stage{at: d.Seconds(), rate: r.PerSecond}
		if n := len(s.stages); n > 0 {
			last := s.stages[n-1]
			if next.at <= last.at {
				return nil, fmt.Errorf("stages: %q is not after the stage before it", part)
			}
			next.before = last.before + (last.rate+next.rate)/2*(next.at-last.at)
		} else if next.at != 0 {
			return nil, errors.New("stages: the first must be at 0s")
		}
		s.stages = append(s.stages, next)
	}
	if s.stages[len(s.stages)-1].rate <= 0 {
		return nil, errors.New("stages: the last rate must be above zero, or the recording never ends")
	}
	return s, nil
}

// Due finds when the integral of the rate reaches what was sent before.
func (s *Stages) Due(before Load, _ time.Duration) time.Duration {
	n := s.unit.of(before)
	i := 0
	for i+1 < len(s.stages) && s.stages[i+1].before <= n {
		i++
	}
	from, left := s.stages[i], n-s.stages[i].before
	slope := 0.0
	if i+1 < len(s.stages) {
		to := s.stages[i+1]
		slope = (to.rate - from.rate) / (to.at - from.at)
	}
	// rate*t + slope/2*t² = left, in the form that stays exact when slope is near 0 and works when rate is 0.
	t := 0.0
	if left > 0 {
		t = 2 * left / (from.rate + math.Sqrt(max(0, from.rate*from.rate+2*slope*left)))
	}
	return time.Duration((from.at + t) * float64(time.Second))
}
