package ledger

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLedgerGivesBackWhatWasWritten(t *testing.T) {
	dir := t.TempDir()
	w, err := Create(dir, Meta{Recording: "rec", Target: "http://localhost:4318"})
	require.NoError(t, err)
	first := Request{ID: 0, First: 0, Records: 500, Copy: 2, Source: 9, Intended: time.Second, Shift: -5}
	second := Request{ID: 1, First: 500, Records: 20}
	a, err := w.Begin(first)
	require.NoError(t, err)
	b, err := w.Begin(second)
	require.NoError(t, err)
	require.NoError(t, w.End(b, Outcome{Class: Refused, Status: 400}))
	require.NoError(t, w.End(a, Outcome{Class: Ambiguous, Sent: 2 * time.Second, Done: 3 * time.Second}))
	a, err = w.Begin(first)
	require.NoError(t, err)
	require.NoError(t, w.End(a, Outcome{Class: Ack, Status: 200, Sent: 4 * time.Second, Done: 6 * time.Second}))
	require.NoError(t, w.Close())

	r, err := Open(dir)
	require.NoError(t, err)
	require.Equal(t, w.Meta().Run, r.Meta().Run)
	require.Equal(t, "rec", r.Meta().Recording)
	accounts, err := r.Accounts()
	require.NoError(t, err)
	require.True(t, r.Closed)
	require.Zero(t, r.Torn)
	require.Equal(t, []Account{
		{Request: first, Attempts: 2, Acks: 1, ambiguous: 1},
		{Request: second, Attempts: 1, Refusals: 1},
	}, accounts)

	var latencies []Latency
	require.NoError(t, r.Walk(Events{End: func(_ uint64, _ uint32, l Latency, o Outcome) {
		if o.Class == Ack {
			latencies = append(latencies, l)
		}
	}}))
	require.Equal(t, []Latency{{FromIntended: 5 * time.Second, FromSent: 2 * time.Second, Lag: 3 * time.Second}}, latencies)
}

func TestTornEndIsCountedAndTheAttemptStaysOpen(t *testing.T) {
	dir := t.TempDir()
	w, err := Create(dir, Meta{})
	require.NoError(t, err)
	a, err := w.Begin(Request{Records: 5})
	require.NoError(t, err)
	require.NoError(t, w.End(a, Outcome{Class: Ack}))
	require.NoError(t, w.Close())
	path := filepath.Join(dir, EntriesFile)
	for size := int64(entrySize); size < 2*entrySize; size++ {
		require.NoError(t, os.Truncate(path, 2*entrySize))
		require.NoError(t, os.Truncate(path, size)) // tears the end entry of the attempt
		r, err := Open(dir)
		require.NoError(t, err)
		accounts, err := r.Accounts()
		require.NoError(t, err)
		require.False(t, r.Closed)
		require.Len(t, accounts, 1)
		if size == entrySize {
			require.Zero(t, r.Torn)
		} else {
			require.Equal(t, 1, r.Torn)
		}
		lo, hi := accounts[0].Copies()
		require.Equal(t, [2]uint32{0, 1}, [2]uint32{lo, hi})
		require.NoError(t, os.Truncate(path, 2*entrySize))
	}
}

func TestDamageBeforeTheEndVoidsTheLedger(t *testing.T) {
	dir := t.TempDir()
	w, err := Create(dir, Meta{})
	require.NoError(t, err)
	for id := range uint64(3) {
		_, err := w.Begin(Request{ID: id, Records: 1})
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	f, err := os.OpenFile(filepath.Join(dir, EntriesFile), os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteAt([]byte{0xff}, entrySize+20)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	r, err := Open(dir)
	require.NoError(t, err)
	_, err = r.Accounts()
	require.ErrorContains(t, err, "damaged at entry 1")
}

func TestAnEarlierRunIsNotOverwritten(t *testing.T) {
	dir := t.TempDir()
	w, err := Create(dir, Meta{})
	require.NoError(t, err)
	require.NoError(t, w.Close())
	_, err = Create(dir, Meta{})
	require.ErrorContains(t, err, "holds the ledger of an earlier run")
}

func TestBadMetaNamesWhatIsWrong(t *testing.T) {
	_, err := Create(t.TempDir(), Meta{Identity: "guess", Delivery: "maybe", Refusals: "rude", Run: "me"})
	for _, want := range []string{"identity", "delivery", "refusals", "run"} {
		require.ErrorContains(t, err, want)
	}
	_, err = Open(t.TempDir())
	require.ErrorContains(t, err, "--ledger")
}

func TestConcurrentSendersShareALedger(t *testing.T) {
	dir := t.TempDir()
	w, err := Create(dir, Meta{})
	require.NoError(t, err)
	var senders sync.WaitGroup
	for sender := range uint64(4) {
		senders.Go(func() {
			for i := range uint64(200) {
				a, err := w.Begin(Request{ID: i*4 + sender, First: (i*4 + sender) * 10, Records: 10})
				assert.NoError(t, err)
				assert.NoError(t, w.End(a, Outcome{Class: Ack}))
			}
		})
	}
	senders.Wait()
	require.NoError(t, w.Close())
	r, err := Open(dir)
	require.NoError(t, err)
	accounts, err := r.Accounts()
	require.NoError(t, err)
	require.Len(t, accounts, 800)
	for i, a := range accounts {
		require.Equal(t, uint64(i), a.Request.ID)
		require.Equal(t, uint16(1), a.Acks)
	}
}

func BenchmarkAttempt(b *testing.B) {
	w, err := Create(b.TempDir(), Meta{})
	require.NoError(b, err)
	defer w.Close()
	b.ReportAllocs()
	for b.Loop() {
		a, err := w.Begin(Request{Records: 500})
		if err == nil {
			err = w.End(a, Outcome{Class: Ack})
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPutUID(b *testing.B) {
	dst := []byte(UID{Run: NewRun(time.Now())}.String())
	for b.Loop() {
		PutUID(dst[runLength:], 3, 123456789)
	}
}
