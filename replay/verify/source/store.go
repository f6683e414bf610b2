package source

import (
	"context"
	"fmt"
	"io"
	"iter"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/replay/canon"
	"github.com/instantdevlogs/devlogs/replay/ledger"
	"github.com/instantdevlogs/devlogs/replay/verify"
	"github.com/instantdevlogs/devlogs/storage"
)

// Store reads a devlogs store without a query API between.
type Store struct {
	io.Closer
	reader storage.Reader
	name   string
	tenant string

	exclusive bool
}

// NewStore makes a source of an open store, which it closes with closer.
func NewStore(reader storage.Reader, closer io.Closer, name, tenant string) *Store {
	return &Store{Closer: closer, reader: reader, name: name, tenant: tenant}
}

// Traits implements verify.Source. A store gives back all that OTLP has.
func (s *Store) Traits() verify.Traits {
	return verify.Traits{Name: s.name, Live: true, Exclusive: s.exclusive, Order: verify.ByTime}
}

// Count implements verify.Source: it counts the whole store.
func (s *Store) Count(ctx context.Context, _ verify.Window) (uint64, error) {
	stats, err := s.reader.Stats(ctx)
	return stats.Records, err
}

// Scan implements verify.Source.
func (s *Store) Scan(ctx context.Context, w verify.Window) iter.Seq2[*canon.Record, error] {
	return func(yield func(*canon.Record, error) bool) {
		query := storage.Query{Tenant: s.tenant, Start: w.From, End: w.To, Direction: storage.OldestFirst}
		for stored, err := range s.reader.Search(ctx, query) {
			if err != nil {
				yield(nil, err)
				return
			}
			logs := plog.NewLogs()
			if err := storage.Decode(&stored, logs); err != nil {
				yield(nil, fmt.Errorf("decode record %s: %w", stored.ID, err))
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

// Lookup implements verify.Finder: it reads the records of just that nanosecond.
func (s *Store) Lookup(ctx context.Context, uid string, at pcommon.Timestamp) (bool, error) {
	for r, err := range s.Scan(ctx, verify.Window{From: at, To: at + 1}) {
		if err != nil {
			return false, err
		}
		if r.Text(ledger.UIDAttribute) == uid {
			return true, nil
		}
	}
	return false, nil
}
