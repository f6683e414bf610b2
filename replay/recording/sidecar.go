package recording

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// File names of a recording that Writer made.
const (
	manifestName  = "manifest.json"
	incidentsName = "incidents.json" // a generator's, beside its recording
	linesSuffix   = ".jsonl.zst"
	framesSuffix  = ".binpb.zst"
	bodiesSuffix  = ".bodies.zst"
	indexSuffix   = ".idx.jsonl"
)

// indexName is the sidecar of a segment; "" when name is none of ours.
func indexName(name string) string {
	for _, suffix := range []string{linesSuffix, framesSuffix, bodiesSuffix} {
		if base, ok := strings.CutSuffix(strings.TrimSuffix(name, ".zst")+".zst", suffix); ok {
			return base + indexSuffix
		}
	}
	return ""
}

// sidecar reads a segment's index beside the segment.
type sidecar struct {
	f    *os.File
	r    *bufio.Reader
	name string
	line int
	held *Entry // read, and ahead of the segment
	gaps func(Gap)
}

// openSidecar returns nil when there is none.
func openSidecar(segment string, gaps func(Gap)) (*sidecar, error) {
	name := indexName(segment)
	if name == "" {
		return nil, nil
	}
	f, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &sidecar{f: f, r: bufio.NewReaderSize(f, 64<<10), name: name, gaps: gaps}, nil
}

func (s *sidecar) close() { s.f.Close() }

// at returns the entry of the message at an offset, nil when there is none. Offsets must not go back.
func (s *sidecar) at(offset int64) (*Entry, error) {
	for {
		e, err := s.next()
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if e.Off == offset {
			return e, nil
		}
		if e.Off > offset {
			s.held = e
			return nil, nil
		}
	}
}

// next returns the next entry that stands for a message; it reports gaps on the way. A last line that is cut off, as after
// a crash, ends the sidecar.
func (s *sidecar) next() (*Entry, error) {
	if e := s.held; e != nil {
		s.held = nil
		return e, nil
	}
	for {
		line, err := s.r.ReadBytes('\n')
		if err != nil {
			if !errors.Is(err, io.EOF) {
				err = fmt.Errorf("%s: %w", s.name, err)
			}
			return nil, err
		}
		s.line++
		var e Entry
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("%s: line %d is not a sidecar entry: %w", s.name, s.line, err)
		}
		if e.Gap == nil {
			return &e, nil
		}
		s.gaps(*e.Gap)
	}
}

// bodies cuts raw HTTP bodies, which only the sidecar can tell apart.
type bodies struct {
	r      *bufio.Reader
	index  *sidecar
	limit  int
	offset int64
}

func (b *bodies) next() (piece, *Entry, error) {
	e, err := b.index.next()
	if err != nil {
		return piece{}, nil, err
	}
	if e.Len < 0 || e.Len > int64(b.limit) {
		return piece{}, nil, tooLarge(e.Off, b.limit)
	}
	if e.Off != b.offset {
		return piece{}, nil, fmt.Errorf("byte %d: the sidecar says that the next body begins at %d", b.offset, e.Off)
	}
	p := piece{offset: e.Off, data: make([]byte, e.Len)}
	n, err := io.ReadFull(b.r, p.data)
	b.offset += int64(n)
	if errors.Is(err, io.EOF) || isTorn(err) {
		p.data = p.data[:n]
		return piece{}, nil, &tornError{piece: p, err: io.ErrUnexpectedEOF}
	}
	if err != nil {
		return piece{}, nil, fmt.Errorf("byte %d: %w", b.offset, describe(err))
	}
	return p, e, nil
}
