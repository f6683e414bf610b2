package verify

import (
	"context"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/goleak"

	"github.com/instantdevlogs/devlogs/replay/canon"
	"github.com/instantdevlogs/devlogs/replay/ledger"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const perRequest = 10

// world is a run and what arrived of it.
type world struct {
	t      testing.TB
	dir    string
	meta   ledger.Meta
	sent   []Sent
	stored memory
}

// newWorld makes a run with one request for each list of outcomes; of each, what an honest target would hold is stored.
func newWorld(t testing.TB, meta ledger.Meta, requests ...[]ledger.Outcome) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), stored: memory{traits: Traits{Name: "memory", Exclusive: true, Order: ByArrival}}}
	meta.Started = time.Unix(1_800_000_000, 0)
	l, err := ledger.Create(w.dir, meta)
	require.NoError(t, err)
	w.meta = l.Meta()
	for id, outcomes := range requests {
		r := ledger.Request{ID: uint64(id), First: uint64(id) * perRequest, Records: perRequest}
		w.sent = append(w.sent, Sent{Request: r, Logs: w.logs(r)})
		for _, o := range outcomes {
			a, err := l.Begin(r)
			require.NoError(t, err)
			if o.Class != 0 {
				require.NoError(t, l.End(a, o))
			}
		}
		if n := len(outcomes); n > 0 && outcomes[n-1].Class == ledger.Ack {
			w.stored.add(w.sent[id].Logs)
		}
	}
	require.NoError(t, l.Close())
	return w
}

func (w *world) logs(r ledger.Request) plog.Logs {
	logs := plog.NewLogs()
	rl := logs.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", fmt.Sprintf("service-%d", r.ID%2))
	records := rl.ScopeLogs().AppendEmpty().LogRecords()
	for i := range uint64(r.Records) {
		log := records.AppendEmpty()
		ordinal := r.First + i
		log.SetTimestamp(pcommon.Timestamp(1_800_000_000_000_000_000 + ordinal*1000))
		log.SetSeverityText("INFO")
		log.Body().SetStr(fmt.Sprintf("order %d placed", ordinal))
		log.Attributes().PutInt("http.status", 200)
		log.SetTraceID(pcommon.TraceID{1, byte(ordinal >> 8), byte(ordinal)})
		log.SetSpanID(pcommon.SpanID{1})
		if w.meta.Identity == ledger.ByUID {
			log.Attributes().PutStr(ledger.UIDAttribute, ledger.UID{Run: w.meta.Run, Ordinal: ordinal}.String())
		}
	}
	return logs
}

func (w *world) options() Options {
	r, err := ledger.Open(w.dir)
	require.NoError(w.t, err)
	return Options{Ledger: r, Source: &w.stored, Expected: func(context.Context) iter.Seq2[Sent, error] {
		return func(yield func(Sent, error) bool) {
			for _, s := range w.sent {
				if !yield(s, nil) {
					return
				}
			}
		}
	}}
}

func (w *world) verify(change ...func(*Options)) *Result {
	w.t.Helper()
	o := w.options()
	for _, f := range change {
		f(&o)
	}
	r, err := Run(w.t.Context(), o)
	require.NoError(w.t, err)
	require.True(w.t, r.Balanced(), r.Equation())
	return r
}

// memory is a source.
type memory struct {
	traits  Traits
	records []*canon.Record
	later   func() // called at the end of a scan
	counted func() // called at each count
}

func (m *memory) add(logs plog.Logs) {
	for r := range canon.Records(logs) {
		m.records = append(m.records, r.Clone())
	}
}

func (m *memory) Traits() Traits { return m.traits }
func (m *memory) Count(context.Context, Window) (uint64, error) {
	if m.counted != nil {
		m.counted()
	}
	return uint64(len(m.records)), nil
}
func (m *memory) Scan(context.Context, Window) iter.Seq2[*canon.Record, error] {
	return func(yield func(*canon.Record, error) bool) {
		for _, r := range m.records {
			if !yield(r, nil) {
				return
			}
		}
		if m.later != nil {
			m.later()
		}
	}
}

var (
	ack       = ledger.Outcome{Class: ledger.Ack, Status: 200}
	timeout   = ledger.Outcome{Class: ledger.Ambiguous}
	refused   = ledger.Outcome{Class: ledger.Refused, Status: 400}
	open      = ledger.Outcome{}
	identical = []ledger.Identity{ledger.ByUID, ledger.ByTime, ledger.ByIDs, ledger.ByContent}
)

func outcomes(o ...ledger.Outcome) []ledger.Outcome { return o }
