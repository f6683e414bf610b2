package recording

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"path/filepath"

	"github.com/klauspost/compress/zstd"
)

// frameBytes is how much goes into one zstd frame: enough to compress well, little enough to lose in a crash.
const frameBytes = 4 << 20

type segmentKind uint8

const (
	segmentLines  segmentKind = iota // OTLP/JSON, a line each
	segmentFrames                    // protobuf, each after its length
	segmentBodies                    // raw HTTP bodies, back to back
)

// segment is one file that is being written, and its sidecar. What did not fit on the disk stays in memory and is tried
// again, so that an error loses nothing: the files hold all of what was written until then or nothing of it.
type segment struct {
	kind    segmentKind
	data    *summedFile
	index   *summedFile   // nil: none
	zstd    *zstd.Encoder // nil: plain
	pending []byte        // not compressed yet
	lines   []byte        // of the sidecar, for pending
	packed  []byte
	packs   int   // how much of pending packed is; 0: nothing of it
	written int64 // uncompressed, with pending
	done    Segment
	kept    Segment // what of done the files hold
	waiting Gap     // pending, as the gap that it leaves when there never is room for it
}

func createSegment(base string, kind segmentKind, plain, noIndex bool) (s *segment, err error) {
	suffix := [...]string{linesSuffix, framesSuffix, bodiesSuffix}[kind]
	if plain {
		suffix = suffix[:len(suffix)-len(".zst")]
	}
	s = &segment{kind: kind}
	if s.data, err = createSummed(base + suffix); err != nil {
		return nil, err
	}
	if !noIndex {
		if s.index, err = createSummed(base + indexSuffix); err != nil {
			return nil, errors.Join(err, s.data.remove())
		}
	}
	if !plain {
		// One frame is made by one goroutine, so that the same messages give the same bytes.
		if s.zstd, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1)); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// add appends a payload and its entry. After an error it has not: there is no room for it, on the disk or in memory.
func (s *segment) add(payload []byte, e *Entry) error {
	if len(s.pending) >= frameBytes || len(s.lines) >= frameBytes {
		if err := s.flush(); err != nil {
			return err
		}
	}
	e.Off, e.Len = s.written, int64(len(payload))
	if err := s.note(e); err != nil {
		return err
	}
	before := len(s.pending)
	if s.kind == segmentFrames {
		s.pending = binary.BigEndian.AppendUint32(s.pending, uint32(len(payload)))
	}
	s.pending = append(s.pending, payload...)
	if s.kind == segmentLines {
		s.pending = append(s.pending, '\n')
	}
	s.written += int64(len(s.pending) - before)
	s.done.Messages++
	s.done.Records += int64(e.Records)
	s.waiting.Add(e.RecvNS, e.Len)
	return nil
}

// note writes a line of the sidecar.
func (s *segment) note(e *Entry) error {
	if s.index == nil {
		return nil
	}
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	s.lines = append(append(s.lines, line...), '\n')
	return nil
}

// flush puts all that waits into the files.
func (s *segment) flush() error {
	out := s.pending
	if len(out) > 0 && s.zstd != nil {
		if s.packs != len(out) {
			s.packed, s.packs = s.zstd.EncodeAll(out, s.packed[:0]), len(out)
		}
		out = s.packed
	}
	if err := s.data.append(out); err != nil {
		return err
	}
	if s.index != nil {
		if err := s.index.append(s.lines); err != nil {
			return errors.Join(err, s.data.takeBack())
		}
		s.index.keep(s.lines)
	}
	s.data.keep(out)
	s.pending, s.lines, s.packs = s.pending[:0], s.lines[:0], 0
	s.done.Bytes = s.written
	s.kept, s.waiting = s.done, Gap{}
	return nil
}

// close finishes the files, which hold what could be flushed.
func (s *segment) close() (done Segment, err error) {
	done = s.kept
	var closeErr error
	done.File = filepath.Base(s.data.f.Name())
	done.SHA256, closeErr = s.data.close()
	err = errors.Join(err, closeErr)
	if s.index != nil {
		done.Index = filepath.Base(s.index.f.Name())
		done.IndexSHA256, closeErr = s.index.close()
		err = errors.Join(err, closeErr)
	}
	if s.zstd != nil {
		s.zstd.Close()
	}
	return done, err
}
