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
	failed   error // of finishing a segment
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
	unfinished := w.manifest
	unfinished.Unfinished = true
	return w, unfinished.write(dir)
}

// Write adds a message. Its Entry, when it has one, goes into the sidecar; Off, Len and Records in it are set by the
// writer. A message without one gets an entry from its Arrival. The writer keeps nothing of m.
//
// After an error the message is not in the recording. When the disk is full, some 4 MiB still find place in memory; writing
// can go on when there is room again.
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

// Jump notes that the wall clock was set.
func (w *Writer) Jump(j Jump) { w.manifest.Jumps = append(w.manifest.Jumps, j) }

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

// Close finishes the files and writes the manifest. With an error, what there was no room for is a gap; when there is none
// for the manifest either, the recording stays one that was not finished, which readers say.
func (w *Writer) Close() error {
	if w.closed {
		return nil
	}
	w.closed = true
	errs := []error{w.failed}
	for _, s := range []**segment{&w.logs, &w.raw} {
		if *s == nil {
			continue
		}
		if err := (*s).flush(); err != nil {
			errs = append(errs, err)
			w.giveUp(*s, err)
		}
		errs = append(errs, w.finish(s))
	}
	errs = append(errs, w.manifest.write(w.dir))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("finish recording: %w", err)
	}
	return nil
}

// giveUp makes a gap of what a segment could not write.
func (w *Writer) giveUp(s *segment, err error) {
	m, gap := &w.manifest, s.waiting
	gap.Reason = WhyNotWritten(err)
	m.Gaps = append(m.Gaps, gap)
	m.Messages -= gap.Requests
	m.Records -= s.done.Records - s.kept.Records
	m.Bytes -= gap.Bytes
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
		if err := (*s).flush(); err != nil {
			return nil, fmt.Errorf("finish segment: %w", err)
		}
		w.failed = errors.Join(w.failed, w.finish(s))
	}
	if *s == nil {
		base := filepath.Join(w.dir, fmt.Sprintf("%s-%06d", name, w.number[name]+1))
		opened, err := createSegment(base, kind, w.opts.Plain && kind != segmentBodies, w.opts.NoIndex && kind != segmentBodies)
		if err != nil {
			return nil, fmt.Errorf("begin segment: %w", err)
		}
		w.number[name]++
		*s = opened
	}
	return *s, nil
}

// finish closes a segment that was flushed.
func (w *Writer) finish(s **segment) error {
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
