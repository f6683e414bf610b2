package patch_test

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/instantdevlogs/devlogs/replay/ledger"
	"github.com/instantdevlogs/devlogs/replay/patch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func marshal(t require.TestingT, logs plog.Logs) []byte {
	b, err := (&plog.ProtoMarshaler{}).MarshalLogs(logs)
	require.NoError(t, err)
	return b
}

func unmarshal(t require.TestingT, b []byte) plog.Logs {
	logs, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(b)
	require.NoError(t, err)
	return logs
}

// each calls back for every record, in order.
func each(logs plog.Logs, f func(r plog.LogRecord)) {
	for _, rl := range logs.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, r := range sl.LogRecords().All() {
				f(r)
			}
		}
	}
}

func genLogs(t *rapid.T) plog.Logs {
	logs := plog.NewLogs()
	keys := rapid.SampledFrom([]string{"service.name", "host.name", "service.instance.id", "k8s.pod.name", "x", ledger.UIDAttribute})
	attributes := func(m pcommon.Map, label string) {
		for range rapid.IntRange(0, 4).Draw(t, label) {
			key := keys.Draw(t, "key")
			switch rapid.IntRange(0, 3).Draw(t, "type") {
			case 0:
				m.PutInt(key, rapid.Int64().Draw(t, "int"))
			case 1:
				m.PutEmptyMap(key).PutStr(ledger.UIDAttribute, "nested, not ours")
			default:
				m.PutStr(key, rapid.StringN(0, 200, 200).Draw(t, "value"))
			}
		}
	}
	for range rapid.IntRange(0, 3).Draw(t, "resources") {
		rl := logs.ResourceLogs().AppendEmpty()
		attributes(rl.Resource().Attributes(), "resource attributes")
		for range rapid.IntRange(0, 2).Draw(t, "scopes") {
			sl := rl.ScopeLogs().AppendEmpty()
			sl.Scope().SetName(rapid.String().Draw(t, "scope"))
			for range rapid.IntRange(0, 40).Draw(t, "records") {
				r := sl.LogRecords().AppendEmpty()
				r.SetTimestamp(pcommon.Timestamp(rapid.SampledFrom([]uint64{0, 1, 1_700_000_000_123_456_789}).Draw(t, "time")))
				r.SetObservedTimestamp(pcommon.Timestamp(rapid.SampledFrom([]uint64{0, 1_700_000_000_987_654_321}).Draw(t, "observed")))
				if rapid.Bool().Draw(t, "traced") {
					r.SetTraceID([16]byte{1, 0, 9, 15: 3})
					r.SetSpanID([8]byte{7, 7: 1})
				}
				r.Body().SetStr(rapid.StringN(0, 300, 300).Draw(t, "body"))
				attributes(r.Attributes(), "attributes")
			}
		}
	}
	return logs
}

// The definition of patching: decode(patch(b)) == set(decode(b)).
func TestPatchingEqualsDecodingAndSetting(t *testing.T) {
	run := ledger.NewRun(time.Unix(1_800_000_000, 0))
	rapid.Check(t, func(t *rapid.T) {
		logs := genLogs(t)
		p := patch.Patch{
			Clock:    patch.Clock{Base: 1_700_000_000_000_000_000, Speed: rapid.SampledFrom([]float64{0, 1, 2, 0.5, 10}).Draw(t, "speed")},
			Shift:    rapid.SampledFrom([]int64{0, 5, -7, 3_600_000_000_000}).Draw(t, "shift"),
			Copy:     rapid.Uint32Range(0, 40).Draw(t, "copy"),
			Replica:  rapid.IntRange(0, patch.MaxReplicas-1).Draw(t, "replica"),
			Ordinal:  rapid.Uint64Range(0, 2000).Draw(t, "ordinal"),
			Identity: rapid.SampledFrom([]ledger.Identity{ledger.ByUID, ledger.ByContent, ledger.ByTime, ledger.ByIDs}).Draw(t, "identity"),
			Run:      run,
		}
		layout := patch.Layout{Replicas: rapid.SampledFrom([]int{1, 1000}).Draw(t, "replicas")}
		if p.Identity == ledger.ByUID {
			layout.Run = run
		}
		prefix := []byte("kept")
		stamped, err := patch.Stamp(prefix, marshal(t, logs), layout)
		require.NoError(t, err)
		require.Equal(t, "kept", string(stamped[:4]))
		stamped = stamped[4:]
		x, err := patch.NewIndex(stamped, layout)
		require.NoError(t, err)
		x.Apply(stamped, &p)
		set(logs, p, layout)
		require.Equal(t, marshal(t, logs), marshal(t, unmarshal(t, stamped)))
		if p.Identity == ledger.ByUID {
			require.Zero(t, x.Unidentified(ledger.ByUID))
		}
	})
}

// set does with pdata, field by field, what a patch does to bytes.
func set(logs plog.Logs, p patch.Patch, layout patch.Layout) {
	if layout.Replicas > 1 {
		for _, rl := range logs.ResourceLogs().All() {
			suffix := fmt.Sprintf("-r%03d", p.Replica)
			for _, key := range []string{"host.name", "service.instance.id", "k8s.pod.name"} {
				if v, ok := rl.Resource().Attributes().Get(key); ok && v.Type() == pcommon.ValueTypeStr {
					v.SetStr(v.Str() + suffix)
				}
			}
			if _, ok := rl.Resource().Attributes().Get("service.instance.id"); !ok {
				rl.Resource().Attributes().PutStr("service.instance.id", "replica"+suffix)
			}
		}
	}
	ordinal := p.Ordinal
	each(logs, func(r plog.LogRecord) {
		if r.Timestamp() != 0 {
			r.SetTimestamp(pcommon.Timestamp(p.Clock.At(int64(r.Timestamp()), p.Shift)))
		}
		if r.ObservedTimestamp() != 0 {
			r.SetObservedTimestamp(pcommon.Timestamp(p.Clock.At(int64(r.ObservedTimestamp()), p.Shift)))
		}
		switch p.Identity {
		case ledger.ByUID:
			r.Attributes().RemoveIf(func(k string, _ pcommon.Value) bool { return k == ledger.UIDAttribute })
			r.Attributes().PutStr(ledger.UIDAttribute, ledger.UID{Run: p.Run, Copy: p.Copy, Ordinal: ordinal}.String())
		case ledger.ByTime:
			if r.Timestamp() != 0 {
				r.SetTimestamp(pcommon.Timestamp(patch.UniqueTime(int64(r.Timestamp()), p.Copy, ordinal)))
			}
		case ledger.ByIDs:
			if !r.TraceID().IsEmpty() {
				trace, span := patch.IDs(p.Run, p.Copy, ordinal)
				r.SetTraceID(trace)
				r.SetSpanID(span)
			}
		}
		if p.Copy != 0 && p.Identity != ledger.ByIDs && !r.TraceID().IsEmpty() {
			trace, span := patch.CopyIDs(p.Copy, r.TraceID(), r.SpanID())
			r.SetTraceID(trace)
			r.SetSpanID(span)
		}
		ordinal++
	})
}

func TestCopiesKeepIDsJoinedAndApart(t *testing.T) {
	trace, span := pcommon.TraceID{1}, pcommon.SpanID{2}
	seen := map[pcommon.TraceID]bool{trace: true}
	for number := uint32(1); number < 1000; number++ {
		a, s := patch.CopyIDs(number, trace, span)
		b, _ := patch.CopyIDs(number, trace, span)
		require.Equal(t, a, b)
		require.False(t, seen[a], "copy %d has the ids of another", number)
		require.NotEqual(t, span, s)
		seen[a] = true
	}
}

func TestTraceIDsSayWhichRecord(t *testing.T) {
	run := ledger.NewRun(time.Now())
	trace, _ := patch.IDs(run, 7, 1234)
	number, ordinal, ok := patch.ParseTrace(run, trace)
	require.True(t, ok)
	require.EqualValues(t, 7, number)
	require.EqualValues(t, 1234, ordinal)
	_, _, ok = patch.ParseTrace(run, [16]byte{1})
	require.False(t, ok)
}

func TestUniqueTimesDiffer(t *testing.T) {
	seen := map[int64]bool{}
	for number := range uint32(8) {
		for ordinal := range uint64(20_000) {
			at := patch.UniqueTime(1_700_000_000_000_000_000, number, ordinal)
			require.False(t, seen[at])
			seen[at] = true
		}
	}
}

// Bytes from anywhere: no panic, and what a decoder accepts before it accepts after.
func FuzzPatch(f *testing.F) {
	logs := plog.NewLogs()
	r := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	r.SetTimestamp(5)
	r.SetTraceID([16]byte{1})
	r.Attributes().PutStr(ledger.UIDAttribute, "old")
	f.Add(marshal(f, logs))
	run := ledger.NewRun(time.Unix(1_800_000_000, 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		layout := patch.Layout{Run: run, Replicas: 3}
		stamped, err := patch.Stamp(nil, b, layout)
		if err != nil {
			return
		}
		x, err := patch.NewIndex(stamped, layout)
		before, decodeErr := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(b)
		if err != nil {
			require.Error(t, decodeErr, "a walk must accept what a decoder accepts")
			return
		}
		x.Apply(stamped, &patch.Patch{Copy: 1, Replica: 2, Shift: 9, Ordinal: 31, Identity: ledger.ByUID, Run: run})
		after, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(stamped)
		if decodeErr == nil {
			require.NoError(t, err)
			require.Equal(t, before.LogRecordCount(), after.LogRecordCount())
		}
	})
}

func BenchmarkCopyAndPatch(b *testing.B) {
	logs := benchLogs(500)
	run := ledger.NewRun(time.Now())
	layout := patch.Layout{Run: run}
	body, err := patch.Stamp(nil, marshal(b, logs), layout)
	require.NoError(b, err)
	x, err := patch.NewIndex(body, layout)
	require.NoError(b, err)
	buf := make([]byte, len(body))
	b.ReportAllocs()
	for b.Loop() {
		copy(buf, body)
		x.Apply(buf, &patch.Patch{Shift: 12345, Identity: ledger.ByUID, Run: run})
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/500, "ns/record")
	b.ReportMetric(float64(len(body))/500, "B/record")
}

func BenchmarkPrepare(b *testing.B) {
	body := marshal(b, benchLogs(500))
	layout := patch.Layout{Run: ledger.NewRun(time.Now())}
	for b.Loop() {
		stamped, _ := patch.Stamp(nil, body, layout)
		_, _ = patch.NewIndex(stamped, layout)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/500, "ns/record")
}

func benchLogs(n int) plog.Logs {
	logs := plog.NewLogs()
	rl := logs.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "checkout")
	sl := rl.ScopeLogs().AppendEmpty()
	for i := range n {
		r := sl.LogRecords().AppendEmpty()
		r.SetTimestamp(pcommon.Timestamp(1_700_000_000_000_000_000 + i))
		r.SetObservedTimestamp(r.Timestamp())
		r.SetSeverityNumber(9)
		r.SetSeverityText("INFO")
		var id [16]byte
		binary.BigEndian.PutUint64(id[:], uint64(i)+1)
		r.SetTraceID(id)
		r.SetSpanID([8]byte(id[:8]))
		r.Body().SetStr("request finished: GET /api/v1/orders/4711 in 23 ms, upstream payments, cache miss, 3 rows")
		r.Attributes().PutInt("http.status_code", 200)
		r.Attributes().PutDouble("duration_ms", 23.4)
		r.Attributes().PutStr("user_id", "u-123456")
		r.Attributes().PutStr("http.route", "/api/v1/orders/{id}")
	}
	return logs
}
