// Package prepare turns a recording into requests that are ready to be sent: filtered, sampled, numbered, and laid out so
// that a copy needs only to be patched.
//
// The settings are plain data. They lie in the run's ledger, so that Again can make, after the run, the very bytes that
// went over the wire, and verify can compare them with what arrived.
package prepare

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/instantdevlogs/devlogs/replay/ledger"
	"github.com/instantdevlogs/devlogs/replay/patch"
	"github.com/instantdevlogs/devlogs/replay/where"
)

// EventTime says what happens to the times in the records.
type EventTime string

const (
	Keep  EventTime = "keep"  // nothing
	Shift EventTime = "shift" // all move alike, so that the recording's beginning is the run's
	Scale EventTime = "scale" // as shift, and distances shrink or grow with the speed
	Now   EventTime = "now"   // each request's times move so that its arrival is when it is sent
)

// Settings say which requests are made of a recording.
type Settings struct {
	Paths      []string        `json:"paths"` // absolute once Open has seen them
	MaxMessage int             `json:"max_message,omitempty"`
	Strict     bool            `json:"strict,omitempty"`
	Where      string          `json:"where,omitempty"`  // see package where
	Sample     float64         `json:"sample,omitempty"` // share of traces to keep, 0 to 1; 0: all
	Replicas   int             `json:"replicas"`         // copies at once; 0: 1
	Identity   ledger.Identity `json:"identity"`
	Run        ledger.Run      `json:"run"`
	EventTime  EventTime       `json:"event_time"`
	Clock      patch.Clock     `json:"clock"` // how times are scaled; its base is the first arrival
}

// complete fills in defaults and refuses what cannot be.
func (s *Settings) complete() (*where.Filter, error) {
	s.Replicas = max(s.Replicas, 1)
	if s.Replicas > patch.MaxReplicas {
		return nil, fmt.Errorf("amplify: %d is more than the %d replicas that can be told apart", s.Replicas, patch.MaxReplicas)
	}
	if s.Sample < 0 || s.Sample > 1 {
		return nil, fmt.Errorf("sample: %v is not a share between 0 and 1 (10%% is 0.1)", s.Sample)
	}
	return where.Parse(s.Where)
}

// locate makes the paths hold from any working directory.
func (s *Settings) locate() error {
	if len(s.Paths) == 0 {
		return errors.New("name a recording: a folder or a file")
	}
	paths := make([]string, len(s.Paths))
	for i, path := range s.Paths {
		absolute, err := filepath.Abs(path)
		if err != nil {
			return err
		}
		paths[i] = absolute
	}
	s.Paths = paths
	return nil
}

func (s *Settings) layout() patch.Layout {
	layout := patch.Layout{Replicas: s.Replicas}
	if s.Identity == ledger.ByUID {
		layout.Run = s.Run
	}
	return layout
}
