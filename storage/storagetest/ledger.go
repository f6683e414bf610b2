package storagetest

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/instantdevlogs/devlogs/storage"
)

// testLedger: the ledger lists each batch once, by pages, and gives back what it holds.
func testLedger(t *testing.T, s Store) {
	ledger, ok := s.(storage.Ledger)
	require.True(t, ok, "the store is no storage.Ledger")
	ctx := t.Context()
	tenant, other := newTenant(), newTenant()
	const batches = 23
	ids := make([]uuid.UUID, batches)
	want := make(map[uuid.UUID]uint64, batches)
	for i := range batches {
		ids[i] = uuid.New()
		texts := make([]string, i%4+1)
		for j := range texts {
			texts[j] = fmt.Sprintf("%d/%d", i, j)
		}
		outcome, err := writeSent(s, tenant, ids[i], printOf(i), texts...)
		require.NoError(t, err)
		require.Equal(t, storage.Stored, outcome)
		want[ids[i]] = uint64(len(texts))
		writeID(t, s, other, uuid.New(), "not the tenant's")
	}

	names, err := ledger.Tenants(ctx)
	require.NoError(t, err)
	require.Subset(t, names, []string{tenant, other})
	require.IsIncreasing(t, names)

	var entries []storage.LedgerEntry
	for after := uint64(0); ; {
		page, err := ledger.Entries(ctx, tenant, after, 10)
		require.NoError(t, err)
		require.LessOrEqual(t, len(page), 10)
		if len(page) == 0 {
			break
		}
		entries = append(entries, page...)
		after = page[len(page)-1].Seq
	}
	require.Len(t, entries, batches)
	for i, entry := range entries {
		require.Equal(t, ids[i], entry.ID, "they were stored one after the other")
		require.Equal(t, want[entry.ID], entry.Rows)
		require.Equal(t, printOf(i), entry.Payload)
	}

	unknown := uuid.New()
	stored, err := ledger.Stored(ctx, append(ids, unknown))
	require.NoError(t, err)
	require.Equal(t, want, stored)

	var got []string
	for record, err := range s.Batches(ctx, everything(tenant), storage.EndOf(entries[4].Seq), entries[17].Seq) {
		require.NoError(t, err)
		require.Equal(t, tenant, record.Stream.Tenant)
		got = append(got, record.Body)
	}
	var expected []string
	for i := 5; i <= 17; i++ {
		for j := range i%4 + 1 {
			expected = append(expected, fmt.Sprintf("%d/%d", i, j))
		}
	}
	require.Equal(t, expected, got)
	var behind []string
	for record, err := range s.Batches(ctx, everything(tenant), storage.ID{Batch: entries[7].Seq, Row: 1}, entries[8].Seq) {
		require.NoError(t, err)
		behind = append(behind, record.Body)
	}
	require.Equal(t, []string{"7/2", "7/3", "8/0"}, behind)

	got, expected = nil, []string{"10/1", "11/1"}
	q := everything(tenant)
	q.Where = storage.Text{Field: storage.FieldRef{Kind: storage.FieldBody}, Op: storage.TextMatch, Value: "^1[01]/1$"}
	for record, err := range s.Batches(ctx, q, storage.EndOf(entries[4].Seq), entries[17].Seq) {
		require.NoError(t, err)
		got = append(got, record.Body)
	}
	require.Equal(t, expected, got)
	for record, err := range s.Batches(ctx, everything(tenant), storage.EndOf(entries[17].Seq), entries[17].Seq) {
		require.Fail(t, "there is nothing between a batch and itself", "%v %v", record, err)
	}
}

// printOf is nothing for every other batch.
func printOf(i int) storage.Fingerprint {
	if i%2 == 0 {
		return storage.Fingerprint{}
	}
	return storage.OfClient(strconv.Itoa(i))
}
