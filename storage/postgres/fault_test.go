package postgres

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/internal/testservices"
	"github.com/instantdevlogs/devlogs/storage"
)

// batchAt makes a batch of n records, a nanosecond apart.
func batchAt(tenant string, start uint64, n int) storage.Batch {
	logs := plog.NewLogs()
	rl := logs.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "api")
	sl := rl.ScopeLogs().AppendEmpty()
	for i := range n {
		r := sl.LogRecords().AppendEmpty()
		r.SetTimestamp(pcommon.Timestamp(start + uint64(i)))
		r.Body().SetStr(fmt.Sprintf("line %d", i))
	}
	rows := &storage.Rows{}
	storage.Encode(rows, logs, tenant, pcommon.Timestamp(start))
	return storage.Batch{ID: uuid.New(), Rows: rows}
}

func now() uint64 { return uint64(time.Now().UnixNano()) }

func count(t testing.TB, s *Store, tenant string) (n uint64) {
	for p, err := range s.Aggregate(t.Context(), storage.Aggregation{Query: storage.Query{Tenant: tenant, End: storage.EndOfTime}}) {
		require.NoError(t, err)
		n += p.Count
	}
	return n
}

func TestBatchThatTheServersDeathInterruptedIsStoredOnceWhenTriedAgain(t *testing.T) {
	server := testservices.PrivatePostgres(t)
	s := openDatabase(t, server.Database(t).DSN, LayoutPlain)
	b := batchAt("", now(), 10)
	_, err := s.Write(t.Context(), b)
	require.NoError(t, err)
	server.Kill(t)

	later := batchAt("", now(), 10)
	_, err = s.Write(t.Context(), later)
	unavailable, ok := errors.AsType[*storage.UnavailableError](err)
	require.True(t, ok, "%v", err)
	require.False(t, unavailable.Overloaded)
	require.GreaterOrEqual(t, unavailable.RetryAfter, time.Second)
	_, err = s.Stats(t.Context())
	require.ErrorAs(t, err, &unavailable)

	server.Start(t)
	outcome, err := s.Write(t.Context(), later)
	require.NoError(t, err)
	require.Equal(t, storage.Stored, outcome)
	outcome, err = s.Write(t.Context(), b)
	require.NoError(t, err)
	require.Equal(t, storage.Duplicate, outcome)
	require.EqualValues(t, 20, count(t, s, ""))
}

func TestBatchWhoseConnectionBrokeAnywhereIsStoredOnceWhenTriedAgain(t *testing.T) {
	server := testservices.PrivatePostgres(t)
	proxy := testservices.NewFaultProxy(t, server.Network(), server.Address())
	server.Database(t)
	dsn := fmt.Sprintf("host=127.0.0.1 port=%d user=postgres dbname=test sslmode=disable", proxy.Port())
	s := openDatabase(t, dsn, LayoutPlain)
	stored := 0
	for _, flow := range []testservices.Flow{testservices.ToServer, testservices.ToClient} {
		for _, bytes := range []int{1, 100, 400, 700, 1500, 5000, 20_000} {
			b := batchAt("", now(), 200)
			proxy.CutAfter(flow, bytes)
			outcome, err := s.Write(t.Context(), b)
			proxy.Resume()
			if err != nil {
				require.ErrorAs(t, err, new(*storage.UnavailableError), "after %d bytes", bytes)
				outcome, err = s.Write(t.Context(), b)
				require.NoError(t, err)
			}
			_ = outcome // when the cut came after the commit, the second Write finds it there
			stored += 200
			require.EqualValues(t, stored, count(t, s, ""))
		}
	}
}

func TestADatabaseThatIsLostWhileItIsOpenedComesBack(t *testing.T) {
	server := testservices.PrivatePostgres(t)
	proxy := testservices.NewFaultProxy(t, server.Network(), server.Address())
	server.Database(t)
	dsn := configopaque.String(fmt.Sprintf("host=127.0.0.1 port=%d user=postgres dbname=test sslmode=disable", proxy.Port()))
	for _, flow := range []testservices.Flow{testservices.ToServer, testservices.ToClient} {
		for bytes := 1; ; bytes += bytes/2 + 50 {
			proxy.CutAfter(flow, bytes)
			s, err := Open(t.Context(), DefaultConfig(dsn))
			proxy.Resume()
			if err == nil {
				require.NoError(t, s.Close())
				break
			}
			require.ErrorAs(t, err, new(*storage.UnavailableError), "after %d bytes: %v", bytes, err)
		}
	}
}

func TestNeighboursOfARefusedBatchAreStored(t *testing.T) {
	s := openTest(t, LayoutPlain)
	good, bad := batchAt("good", now(), 3), batchAt("bad\xff", now(), 3)
	_, err := s.WriteAll(t.Context(), []storage.Batch{good, bad})
	require.ErrorAs(t, err, new(*ContentError))
	require.Zero(t, count(t, s, "good"))

	outcomes := make(chan error, 20)
	for range 10 {
		go func() { _, err := s.Write(context.Background(), batchAt("bad\xff", now(), 1)); outcomes <- err }()
		go func() { _, err := s.Write(context.Background(), batchAt("good", now(), 1)); outcomes <- err }()
	}
	refused := 0
	for range cap(outcomes) {
		if err := <-outcomes; err != nil {
			require.ErrorAs(t, err, new(*ContentError))
			refused++
		}
	}
	require.Equal(t, 10, refused)
	require.EqualValues(t, 10, count(t, s, "good"))
}

func TestWriteAllTellsOfEachBatchWhetherItIsNew(t *testing.T) {
	s := openTest(t, LayoutPlain)
	a, b := batchAt("", now(), 1), batchAt("", now(), 2)
	outcomes, err := s.WriteAll(t.Context(), []storage.Batch{a})
	require.NoError(t, err)
	require.Equal(t, []storage.Outcome{storage.Stored}, outcomes)
	outcomes, err = s.WriteAll(t.Context(), []storage.Batch{b, a, b})
	require.NoError(t, err)
	require.Equal(t, []storage.Outcome{storage.Stored, storage.Duplicate, storage.Duplicate}, outcomes)
	require.EqualValues(t, 3, count(t, s, ""))
}

// TestTailWaitsForATransactionThatWasNumberedBefore: the lower number commits last, and still comes first.
func TestTailWaitsForATransactionThatWasNumberedBefore(t *testing.T) {
	s := openTest(t, LayoutPlain)
	slow, err := s.writers.Acquire(t.Context())
	require.NoError(t, err)
	defer slow.Release()
	first := batchAt("", now(), 1)
	near, err := s.nearTimes(t.Context(), []storage.Batch{first})
	require.NoError(t, err)
	require.NoError(t, s.putNews(t.Context(), []storage.Batch{first}))
	_, fresh, err := s.begin(t.Context(), slow.Conn(), []storage.Batch{first}, []*copying{newCopying(first.Rows, near)})
	require.NoError(t, err)
	require.NoError(t, s.copyRows(t.Context(), slow.Conn(), fresh, near))

	_, err = s.Write(t.Context(), batchAt("", now(), 1)) // a higher number, committed
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	for r, err := range s.Tail(ctx, storage.Query{End: storage.EndOfTime}, 0) {
		require.ErrorIs(t, err, context.DeadlineExceeded, "got %s", r.ID)
	}
	_, err = slow.Exec(t.Context(), "COMMIT", pgx.QueryExecModeExec)
	require.NoError(t, err)
	var got []uint64
	for r, err := range s.Tail(t.Context(), storage.Query{End: storage.EndOfTime}, 0) {
		require.NoError(t, err)
		if got = append(got, r.Batch); len(got) == 2 {
			break
		}
	}
	require.Equal(t, fresh[0].seq, got[0])
	require.Greater(t, got[1], got[0])
}

func TestWriteRefusesMoreThanMayWait(t *testing.T) {
	config := DefaultConfig(configopaque.String(testservices.Postgres(t).DSN))
	config.MaxPending = 1
	s, err := Open(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	s.pending.mu.Lock()
	s.pending.size = 1 << 20 // as if so much were being stored
	s.pending.mu.Unlock()
	_, err = s.Write(t.Context(), batchAt("", now(), 1))
	unavailable, ok := errors.AsType[*storage.UnavailableError](err)
	require.True(t, ok)
	require.True(t, unavailable.Overloaded)
	require.Contains(t, err.Error(), "max_pending_mib")
}
