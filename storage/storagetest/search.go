package storagetest

import (
	"context"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"pgregory.net/rapid"

	"github.com/instantdevlogs/devlogs/storage"
)

// fill stores a few drawn batches and returns what is then stored.
func (c *corpus) fill(t *rapid.T, s Store) (tenant string, all []sample) {
	tenant = newTenant()
	for range rapid.IntRange(1, 4).Draw(t, "batches") {
		write(t, s, tenant, c.logs.Draw(t, "logs"))
	}
	return tenant, newSamples(search(t, s, everything(tenant)))
}

// drawQuery draws a query over what fill stored.
func (c *corpus) drawQuery(t *rapid.T, tenant string, all []sample) storage.Query {
	q := storage.Query{Tenant: tenant, End: storage.EndOfTime, Direction: storage.Direction(rapid.IntRange(0, 1).Draw(t, "direction"))}
	if rapid.Bool().Draw(t, "bounded") {
		q.Start = pcommon.Timestamp(start + rapid.Uint64Range(0, 20).Draw(t, "from"))
		q.End = q.Start + pcommon.Timestamp(rapid.Uint64Range(0, 20).Draw(t, "length"))
	}
	if rapid.Bool().Draw(t, "filtered") {
		q.Where = c.where.Draw(t, "where")
		if rapid.Bool().Draw(t, "known streams") {
			ids := []uint64{all[0].Stream.ID, 1, all[len(all)-1].Stream.ID}
			q.Where = storage.And{q.Where, storage.Or{storage.InStreams{IDs: ids}, c.where.Draw(t, "else")}}
		}
	}
	return q
}

// testSearch: any query finds what the oracle finds, in the same order.
func (c *corpus) testSearch(t *testing.T, s Store) {
	rapid.Check(t, func(t *rapid.T) {
		tenant, all := c.fill(t, s)
		for range 10 {
			q := c.drawQuery(t, tenant, all)
			q.Limit = rapid.SampledFrom([]int{0, 1, 5}).Draw(t, "limit")
			if rapid.Bool().Draw(t, "continued") {
				after := all[rapid.IntRange(0, len(all)-1).Draw(t, "after")].Position()
				q.After = &after
			}
			want := selectFrom(all, q)
			got := search(t, s, q)
			require.Len(t, got, len(want), "%+v\nwant %+v\ngot %+v", q, want, got)
			for i := range want {
				require.Equal(t, want[i].Record, got[i], "%+v", q)
			}
		}
	})
}

// testOrder: records come in the order of time, then of storing, whatever the order of their times in a batch.
func testOrder(t *testing.T, s Store) {
	rapid.Check(t, func(t *rapid.T) {
		tenant := newTenant()
		n := 0
		for range rapid.IntRange(1, 5).Draw(t, "batches") {
			logs := lines("api", 0, 0)
			for range rapid.IntRange(1, 30).Draw(t, "records") {
				r := logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().AppendEmpty()
				r.SetTimestamp(pcommon.Timestamp(rapid.OneOf(rapid.Uint64Range(1, 5), rapid.Uint64Min(1)).Draw(t, "time")))
				n++
			}
			write(t, s, tenant, logs)
		}
		q := everything(tenant)
		ascending := positions(search(t, s, q))
		require.Len(t, ascending, n)
		require.True(t, slices.IsSortedFunc(ascending, storage.Position.Compare))
		q.Direction = storage.NewestFirst
		require.Equal(t, reversed(ascending), positions(search(t, s, q)))
	})
}

// testPaging: a cursor goes through records of one and the same time, each exactly once, in both directions.
func testPaging(t *testing.T, s Store) {
	const batches, size, page = 20, 5_000, 1_000
	tenant := newTenant()
	texts := make([]string, size)
	for b := range batches {
		for i := range texts {
			texts[i] = strconv.Itoa(b*size + i)
		}
		write(t, s, tenant, lines("api", arrival, 0, texts...))
	}
	for _, direction := range []storage.Direction{storage.OldestFirst, storage.NewestFirst} {
		q := everything(tenant)
		q.Direction, q.Limit = direction, page
		seen := map[string]bool{}
		for pages := 0; ; pages++ {
			require.LessOrEqual(t, pages, batches*size/page)
			records := search(t, s, q)
			if len(records) == 0 {
				break
			}
			for i := range records {
				assert.False(t, seen[records[i].Body], "%s twice", records[i].Body)
				seen[records[i].Body] = true
			}
			last := records[len(records)-1].Position()
			q.After = &last
		}
		require.Len(t, seen, batches*size)
	}
}

// testMatch: conditions that need care, one by one, and what a store must refuse.
func testMatch(t *testing.T, s Store) {
	tenant := newTenant()
	write(t, s, tenant, lines("api", arrival, 1, words...))
	body := storage.FieldRef{Kind: storage.FieldBody}
	all := newSamples(search(t, s, everything(tenant)))
	for _, value := range words {
		for _, op := range []storage.TextOp{storage.TextEqual, storage.TextContains} {
			for _, fold := range []bool{false, true} {
				q := everything(tenant)
				q.Where = storage.Text{Field: body, Op: op, Value: value, Fold: fold}
				want := []string{}
				for _, found := range selectFrom(all, q) {
					want = append(want, found.Body)
				}
				require.Equal(t, want, bodies(search(t, s, q)), "%+v", q.Where)
			}
		}
	}
	q := everything(tenant)
	q.Where = storage.Text{Field: body, Op: storage.TextMatch, Value: "a(b"}
	_, err := collect(s.Search(context.Background(), q))
	require.ErrorContains(t, err, "a(b", "a bad expression is named")
}
