package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Version of the run directory's format. A reader refuses a newer one.
const Version = 1

// File names in a run's directory.
const (
	MetaFile    = "run.json"
	EntriesFile = "ledger.bin"
)

// Identity says how a record is recognised at the other end.
type Identity string

const (
	ByUID     Identity = "uid"     // log.record.uid, added or patched: exact
	ByTime    Identity = "time"    // time_unix_nano, made unique in its low digits: exact where nanoseconds are kept
	ByIDs     Identity = "ids"     // trace and span id, replaced: exact, but breaks the original correlation
	ByContent Identity = "content" // a hash of the record, nothing changed: cannot tell identical twins apart
)

// Delivery says what the run demands.
type Delivery string

const (
	AtLeastOnce Delivery = "at-least-once" // a copy that a retry explains is allowed
	ExactlyOnce Delivery = "exactly-once"  // it is not
)

// Refusals says what a retryable refusal (429, 503, UNAVAILABLE…) means.
type Refusals string

const (
	RefusalsAmbiguous Refusals = "ambiguous" // part of the target may have kept the records, as a fan-out can
	RefusalsAtomic    Refusals = "atomic"    // a refused request left nothing
)

// Meta says what a run is. It is written once, before anything is sent.
type Meta struct {
	Version   int       `json:"version"`
	Run       Run       `json:"run"`
	Started   time.Time `json:"started"` // what all times in the ledger count from
	Identity  Identity  `json:"identity"`
	Delivery  Delivery  `json:"delivery"`
	Refusals  Refusals  `json:"refusals"`
	Recording string    `json:"recording"` // absolute path of what was replayed
	Target    string    `json:"target"`
	Protocol  string    `json:"protocol,omitempty"`

	// Play holds the sender's settings, as it needs them to make the same requests again (see Request.Source). The ledger
	// doesn't read it.
	Play json.RawMessage `json:"play,omitempty"`
}

// complete fills in what was left out and refuses what can't be.
func (m *Meta) complete() error {
	m.Version = Version
	if m.Started.IsZero() {
		m.Started = time.Now()
	}
	if m.Run == "" {
		m.Run = NewRun(m.Started)
	}
	if m.Identity == "" {
		m.Identity = ByUID
	}
	if m.Delivery == "" {
		m.Delivery = AtLeastOnce
	}
	if m.Refusals == "" {
		m.Refusals = RefusalsAmbiguous
	}
	return m.validate()
}

func (m *Meta) validate() error {
	var errs []error
	if m.Version > Version {
		errs = append(errs, fmt.Errorf("the run was written by a newer version (format %d, this one reads %d): upgrade", m.Version, Version))
	}
	if _, err := ParseUID(UID{Run: m.Run}.String()); err != nil {
		errs = append(errs, fmt.Errorf("run: %q is not a run's name", m.Run))
	}
	if !slices.Contains([]Identity{ByUID, ByTime, ByIDs, ByContent}, m.Identity) {
		errs = append(errs, fmt.Errorf("identity: %q is none of uid, time, ids, content", m.Identity))
	}
	if !slices.Contains([]Delivery{AtLeastOnce, ExactlyOnce}, m.Delivery) {
		errs = append(errs, fmt.Errorf("delivery: %q is neither at-least-once nor exactly-once", m.Delivery))
	}
	if !slices.Contains([]Refusals{RefusalsAmbiguous, RefusalsAtomic}, m.Refusals) {
		errs = append(errs, fmt.Errorf("refusals: %q is neither ambiguous nor atomic", m.Refusals))
	}
	return errors.Join(errs...)
}

func writeMeta(dir string, m Meta) error {
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", MetaFile, err)
	}
	return os.WriteFile(filepath.Join(dir, MetaFile), append(b, '\n'), 0o644)
}

// ReadMeta reads a run's Meta.
func ReadMeta(dir string) (Meta, error) {
	path := filepath.Join(dir, MetaFile)
	b, err := os.ReadFile(path)
	if err != nil {
		return Meta{}, fmt.Errorf("%s is not the directory of a run (play makes one with --ledger): %w", dir, err)
	}
	var m Meta
	if err := json.Unmarshal(b, &m); err != nil {
		return Meta{}, fmt.Errorf("read %s: %w", path, err)
	}
	if err := m.validate(); err != nil {
		return Meta{}, fmt.Errorf("read %s: %w", path, err)
	}
	return m, nil
}
