package recording

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"unicode/utf8"

	"go.opentelemetry.io/collector/pdata/plog"
)

// WriterOptions say what a recording looks like. The zero value makes the default form.
type WriterOptions struct {
	Tool         string // what makes it, for the manifest
	Origin       string
	SegmentBytes int64 // uncompressed size at which the next segment begins; 0: 512 MiB
	Proto        bool  // length-prefixed protobuf, faster to load, in place of JSON lines
	Plain        bool  // not compressed: what the stock otlpjsonfile receiver reads
	NoIndex      bool  // no sidecar: only what a stock file exporter would write
	Scrub        json.RawMessage
}

const defaultSegmentBytes = 512 << 20

// Writer makes a recording in a folder. Not safe for concurrent use.
type Writer struct {
	dir      string
	opts     WriterOptions
	manifest Manifest
	logs     *segment
	raw      *segment
	number   map[string]int
	closed   bool
}

// Create begins a recording in dir, which is made, and must not hold a recording already.
func Create(dir string, opts WriterOptions) (*Writer, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	for _, pattern := range []string{manifestName, "logs-*", "raw-*"} {
		if found, _ := filepath.Glob(filepath.Join(dir, pattern)); len(found) > 0 {
			return nil, fmt.Errorf("%s already holds a recording (%s): name another folder or remove it", dir, found[0])
		}
	}
	opts.SegmentBytes = cmp.Or(opts.SegmentBytes, defaultSegmentBytes)
	w := &Writer{dir: dir, opts: opts, number: map[string]int{}}
	w.manifest = Manifest{Schema: manifestSchema, Tool: opts.Tool, Origin: opts.Origin, Scrub: opts.Scrub}
	return w, nil
}

// Write adds a message. Its Entry, when it has one, goes into the sidecar; Off, Len and Records in it are set by the
// writer. A message without one gets an entry from its Arrival. The writer keeps nothing of m.
func (w *Writer) Write(m *Message) error {
	if w.closed {
		return errors.New("the recording is closed")
	}
	e := Entry{RecvNS: m.Arrival, Proto: ProtoHTTP}
	if m.Entry != nil {
		e = *m.Entry
	}
	e.Gap, e.Exact, e.Records = nil, nil, m.Records
	s, payload, err := w.encode(m, &e)
	if err != nil {
		return err
	}
	if err := s.add(payload, &e); err != nil {
		return fmt.Errorf("write recording: %w", err)
	}
	w.count(&e, int64(len(payload)))
	return nil
}

// Gap notes traffic that was not recorded.
func (w *Writer) Gap(g Gap) error {
	w.manifest.Gaps = append(w.manifest.Gaps, g)
	s := cmp.Or(w.logs, w.raw)
	if s == nil || w.opts.NoIndex {
		return nil // the manifest has it
	}
	return s.note(&Entry{RecvNS: g.FromNS, Gap: &g})
}

// SetScrub puts what scrubbing did into the manifest.
func (w *Writer) SetScrub(report json.RawMessage) { w.manifest.Scrub = report }

// Flush puts what was written so far where a crash of the process does not lose it. Compression suffers when it is called
// after every message.
func (w *Writer) Flush() error {
	for _, s := range []*segment{w.logs, w.raw} {
		if s != nil {
			if err := s.flush(); err != nil {
				return fmt.Errorf("write recording: %w", err)
			}
		}
	}
	return nil
}

// Close finishes the files and writes the manifest.
func (w *Writer) Close() error {
	if w.closed {
		return nil
	}
	w.closed = true
	var errs []error
	for _, s := range []**segment{&w.logs, &w.raw} {
		errs = append(errs, w.seal(s))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("finish recording: %w", err)
	}
	return w.manifest.write(w.dir)
}

// Manifest is what has been written; it is whole after Close.
func (w *Writer) Manifest() Manifest { return w.manifest }

func (w *Writer) encode(m *Message, e *Entry) (s *segment, payload []byte, err error) {
	if m.Raw {
		s, err = w.segment(&w.raw, "raw", segmentBodies)
		return s, m.Body, err
	}
	if w.opts.Proto {
		s, err = w.segment(&w.logs, "logs", segmentFrames)
		return s, m.Body, err
	}
	if s, err = w.segment(&w.logs, "logs", segmentLines); err != nil {
		return nil, nil, err
	}
	if payload, err = toJSON(m.Body); err != nil {
		return nil, nil, err
	}
	if !utf8.Valid(payload) {
		e.Exact = m.Body
		payload = bytes.ToValidUTF8(payload, []byte("\uFFFD"))
	}
	return s, payload, nil
}

func toJSON(body []byte) ([]byte, error) {
	logs, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(body)
	if err != nil {
		return nil, fmt.Errorf("the request is not OTLP: %w", err)
	}
	return (&plog.JSONMarshaler{}).MarshalLogs(logs)
}

// segment returns the open segment of a kind, a new one when there is none or the last is full.
func (w *Writer) segment(s **segment, name string, kind segmentKind) (*segment, error) {
	if *s != nil && (*s).written >= w.opts.SegmentBytes {
		if err := w.seal(s); err != nil {
			return nil, fmt.Errorf("finish segment: %w", err)
		}
	}
	if *s == nil {
		w.number[name]++
		base := filepath.Join(w.dir, fmt.Sprintf("%s-%06d", name, w.number[name]))
		opened, err := createSegment(base, kind, w.opts.Plain && kind != segmentBodies, w.opts.NoIndex && kind != segmentBodies)
		if err != nil {
			return nil, err
		}
		*s = opened
	}
	return *s, nil
}

func (w *Writer) seal(s **segment) error {
	if *s == nil {
		return nil
	}
	done, err := (*s).close()
	*s = nil
	w.manifest.Segments = append(w.manifest.Segments, done)
	return err
}

func (w *Writer) count(e *Entry, size int64) {
	m := &w.manifest
	if m.Messages == 0 || e.RecvNS < m.FirstNS {
		m.FirstNS = e.RecvNS
	}
	m.LastNS = max(m.LastNS, e.RecvNS)
	m.Messages++
	m.Records += int64(e.Records)
	m.Bytes += size
}
