package probe

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/goleak"

	"github.com/instantdevlogs/devlogs/replay/ledger"
	"github.com/instantdevlogs/devlogs/replay/verify"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// store shows its record when visible says so.
type store struct {
	visible func() bool

	mu        sync.Mutex
	counts    int
	miss, hit time.Time // when it said so last
	fails     int
}

func (s *store) Count(context.Context, verify.Window) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts++
	return 7, nil
}

func (s *store) Lookup(context.Context, string, pcommon.Timestamp) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails > 0 {
		s.fails--
		return false, errors.New("down")
	}
	if s.visible() {
		s.hit = time.Now()
		return true, nil
	}
	s.miss = time.Now()
	return false, nil
}

func always() bool { return true }
func never() bool  { return false }

func body(t *testing.T) []byte {
	logs := plog.NewLogs()
	log := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	log.SetTimestamp(1)
	log.Attributes().PutStr(ledger.UIDAttribute, "u")
	b, err := (&plog.ProtoMarshaler{}).MarshalLogs(logs)
	require.NoError(t, err)
	return b
}

func TestBothBoundsHoldTheTruth(t *testing.T) {
	source, wanted, misses := &store{}, 0, 0
	source.visible = func() bool {
		if wanted == 0 {
			wanted = source.counts + 2 // so that the watermark has seen the acknowledgement
		}
		misses++
		return misses > 5 && source.counts >= wanted
	}
	p := Start(Config{Source: source, PerSec: 1000, Watermark: time.Millisecond})
	before := time.Now()
	p.Acked(ledger.Request{Records: 1}, body(t))
	after := time.Now()
	q, err := p.Stop(time.Minute)
	require.NoError(t, err)
	require.Equal(t, uint64(1), q.Samples)
	near := func(d time.Duration) float64 { return float64(d.Microseconds()) } // the histogram has three digits
	require.LessOrEqual(t, float64(q.Lower.Max), 1.01*near(source.miss.Sub(before)))
	require.GreaterOrEqual(t, float64(q.Upper.Max), 0.99*near(source.hit.Sub(after)))
	require.Less(t, q.Lower.Max, q.Upper.Max)
	require.NotEmpty(t, q.Watermark)
	require.Equal(t, uint64(1), q.Watermark[len(q.Watermark)-1].Acked)

	dir := t.TempDir()
	none, err := Load(dir)
	require.NoError(t, err)
	require.Nil(t, none)
	require.NoError(t, Save(dir, q))
	back, err := Load(dir)
	require.NoError(t, err)
	require.Equal(t, q, back)
}

func TestARecordThatNeverComesIsCensoredNotLeftOut(t *testing.T) {
	p := Start(Config{Source: &store{visible: never}, PerSec: 1000, MaxWait: 20 * time.Millisecond})
	p.Acked(ledger.Request{Records: 1}, body(t))
	q, err := p.Stop(time.Minute)
	require.NoError(t, err)
	require.Equal(t, [2]uint64{1, 1}, [2]uint64{q.Samples, q.Censored})
	require.InDelta(t, 20_000, q.Upper.Max, 200)
}

func TestASourceThatFailsIsAskedAgain(t *testing.T) {
	p := Start(Config{Source: &store{visible: always, fails: 2}, PerSec: 1000})
	p.Acked(ledger.Request{Records: 1}, body(t))
	q, err := p.Stop(time.Minute)
	require.ErrorContains(t, err, "down")
	require.Equal(t, [2]uint64{1, 0}, [2]uint64{q.Samples, q.Censored})
}

func TestOnlySoManyAreLookedFor(t *testing.T) {
	begin := time.Now()
	p := Start(Config{Source: &store{visible: always}, PerSec: 1})
	for range 100 {
		p.Acked(ledger.Request{Records: 3}, body(t))
	}
	most := 1 + uint64(time.Since(begin).Seconds())
	q, err := p.Stop(time.Minute)
	require.NoError(t, err)
	require.Positive(t, q.Samples)
	require.LessOrEqual(t, q.Samples, most)
}
