package recording

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"os"
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

// segment is one file that is being written, and its sidecar.
type segment struct {
	kind    segmentKind
	data    *summedFile
	index   *summedFile // nil: none
	lines   *bufio.Writer
	zstd    *zstd.Encoder // nil: plain
	pending []byte        // not compressed yet
	packed  []byte
	written int64 // uncompressed, with pending
	done    Segment
}

func createSegment(base string, kind segmentKind, plain, noIndex bool) (*segment, error) {
	suffix := [...]string{linesSuffix, framesSuffix, bodiesSuffix}[kind]
	if plain {
		suffix = suffix[:len(suffix)-len(".zst")]
	}
	s := &segment{kind: kind}
	var err error
	if s.data, err = createSummed(base + suffix); err != nil {
		return nil, err
	}
	if !noIndex {
		if s.index, err = createSummed(base + indexSuffix); err != nil {
			s.data.f.Close()
			return nil, err
		}
		s.lines = bufio.NewWriterSize(s.index, 64<<10)
	}
	if !plain {
		// One frame is made by one goroutine, so that the same messages give the same bytes.
		if s.zstd, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1)); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// add appends a payload and its entry.
func (s *segment) add(payload []byte, e *Entry) error {
	e.Off, e.Len = s.written, int64(len(payload))
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
	if err := s.note(e); err != nil {
		return err
	}
	if len(s.pending) >= frameBytes {
		return s.flush()
	}
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
	_, err = s.lines.Write(append(line, '\n'))
	return err
}

func (s *segment) flush() error {
	out := s.pending
	if len(out) > 0 && s.zstd != nil {
		s.packed = s.zstd.EncodeAll(out, s.packed[:0])
		out = s.packed
	}
	s.pending = s.pending[:0]
	if _, err := s.data.Write(out); err != nil {
		return err
	}
	if s.index == nil {
		return nil
	}
	return s.lines.Flush()
}

func (s *segment) close() (Segment, error) {
	err := s.flush()
	s.done.Bytes = s.written
	var closeErr error
	s.done.File = filepath.Base(s.data.f.Name())
	s.done.SHA256, closeErr = s.data.close()
	err = errors.Join(err, closeErr)
	if s.index != nil {
		s.done.Index = filepath.Base(s.index.f.Name())
		s.done.IndexSHA256, closeErr = s.index.close()
		err = errors.Join(err, closeErr)
	}
	if s.zstd != nil {
		s.zstd.Close()
	}
	return s.done, err
}

// summedFile is a file whose SHA-256 is made while it is written.
type summedFile struct {
	f   *os.File
	sum hash.Hash
}

func createSummed(name string) (*summedFile, error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, err
	}
	return &summedFile{f: f, sum: sha256.New()}, nil
}

var _ io.Writer = (*summedFile)(nil)

func (s *summedFile) Write(b []byte) (int, error) {
	n, err := s.f.Write(b)
	s.sum.Write(b[:n])
	return n, err
}

// close makes the file durable and returns its sum.
func (s *summedFile) close() (string, error) {
	err := errors.Join(s.f.Sync(), s.f.Close())
	return hex.EncodeToString(s.sum.Sum(nil)), err
}
