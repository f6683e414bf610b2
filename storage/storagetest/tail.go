package storagetest

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/instantdevlogs/devlogs/storage"
)

// Tail tests Tail alone, as one of many that share a tail of the store.
func Tail(t *testing.T, s Store) { testTail(t, s) }

// testTail: a tail that runs beside writers, and one that stops and resumes again and again, see each record once, in one
// order.
func testTail(t *testing.T, s Store) {
	tenant, other := newTenant(), newTenant()
	write(t, s, tenant, lines("api", arrival, 1, "before"))
	head, err := s.Head(t.Context())
	require.NoError(t, err)

	const writers, batches, size = 3, 20, 7
	var writing sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			for b := range batches {
				texts := make([]string, size)
				for i := range texts {
					texts[i] = fmt.Sprintf("keep %d-%d-%d", w, b, i)
				}
				write(t, s, tenant, lines("api", arrival, 1, append(texts, "drop")...))
				write(t, s, other, lines("api", arrival, 1, "keep: not the tenant's"))
			}
		})
	}
	q := everything(tenant)
	q.Where = storage.Text{Field: storage.FieldRef{Kind: storage.FieldBody}, Op: storage.TextContains, Value: "keep"}
	const all = writers * batches * size

	var steady []string
	var tailing sync.WaitGroup
	tailing.Go(func() { steady = follow(t, s, q, head, all, all) })
	resumed := follow(t, s, q, head, all, 11)
	tailing.Wait()
	writing.Wait()

	require.Len(t, steady, all)
	seen := map[string]bool{}
	for _, line := range steady {
		require.False(t, seen[line], "%s twice", line)
		seen[line] = true
	}
	require.Equal(t, steady, resumed)
}

// follow tails until it has n lines, and starts again after each batch that completes the next `each` lines.
func follow(t *testing.T, s Store, q storage.Query, from uint64, n, each int) []string {
	var got []string
	for len(got) < n {
		ctx, stop := context.WithCancel(context.Background())
		var batch []string // of the record's batch, which may not be whole yet
		last := storage.ID{Batch: from}
		fresh := 0
		for r, err := range s.Tail(ctx, q, from) {
			if !assert.NoError(t, err) {
				stop()
				return got
			}
			if r.Batch != last.Batch {
				from = last.Batch
				got, fresh, batch = append(got, batch...), fresh+len(batch), nil
			} else if len(batch) > 0 {
				assert.Greater(t, r.Row, last.Row)
			}
			assert.GreaterOrEqual(t, r.Batch, last.Batch)
			last = r.ID
			if fresh >= each {
				break // resumes after `from`: this batch comes again
			}
			batch = append(batch, r.Body)
			if len(got)+len(batch) == n {
				got = append(got, batch...)
				break
			}
		}
		stop()
	}
	return got
}
