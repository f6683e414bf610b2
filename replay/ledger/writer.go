package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Writer appends to a run's ledger. Safe for concurrent use.
type Writer struct {
	meta Meta

	mu       sync.Mutex
	file     *os.File
	attempts uint64
	scratch  entry
	err      error // the first that writing met: a ledger with a hole proves nothing, so nothing is sent after it
}

// Attempt is one sending of a request, from Begin to End.
type Attempt struct {
	number   uint64
	request  uint64
	records  uint32
	intended time.Duration
}

// Create makes the run's directory and an empty ledger in it. What meta leaves empty gets its default: a new run's name,
// now, uid, at-least-once, ambiguous. A directory that holds a run already is refused, as its proof would be lost.
func Create(dir string, meta Meta) (*Writer, error) {
	if err := meta.complete(); err != nil {
		return nil, fmt.Errorf("create the run's ledger in %s: %w", dir, err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("create the run's ledger: %w", err)
	}
	path := filepath.Join(dir, EntriesFile)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%s holds the ledger of an earlier run: name another directory, or remove this one", dir)
	}
	if err != nil {
		return nil, fmt.Errorf("create the run's ledger: %w", err)
	}
	if err := writeMeta(dir, meta); err != nil {
		return nil, errors.Join(fmt.Errorf("create the run's ledger: %w", err), f.Close())
	}
	return &Writer{meta: meta, file: f}, nil
}

// Meta is what Create was given, with its defaults.
func (w *Writer) Meta() Meta { return w.meta }

// Begin must return before the first byte of the attempt is sent; on an error it must not be sent. Call it again with an
// equal Request for each retry.
func (w *Writer) Begin(r Request) (Attempt, error) {
	if r.Copy >= MaxCopies || r.First+uint64(r.Records) > MaxRecords {
		return Attempt{}, fmt.Errorf("copy %d of record %d is more than a uid can number (%d copies of %d records)",
			r.Copy, r.First, MaxCopies, uint64(MaxRecords))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	number := w.attempts
	if err := w.append(beginEntry(number, r)); err != nil {
		return Attempt{}, err
	}
	w.attempts++
	return Attempt{number: number, request: r.ID, records: r.Records, intended: r.Intended}, nil
}

// End notes how an attempt ended: once for each Begin.
func (w *Writer) End(a Attempt, o Outcome) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.append(endEntry(a, o))
}

// Close marks the run as complete and makes it durable. Attempts that still are open stay ambiguous.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	err := w.append(closeEntry(w.attempts))
	return errors.Join(err, w.file.Sync(), w.file.Close())
}

// append writes through: what has left this process is in the operating system's hands even when the process is killed.
func (w *Writer) append(e entry) error {
	if w.err == nil {
		w.scratch = e
		if _, err := w.file.Write(w.scratch[:]); err != nil {
			w.err = fmt.Errorf("write the run's ledger: %w", err)
		}
	}
	return w.err
}
