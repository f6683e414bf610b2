package sink

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"go.opentelemetry.io/collector/pdata/plog"
)

// FileName is the file in a run's directory in which "play --sink" keeps what arrives, and where "verify --source sink"
// looks for it.
const FileName = "received.binpb"

// Keeper takes what arrives: one OTLP LogsData message in protobuf, valid until Keep returns. It must be safe for
// concurrent use.
type Keeper interface {
	Keep(message []byte) error
}

// File keeps messages as the file exporter writes them: JSON lines when the name ends in .jsonl or .json, else protobuf
// messages, each after its length (32 bits, big-endian).
type File struct {
	json bool

	mu     sync.Mutex
	file   *os.File
	out    *bufio.Writer
	length [4]byte
}

// CreateFile starts a new file, in a new folder if need be. An older file of the name is replaced.
func CreateFile(path string) (*File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("create the sink's file: %w", err)
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("create the sink's file: %w", err)
	}
	extension := strings.ToLower(filepath.Ext(path))
	return &File{json: extension == ".jsonl" || extension == ".json", file: f, out: bufio.NewWriterSize(f, 1<<20)}, nil
}

// Keep implements Keeper.
func (f *File) Keep(message []byte) error {
	if f.json {
		return f.keepJSON(message)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	binary.BigEndian.PutUint32(f.length[:], uint32(len(message)))
	f.out.Write(f.length[:]) // a bufio.Writer keeps its first error
	_, err := f.out.Write(message)
	return err
}

func (f *File) keepJSON(message []byte) error {
	logs, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(message)
	if err != nil {
		return err
	}
	line, err := (&plog.JSONMarshaler{}).MarshalLogs(logs)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.out.Write(line)
	return f.out.WriteByte('\n')
}

// Flush writes out what is buffered, so that a reader of the file sees all that was kept before.
func (f *File) Flush() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.out.Flush()
}

// Close flushes and closes the file.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := errors.Join(f.out.Flush(), f.file.Close()); err != nil {
		return fmt.Errorf("close the sink's file: %w", err)
	}
	return nil
}
