// Package storagetest is the behaviour suite of the storage contract. Every implementation, in every mode it has, passes
// Run; what a store answers is compared with a naive answer made from the records in memory (oracle.go).
package storagetest

import (
	"context"
	"iter"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/storage"
)

// Store is what an implementation offers.
type Store interface {
	storage.Writer
	storage.Reader
}

// Option leaves out what a store can't do.
type Option uint8

// WithoutJSONText is for stores that write JSON in their own way: the texts of maps and arrays are not compared.
const WithoutJSONText Option = 1

// Run tests the store that open returns. Each call of open gives a store of its own, empty, which open closes with
// t.Cleanup.
func Run(t *testing.T, open func(t *testing.T) Store, options ...Option) {
	corpus := newCorpus(!slices.Contains(options, WithoutJSONText))
	for _, part := range []struct {
		name string
		test func(*testing.T, Store)
	}{
		{"RoundTrip", testRoundTrip},
		{"Order", testOrder},
		{"Paging", testPaging},
		{"Search", corpus.testSearch},
		{"Aggregate", corpus.testAggregate},
		{"Match", testMatch},
		{"Attributes", testAttributes},
		{"Write", testWrite},
		{"Tenants", testTenants},
		{"Tail", testTail},
		{"Ledger", testLedger},
		{"Catalogue", testCatalogue},
		{"Stop", testStop},
	} {
		t.Run(part.name, func(t *testing.T) { part.test(t, open(t)) })
	}
}

var tenants atomic.Uint64

// newTenant names a tenant that no other test uses, so that tests can share a store.
func newTenant() string { return "tenant-" + strconv.FormatUint(tenants.Add(1), 10) }

// arrival is the time of arrival of the suite's batches.
const arrival = pcommon.Timestamp(1_760_000_000_000_000_000)

// write stores logs as one batch.
func write(t require.TestingT, s Store, tenant string, logs plog.Logs) {
	rows := &storage.Rows{}
	storage.Encode(rows, logs, tenant, arrival)
	outcome, err := s.Write(context.Background(), storage.Batch{ID: uuid.New(), Rows: rows})
	require.NoError(t, err)
	require.Equal(t, storage.Stored, outcome)
}

// everything is the query for all records of a tenant.
func everything(tenant string) storage.Query {
	return storage.Query{Tenant: tenant, End: storage.EndOfTime, Direction: storage.OldestFirst}
}

// collect reads an iterator to its end, or to its error.
func collect[T any](seq iter.Seq2[T, error]) ([]T, error) {
	var all []T
	for v, err := range seq {
		if err != nil {
			return all, err
		}
		all = append(all, v)
	}
	return all, nil
}

func search(t require.TestingT, s Store, q storage.Query) []storage.Record {
	records, err := collect(s.Search(context.Background(), q))
	require.NoError(t, err)
	return records
}

func positions(records []storage.Record) []storage.Position {
	all := make([]storage.Position, len(records))
	for i := range records {
		all[i] = records[i].Position()
	}
	return all
}

func bodies(records []storage.Record) []string {
	all := make([]string, len(records))
	for i := range records {
		all[i] = records[i].Body
	}
	return all
}

// lines makes logs with one record for each text, all of one service, at times that begin at start and are step apart.
func lines(service string, start, step pcommon.Timestamp, texts ...string) plog.Logs {
	logs := plog.NewLogs()
	rl := logs.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", service)
	sl := rl.ScopeLogs().AppendEmpty()
	for i, text := range texts {
		r := sl.LogRecords().AppendEmpty()
		r.SetTimestamp(start + pcommon.Timestamp(i)*step)
		r.Body().SetStr(text)
	}
	return logs
}

func reversed[T any](all []T) []T {
	all = slices.Clone(all)
	slices.Reverse(all)
	return all
}
