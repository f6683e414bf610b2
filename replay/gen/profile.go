package gen

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"gopkg.in/yaml.v3"
)

// Profile says what is made. Start from Default; a profile file overrides what it names.
type Profile struct {
	Seed     uint64    `yaml:"seed"`
	Records  int64     `yaml:"records"`  // exactly so many
	Start    time.Time `yaml:"start"`    // of the simulated time
	Rate     float64   `yaml:"rate"`     // records a second, on average; with Records it gives the simulated time
	Services int       `yaml:"services"` // 3 to 50
	Hosts    int       `yaml:"hosts"`

	Diurnal  float64       `yaml:"diurnal"`  // how far the rate swings around its mean over a day, 0 to 1
	Bursts   time.Duration `yaml:"bursts"`   // mean time from burst to burst; 0: none
	Churn    time.Duration `yaml:"churn"`    // mean time until an instance is replaced; 0: never
	Nasty    float64       `yaml:"nasty"`    // share of records that are hard on parsers, 0 to 1
	Growth   float64       `yaml:"growth"`   // exponent of template growth, 0 to 0.9
	Batch    int           `yaml:"batch"`    // records after which a request is sent
	Timeout  time.Duration `yaml:"timeout"`  // or time
	Gateways int           `yaml:"gateways"` // collectors that send

	Incidents  []IncidentSpec `yaml:"incidents"`  // nil: one of each kind; an empty list: none
	Attributes []Attribute    `yaml:"attributes"` // further record attributes, with the cardinality asked for
}

// IncidentSpec is an incident that is to happen.
type IncidentSpec struct {
	Kind    Kind    `yaml:"kind"`
	At      float64 `yaml:"at"`      // as a share of the simulated time, 0 to 1
	For     float64 `yaml:"for"`     // likewise
	Service string  `yaml:"service"` // "": one that suits
}

// Attribute is a record attribute with a cardinality of its own.
type Attribute struct {
	Name  string  `yaml:"name"`
	Kind  string  `yaml:"kind"`  // constant, enum, zipf, unique or growing
	N     int     `yaml:"n"`     // values of enum and zipf
	Share float64 `yaml:"share"` // of records that have it; 0: all
}

// Default is the profile that flags and files start from.
func Default() Profile {
	return Profile{
		Seed: 1, Records: 100_000, Start: time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC), Rate: 500, Services: 16, Hosts: 20,
		Diurnal: 0.6, Bursts: 2 * time.Minute, Churn: 6 * time.Hour, Nasty: 0.01, Growth: 0.5,
		Batch: 1000, Timeout: 2 * time.Second, Gateways: 2,
	}
}

// Load reads a profile file over p.
func (p *Profile) Load(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(p); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("profile %s: %w", file, err)
	}
	if !errors.Is(d.Decode(new(any)), io.EOF) {
		return fmt.Errorf("profile %s: after the first document (---) there is more, which nobody would look at", file)
	}
	return nil
}

// Span is the simulated time.
func (p *Profile) Span() time.Duration {
	return time.Duration(float64(p.Records) / p.Rate * float64(time.Second))
}

func (p *Profile) validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("profile: "+format, args...))
		}
	}
	check(p.Records > 0, "records: %d is not above zero", p.Records)
	check(p.Rate > 0, "rate: %v is not above zero", p.Rate)
	check(p.Services >= 3 && p.Services <= maxServices, "services: %d is not from 3 to %d", p.Services, maxServices)
	check(p.Hosts > 0, "hosts: %d is not above zero", p.Hosts)
	check(p.Diurnal >= 0 && p.Diurnal <= 1, "diurnal: %v is not from 0 to 1", p.Diurnal)
	check(p.Nasty >= 0 && p.Nasty <= 1, "nasty: %v is not from 0 to 1", p.Nasty)
	check(p.Growth >= 0 && p.Growth <= 0.9, "growth: %v is not from 0 to 0.9", p.Growth)
	check(p.Batch > 0 && p.Timeout > 0 && p.Gateways > 0, "batch, timeout and gateways must be above zero")
	for _, i := range p.Incidents {
		check(slices.Contains(Kinds, i.Kind), "incidents: %q is none of %v", i.Kind, Kinds)
		check(i.At >= 0 && i.For > 0 && i.At+i.For <= 1, "incidents: %s from %v for %v does not lie within 0 to 1", i.Kind, i.At, i.For)
	}
	for _, a := range p.Attributes {
		check(a.Name != "" && slices.Contains([]string{"constant", "enum", "zipf", "unique", "growing"}, a.Kind),
			"attributes: %q of kind %q: a name and one of constant, enum, zipf, unique, growing are needed", a.Name, a.Kind)
		check(a.N > 0 || a.Kind != "enum" && a.Kind != "zipf", "attributes: %s needs n, how many values there are", a.Name)
	}
	return errors.Join(errs...)
}
