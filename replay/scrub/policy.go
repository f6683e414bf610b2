// Package scrub takes secrets and personal data out of recordings.
//
// What is found is replaced by a pseudonym: HMAC-SHA-256 of the text under a key, written in the alphabet of the original
// and at its length. The same text always gets the same pseudonym, so joins, cardinality and message lengths stay, and
// without the key nobody gets the text back. Structure stays too: an address keeps its "@" and its domain's dots, a card
// number its spaces.
package scrub

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"

	"gopkg.in/yaml.v3"
)

// Policy says what is replaced.
type Policy struct {
	// Key is hexadecimal; "" makes a new one, so that pseudonyms of two recordings have nothing in common. KeyEnv names an
	// environment variable that holds it instead, to keep it out of the file.
	Key    string `yaml:"key"`
	KeyEnv string `yaml:"key_env"`
	// Presets are email, ip, bearer and card. Not there: all.
	Presets []string `yaml:"presets"`
	Rules   []Rule   `yaml:"rules"`
	// Attributes are keys whose whole values are replaced, wherever they are; a * at either end stands for anything.
	Attributes []string `yaml:"attributes"`
	// DropHeaders are recorded headers that are removed.
	DropHeaders []string `yaml:"drop_headers"`
}

// Rule replaces what a regular expression matches; with a group, only what the first group matches.
type Rule struct {
	Name    string `yaml:"name"`
	Pattern string `yaml:"pattern"`
}

// DefaultPolicy has every preset, and the attributes that are secret by their name.
func DefaultPolicy() Policy {
	return Policy{
		Presets:     presetNames(),
		Attributes:  []string{"*password*", "*passwd*", "*secret*", "*api_key*", "*apikey*", "*access_key*", "*private_key*", "*authorization*", "*.token", "*cookie*"},
		DropHeaders: []string{"Authorization", "Cookie", "Set-Cookie", "X-Api-Key", "Proxy-Authorization"},
	}
}

// Load reads a policy file; what it leaves out is as in DefaultPolicy.
func Load(file string) (Policy, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return Policy{}, err
	}
	p := DefaultPolicy()
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&p); err != nil && !errors.Is(err, io.EOF) {
		return Policy{}, fmt.Errorf("scrub policy %s: %w", file, err)
	}
	if !errors.Is(d.Decode(new(any)), io.EOF) {
		return Policy{}, fmt.Errorf("scrub policy %s: after the first document (---) there is more, which nobody would look at", file)
	}
	return p, nil
}

func (p *Policy) key() ([]byte, error) {
	text := p.Key
	if p.KeyEnv != "" {
		if text = os.Getenv(p.KeyEnv); text == "" {
			return nil, fmt.Errorf("scrub policy: the environment variable %s (key_env) is empty", p.KeyEnv)
		}
	}
	if text == "" {
		key := make([]byte, 32)
		rand.Read(key) // never fails
		return key, nil
	}
	key, err := hex.DecodeString(text)
	if err != nil || len(key) < 16 {
		return nil, errors.New("scrub policy: the key must be at least 32 hexadecimal digits") // and is not shown
	}
	return key, nil
}

// finder is a rule that is ready.
type finder struct {
	name   string
	regexp *regexp.Regexp
	// judge says whether a match is what it looks like; nil: it is.
	judge func(match []byte) bool
	// hint says whether there can be a match at all; nil: there can. It spares most texts the regular expression.
	hint func([]byte) bool
	// replace overwrites a match; nil: with letters for letters and digits for digits.
	replace func(*pseudonymiser, []byte)
}

const octet = `(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])`

var presets = []finder{
	{name: "email", regexp: regexp.MustCompile(`[A-Za-z0-9._%+\-]+@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)*\.[A-Za-z]{2,}`),
		hint: func(b []byte) bool { return bytes.IndexByte(b, '@') >= 0 }, judge: isEmail, replace: (*pseudonymiser).email},
	{name: "bearer", regexp: regexp.MustCompile(`(?i)\b(?:bearer|basic)\s+([A-Za-z0-9._~+/\-]{8,}=*)`),
		hint: func(b []byte) bool { return bytes.IndexByte(b, ' ') >= 0 }, judge: isBearer, replace: (*pseudonymiser).bearer},
	{name: "card", regexp: regexp.MustCompile(`\b[2-6][0-9]{3}(?:[ \-]?[0-9]{4}){2}[ \-]?[0-9]{1,7}\b`), judge: luhn, hint: manyDigits(13), replace: (*pseudonymiser).card},
	{name: "ip", regexp: regexp.MustCompile(`\b` + octet + `(?:\.` + octet + `){3}\b` +
		`|(?i:\b(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}\b|\b(?:[0-9a-f]{1,4}:){1,6}:[0-9a-f]{1,4}\b)`),
		judge: isIP, hint: manyDigits(2), replace: (*pseudonymiser).ip},
}

func presetNames() (names []string) {
	for _, p := range presets {
		names = append(names, p.name)
	}
	return names
}

func (p *Policy) finders() (all []finder, err error) {
	for _, name := range p.Presets {
		if !slices.Contains(presetNames(), name) {
			return nil, fmt.Errorf("scrub policy: preset %q is none of %v", name, presetNames())
		}
	}
	for _, preset := range presets { // in their own order: a bearer token may hold what looks like something else
		if slices.Contains(p.Presets, preset.name) {
			all = append(all, preset)
		}
	}
	for _, rule := range p.Rules {
		if rule.Name == "" {
			return nil, fmt.Errorf("scrub policy: the rule with the pattern %q needs a name", rule.Pattern)
		}
		re, err := regexp.Compile(rule.Pattern)
		if err != nil {
			return nil, fmt.Errorf("scrub policy: the pattern of rule %q: %w", rule.Name, err)
		}
		all = append(all, finder{name: rule.Name, regexp: re})
	}
	return all, nil
}

func manyDigits(n int) func([]byte) bool {
	return func(b []byte) bool {
		count := 0
		for _, c := range b {
			if c >= '0' && c <= '9' {
				if count++; count >= n {
					return true
				}
			}
		}
		return false
	}
}

// luhn is the check digit of card numbers (ISO/IEC 7812-1).
func luhn(text []byte) bool {
	sum, n := 0, 0
	for i := len(text) - 1; i >= 0; i-- {
		if text[i] < '0' || text[i] > '9' {
			continue
		}
		d := int(text[i] - '0')
		if n%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
		n++
	}
	return n >= 13 && n <= 19 && sum%10 == 0
}
