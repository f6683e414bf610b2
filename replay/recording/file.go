package recording

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"os"
)

// file is what a segment needs of an *os.File.
type file interface {
	Name() string
	WriteAt(b []byte, at int64) (int, error)
	Truncate(size int64) error
	Sync() error
	Close() error
}

// createFile makes a file that is not there yet; tests have files that fail.
var createFile = func(name string) (file, error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, err // and not a file that holds none
	}
	return f, nil
}

// summedFile is a file whose SHA-256 is made while it is written. What was appended counts when it is kept.
type summedFile struct {
	f    file
	sum  hash.Hash
	size int64
}

func createSummed(name string) (*summedFile, error) {
	f, err := createFile(name)
	if err != nil {
		return nil, err
	}
	return &summedFile{f: f, sum: sha256.New()}, nil
}

// append writes all of b, or, with an error, nothing.
func (s *summedFile) append(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if _, err := s.f.WriteAt(b, s.size); err != nil {
		return errors.Join(err, s.takeBack())
	}
	return nil
}

// keep counts what was appended last.
func (s *summedFile) keep(b []byte) {
	s.sum.Write(b)
	s.size += int64(len(b))
}

// takeBack removes what was appended and not kept.
func (s *summedFile) takeBack() error { return s.f.Truncate(s.size) }

func (s *summedFile) remove() error { return errors.Join(s.f.Close(), os.Remove(s.f.Name())) }

// close makes the file durable and returns its sum.
func (s *summedFile) close() (string, error) {
	err := errors.Join(s.f.Sync(), s.f.Close())
	return hex.EncodeToString(s.sum.Sum(nil)), err
}
