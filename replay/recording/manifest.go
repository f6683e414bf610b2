package recording

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// manifestSchema is the version of the format: a reader refuses one that is newer than it knows.
const manifestSchema = 1

// Manifest describes a recording that Writer made.
type Manifest struct {
	Schema   int             `json:"schema"`
	Tool     string          `json:"tool"`             // what made it
	Origin   string          `json:"origin,omitempty"` // how: listen and upstream addresses, or a generator's seed
	Messages int64           `json:"messages"`
	Records  int64           `json:"records"`
	Bytes    int64           `json:"bytes"`    // uncompressed, without sidecars
	FirstNS  int64           `json:"first_ns"` // arrival of the first message, ns since 1970
	LastNS   int64           `json:"last_ns"`
	Segments []Segment       `json:"segments"`
	Gaps     []Gap           `json:"gaps,omitempty"`
	Jumps    []Jump          `json:"clock_jumps,omitempty"`
	Scrub    json.RawMessage `json:"scrub,omitempty"` // the policy's name and its counts, when the recording was scrubbed
	// Unfinished is set until the recording is closed: by then what it should hold is not known.
	Unfinished bool `json:"unfinished,omitempty"`
}

// Segment is one file of a recording and its sidecar.
type Segment struct {
	File        string `json:"file"`
	SHA256      string `json:"sha256"`
	Index       string `json:"index,omitempty"`
	IndexSHA256 string `json:"index_sha256,omitempty"`
	Messages    int64  `json:"messages"`
	Records     int64  `json:"records"`
	Bytes       int64  `json:"bytes"`
}

// ReadManifest reads the manifest of the recording in dir. The error is fs.ErrNotExist when dir has none.
func ReadManifest(dir string) (*Manifest, error) {
	name := filepath.Join(dir, manifestName)
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var m Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("%s is not a manifest: %w", name, err)
	}
	if m.Schema < 1 || m.Schema > manifestSchema {
		return nil, fmt.Errorf("%s has schema %d; this devlogs knows up to %d: use a newer one", name, m.Schema, manifestSchema)
	}
	for _, s := range m.Segments {
		if !filepath.IsLocal(s.File) || !filepath.IsLocal(s.Index) && s.Index != "" {
			return nil, fmt.Errorf("%s names a segment outside its folder: %q", name, s.File)
		}
	}
	return &m, nil
}

// Check compares every file with the manifest's sums; the error names those that differ.
func (m *Manifest) Check(dir string) error {
	for _, s := range m.Segments {
		for file, want := range map[string]string{s.File: s.SHA256, s.Index: s.IndexSHA256} {
			if file == "" {
				continue
			}
			got, err := sumFile(filepath.Join(dir, file))
			if err != nil {
				return err
			}
			if got != want {
				return fmt.Errorf("%s is not the file that was recorded: its SHA-256 is %s, the manifest says %s",
					filepath.Join(dir, file), got, want)
			}
		}
	}
	return nil
}

// readAllTheSame is what to do about a recording that is not as its manifest says.
const readAllTheSame = "Get the recording anew; or, to read what is there all the same, remove its " + manifestName

// checkIndexes compares the sidecars with the manifest's sums: they say when each request came, so one of another recording,
// or one that was cut, would send the right requests at wrong times. The segments are compared while they are read.
func (m *Manifest) checkIndexes(dir string) error {
	for _, s := range m.Segments {
		if s.Index == "" || s.IndexSHA256 == "" {
			continue
		}
		name := filepath.Join(dir, s.Index)
		got, err := sumFile(name)
		if err != nil {
			return fmt.Errorf("read the recording's sidecar: %w.\n%s", err, readAllTheSame)
		}
		if got != s.IndexSHA256 {
			return fmt.Errorf("%s is not the sidecar that was recorded: its SHA-256 is not the manifest's.\n%s", name, readAllTheSame)
		}
	}
	return nil
}

func (m *Manifest) paths(dir string) (files []string) {
	for _, s := range m.Segments {
		files = append(files, filepath.Join(dir, s.File))
	}
	return files
}

func (m *Manifest) write(dir string) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	name := filepath.Join(dir, manifestName)
	if err := os.WriteFile(name+".tmp", append(text, '\n'), 0o644); err != nil {
		return errors.Join(err, os.Remove(name+".tmp"))
	}
	return os.Rename(name+".tmp", name)
}

func sumFile(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("read %s: %w", name, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
