package gen

import (
	"encoding/json"
	"fmt"
	"os"
	"time"
)

// Kind is what goes wrong.
type Kind string

const (
	Deploy            Kind = "deploy"
	DependencyTimeout Kind = "dependency_timeout"
	OOMLoop           Kind = "oom_loop"
	ErrorStorm        Kind = "error_storm"
	LogSilence        Kind = "log_silence"
	BadClient         Kind = "bad_client"
	ClockSkew         Kind = "clock_skew"
	CertExpiry        Kind = "cert_expiry"
)

// Kinds are all of them, in the order in which they happen when the profile names none.
var Kinds = []Kind{Deploy, DependencyTimeout, OOMLoop, ErrorStorm, LogSilence, BadClient, ClockSkew, CertExpiry}

// Incident is the truth about something that went wrong, for tests of searches and alerts.
type Incident struct {
	Kind        Kind      `json:"kind"`
	Service     string    `json:"service"`
	Instances   []string  `json:"instances,omitempty"` // service.instance.id, when only some are concerned
	Start       time.Time `json:"start"`
	End         time.Time `json:"end"`
	Records     int64     `json:"records"` // that would not be there without it
	Description string    `json:"description"`
	Signs       []string  `json:"signs,omitempty"` // texts that its records have

	on         *service
	from, till time.Duration
	begun      bool
}

// WriteIncidents writes the truth beside a recording.
func WriteIncidents(file string, all []*Incident) error {
	if all == nil {
		all = []*Incident{}
	}
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}

// planIncidents spreads the incidents over the simulated time.
func (s *sim) planIncidents() {
	specs := s.profile.Incidents
	if specs == nil {
		for i, kind := range Kinds {
			specs = append(specs, IncidentSpec{Kind: kind, At: 0.06 + 0.095*float64(i), For: 0.06})
		}
	}
	span := float64(s.profile.Span())
	for n, spec := range specs {
		i := &Incident{
			Kind: spec.Kind, on: s.victim(spec, n), from: time.Duration(spec.At * span), till: time.Duration((spec.At + spec.For) * span),
		}
		i.Service = i.on.name
		i.Start, i.End = s.profile.Start.Add(i.from), s.profile.Start.Add(i.till)
		s.incident = append(s.incident, i)
		s.at(i.from, func() {
			i.begun = true
			begin[i.Kind](s, i)
		})
	}
}

// victim is the named service, else one that shows the incident well.
func (s *sim) victim(spec IncidentSpec, n int) *service {
	for _, service := range s.services {
		if service.name == spec.Service {
			return service
		}
	}
	if spec.Kind == BadClient {
		return s.services[0]
	}
	if calls := s.services[0].calls; spec.Kind == DependencyTimeout || spec.Kind == CertExpiry {
		return calls[n%len(calls)]
	}
	return s.services[1+(n*5)%(len(s.services)-1)]
}

// settle shortens what the end of the recording cut.
func (i *Incident) settle(s *sim) {
	if s.now < i.till {
		i.till = s.now
		i.End = s.profile.Start.Add(s.now)
	}
}

// repeat does something again and again while the incident lasts.
func (s *sim) repeat(i *Incident, mean time.Duration, do func()) {
	var again func()
	again = func() {
		if s.now >= i.till {
			return
		}
		do()
		s.at(s.now+s.chance.wait(mean), again)
	}
	again()
}

// rate is how often something happens when it is a share of all that is said.
func (s *sim) rate(share float64) time.Duration {
	return time.Duration(float64(time.Second) / (share * s.profile.Rate))
}

func (i *Incident) describe(format string, args ...any) { i.Description = fmt.Sprintf(format, args...) }
