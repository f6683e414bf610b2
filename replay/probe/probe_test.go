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
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// slow shows records only after a while.
type slow struct {
	after time.Duration
	mu    sync.Mutex
	first map[string]time.Time
	fails int
}

func (s *slow) Count(context.Context) (uint64, error) { return 7, nil }
func (s *slow) Lookup(_ context.Context, uid string, _ pcommon.Timestamp) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails > 0 {
		s.fails--
		return false, errors.New("down")
	}
	if s.first[uid].IsZero() {
		s.first[uid] = time.Now()
	}
	return time.Since(s.first[uid]) >= s.after, nil
}

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
	const truth = 60 * time.Millisecond
	p := Start(Config{Source: &slow{after: truth, first: map[string]time.Time{}}, PerSec: 1000, Watermark: 5 * time.Millisecond})
	p.Acked(ledger.Request{Records: 1}, body(t))
	q, err := p.Stop(time.Minute)
	require.NoError(t, err)
	require.Equal(t, uint64(1), q.Samples)
	require.LessOrEqual(t, q.Lower.Max, truth.Microseconds()+truth.Microseconds()/100)
	require.GreaterOrEqual(t, q.Upper.Max, truth.Microseconds()*99/100)
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
	p := Start(Config{Source: &slow{after: time.Hour, first: map[string]time.Time{}}, PerSec: 1000, MaxWait: 20 * time.Millisecond})
	p.Acked(ledger.Request{Records: 1}, body(t))
	q, err := p.Stop(time.Minute)
	require.NoError(t, err)
	require.Equal(t, [2]uint64{1, 1}, [2]uint64{q.Samples, q.Censored})
	require.InDelta(t, 20_000, q.Upper.Max, 200)
}

func TestASourceThatFailsIsAskedAgain(t *testing.T) {
	p := Start(Config{Source: &slow{fails: 2, first: map[string]time.Time{}}, PerSec: 1000})
	p.Acked(ledger.Request{Records: 1}, body(t))
	q, err := p.Stop(time.Minute)
	require.ErrorContains(t, err, "down")
	require.Equal(t, [2]uint64{1, 0}, [2]uint64{q.Samples, q.Censored})
}

func TestOnlySoManyAreLookedFor(t *testing.T) {
	p := Start(Config{Source: &slow{first: map[string]time.Time{}}, PerSec: 1})
	for range 100 {
		p.Acked(ledger.Request{Records: 3}, body(t))
	}
	q, err := p.Stop(time.Minute)
	require.NoError(t, err)
	require.Equal(t, uint64(1), q.Samples)
}
