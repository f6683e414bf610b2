package source

import (
	"context"
	"fmt"
	"iter"
	"os"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/replay/canon"
	"github.com/instantdevlogs/devlogs/replay/recording"
	"github.com/instantdevlogs/devlogs/replay/verify"
)

// File is a recording, read as a source.
type File struct {
	path string
	// Strict makes a last message that is cut off an error. A pipeline that was killed may leave one.
	Strict bool
}

// OpenFile checks that the file or folder is there.
func OpenFile(path string) (*File, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("open the source: %w", err)
	}
	return &File{path: path}, nil
}

// Traits implements verify.Source. A file holds what one run left, in the order in which it came.
func (f *File) Traits() verify.Traits {
	return verify.Traits{Name: f.path, Exclusive: true, Order: verify.ByArrival}
}

// Count implements verify.Source.
func (f *File) Count(context.Context, verify.Window) (uint64, error) {
	n := uint64(0)
	for m, err := range f.messages() {
		if err != nil {
			return n, err
		}
		n += uint64(m.Records)
	}
	return n, nil
}

// Scan implements verify.Source.
func (f *File) Scan(ctx context.Context, _ verify.Window) iter.Seq2[*canon.Record, error] {
	return func(yield func(*canon.Record, error) bool) {
		for logs, err := range f.Logs(ctx) {
			if err != nil {
				yield(nil, err)
				return
			}
			for r := range canon.Records(logs) {
				if !yield(r, nil) {
					return
				}
			}
		}
	}
}

// Logs yields the messages of the file.
func (f *File) Logs(ctx context.Context) iter.Seq2[plog.Logs, error] {
	return func(yield func(plog.Logs, error) bool) {
		for m, err := range f.messages() {
			var logs plog.Logs
			if err == nil {
				err = ctx.Err()
			}
			if err == nil && m.Raw {
				err = fmt.Errorf("%v: it is raw HTTP traffic: convert it to OTLP first", m.At)
			}
			if err == nil {
				if logs, err = (&plog.ProtoUnmarshaler{}).UnmarshalLogs(m.Body); err != nil {
					err = fmt.Errorf("%v: %w", m.At, err)
				}
			}
			if !yield(logs, err) || err != nil {
				return
			}
		}
	}
}

func (f *File) messages() iter.Seq2[*recording.Message, error] {
	return func(yield func(*recording.Message, error) bool) {
		info, err := os.Stat(f.path)
		if err == nil && info.Mode().IsRegular() && info.Size() == 0 {
			return // a pipeline that let nothing through leaves an empty file, which is a finding, not an error
		}
		r, err := recording.Open([]string{f.path}, recording.Options{Strict: f.Strict})
		if err != nil {
			yield(nil, err)
			return
		}
		defer r.Close()
		r.Messages()(yield)
	}
}

// Close implements io.Closer.
func (f *File) Close() error { return nil }
