package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/instantdevlogs/devlogs/replay/diff"
	"github.com/instantdevlogs/devlogs/replay/gate"
	"github.com/instantdevlogs/devlogs/replay/ledger"
	"github.com/instantdevlogs/devlogs/replay/observe"
	"github.com/instantdevlogs/devlogs/replay/play"
	"github.com/instantdevlogs/devlogs/replay/probe"
	"github.com/instantdevlogs/devlogs/replay/verify"
)

// FileName of the results, in the run's directory.
const FileName = "results.json"

// Schema is the version of the results' form. A field may be added without a new one.
const Schema = 1

// Results are all that is known of a run. What was not done is nil.
type Results struct {
	Schema     int              `json:"schema"`
	Run        ledger.Run       `json:"run"`
	Started    time.Time        `json:"started"`
	Recording  string           `json:"recording"` // its name, without the folders it lies in
	Machine    Machine          `json:"machine"`
	Verify     *verify.Result   `json:"verify,omitempty"`
	SelfTest   []verify.Proof   `json:"self_test,omitempty"`
	Diff       *diff.Result     `json:"diff,omitempty"`
	Thresholds []gate.Assertion `json:"thresholds,omitempty"`

	Play      *play.Report      `json:"play,omitempty"`
	Queryable *verify.Queryable `json:"queryable,omitempty"`
	Target    *observe.Usage    `json:"target,omitempty"`

	dir string
}

// Load reads a run's results, as far as there are any.
func Load(dir string) (*Results, error) {
	r := &Results{Schema: Schema, Machine: thisMachine()}
	if err := readJSON(filepath.Join(dir, FileName), r); err != nil {
		return nil, err
	}
	if r.Schema > Schema {
		return nil, fmt.Errorf("%s was written by a newer version (form %d, this one reads %d): upgrade", FileName, r.Schema, Schema)
	}
	r.dir = dir
	var report play.Report
	if err := readJSON(filepath.Join(dir, play.ReportFile), &report); err != nil {
		return nil, err
	}
	if report.Target != "" {
		r.Play = &report
	}
	var err error
	if r.Queryable, err = probe.Load(dir); err != nil {
		return nil, err
	}
	if r.Target, err = observe.Load(dir); err != nil {
		return nil, err
	}
	meta, err := ledger.ReadMeta(dir)
	switch {
	case err == nil:
		r.Run, r.Started, r.Recording = meta.Run, meta.Started, filepath.Base(meta.Recording)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	return r, nil
}

// readJSON leaves v as it is when there is no such file.
func readJSON(path string, v any) error {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the run's results: %w", err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

// LoadFile reads a results file by itself, as a baseline.
func LoadFile(path string) (*Results, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return Load(path)
	}
	r := &Results{}
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("read the baseline: %w", err)
	}
	return r, readJSON(path, r)
}

// Save writes the results into the run's directory.
func (r *Results) Save(dir string) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("save the run's results: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, FileName), append(b, '\n'), 0o644); err != nil {
		return fmt.Errorf("save the run's results: %w", err)
	}
	return nil
}

// Assertions lists everything that was checked.
func (r *Results) Assertions() []gate.Assertion {
	var all []gate.Assertion
	if r.Play != nil {
		a := gate.Assertion{Suite: "run", Name: "the sender kept its schedule and the recording is whole", OK: len(r.Play.Invalid) == 0}
		if !a.OK {
			a.Message = "the run proves nothing about its target: " + r.Play.Invalid[0]
		}
		all = append(all, a)
	}
	if r.Verify != nil {
		all = append(all, verifyAssertions(r.Verify)...)
	}
	for _, p := range r.SelfTest {
		a := gate.Assertion{Suite: "self-test", Name: "the verifier finds an injected fault: " + string(p.Fault), OK: p.Found}
		if !p.Found {
			a.Message = "the injected fault was not found"
			if p.Note != "" {
				a.Message = p.Note
			}
		}
		all = append(all, a)
	}
	if r.Diff != nil {
		all = append(all, diffAssertions(r.Diff)...)
	}
	return append(all, r.Thresholds...)
}
