package canon_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"pgregory.net/rapid"

	"github.com/instantdevlogs/devlogs/replay/canon"
	"github.com/instantdevlogs/devlogs/replay/canon/canontest"
)

func reversed(m pcommon.Map) {
	old := pcommon.NewMap()
	m.MoveTo(old)
	var keys []string
	for key := range old.All() {
		keys = append(keys, key)
	}
	for i := len(keys) - 1; i >= 0; i-- {
		v, _ := old.Get(keys[i])
		v.CopyTo(m.PutEmpty(keys[i]))
	}
}

func TestOrderOfAttributesDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := canontest.Record(t)
		h := canon.NewHasher(nil)
		before, fields := h.Record(r), canon.Fields(r, nil)
		h.Forget()
		reversed(r.Log.Attributes())
		reversed(r.Resource.Attributes())
		require.Equal(t, before, h.Record(r))
		require.Equal(t, fields, canon.Fields(r, nil))
		require.Equal(t, before, canon.NewHasher(nil).Record(r.Clone()))
	})
}

// The hash and the list of fields never disagree about whether two records are equal.
func TestHashDiffersExactlyWhenFieldsDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := canontest.Record(t)
		b := a.Clone()
		if rapid.Bool().Draw(t, "other") {
			b = canontest.Record(t)
		}
		same := len(canon.Compare(canon.Fields(a, nil), canon.Fields(b, nil))) == 0
		require.Equal(t, same, canon.NewHasher(nil).Record(a) == canon.NewHasher(nil).Record(b))
	})
}

func TestATypeChangeIsAChange(t *testing.T) {
	a, b := canon.New(), canon.New()
	a.Log.Attributes().PutInt("http.status", 200)
	a.Log.Attributes().PutStr("gone", "x")
	b.Log.Attributes().PutStr("http.status", "200")
	b.Log.Attributes().PutEmptyMap("new")
	changes := canon.Compare(canon.Fields(a, nil), canon.Fields(b, nil))
	var got [][2]string
	for _, c := range changes {
		got = append(got, [2]string{c.Path, c.Class()})
	}
	require.Equal(t, [][2]string{
		{"attributes.gone", "removed"}, {"attributes.http.status", "int → string"}, {"attributes.new", "added"},
	}, got)
}

func TestADottedKeyIsNotANestedMap(t *testing.T) {
	a, b := canon.New(), canon.New()
	a.Log.Attributes().PutInt("a.b", 1)
	b.Log.Attributes().PutEmptyMap("a").PutInt("b", 1)
	require.NotEqual(t, canon.NewHasher(nil).Record(a), canon.NewHasher(nil).Record(b))
}

func TestTheLastOfTwoEqualKeysCounts(t *testing.T) {
	twice, err := (&plog.JSONUnmarshaler{}).UnmarshalLogs([]byte(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"attributes":[
		{"key":"a","value":{"intValue":"1"}},{"key":"b","value":{"intValue":"2"}},{"key":"a","value":{"intValue":"3"}}]}]}]}]}`))
	require.NoError(t, err)
	once := canon.New()
	once.Log.Attributes().PutInt("a", 3)
	once.Log.Attributes().PutInt("b", 2)
	for r := range canon.Records(twice) {
		require.Equal(t, canon.Fields(once, nil), canon.Fields(r, nil))
		require.Equal(t, canon.NewHasher(nil).Record(once), canon.NewHasher(nil).Record(r))
	}
}

func TestProjectionDropsAndChanges(t *testing.T) {
	a, b := canon.New(), canon.New()
	a.Log.Attributes().PutInt("n", 1)
	a.Log.Attributes().PutStr("noise", "a")
	b.Log.Attributes().PutStr("n", "1")
	b.Log.Attributes().PutStr("noise", "b")
	project := func(l *canon.Leaf) bool {
		l.Kind = canon.String
		return !bytes.Equal(l.Path, []byte("attributes.noise"))
	}
	require.Equal(t, canon.NewHasher(project).Record(a), canon.NewHasher(project).Record(b))
	require.Empty(t, canon.Compare(canon.Fields(a, project), canon.Fields(b, project)))
}

func BenchmarkHash(b *testing.B) {
	logs := plog.NewLogs()
	rl := logs.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "checkout")
	records := rl.ScopeLogs().AppendEmpty().LogRecords()
	for range 500 {
		r := records.AppendEmpty()
		r.SetTimestamp(1_700_000_000_000_000_000)
		r.SetSeverityText("INFO")
		r.Body().SetStr("GET /api/cart/items took 12.5 ms and returned 3 items to the customer")
		r.Attributes().PutStr("http.method", "GET")
		r.Attributes().PutInt("http.status_code", 200)
		r.Attributes().PutStr("log.record.uid", "01K1HZZZZZZZZZZZZZZZZZZZZZ")
		r.SetTraceID(pcommon.TraceID{1})
	}
	h := canon.NewHasher(nil)
	b.ReportAllocs()
	for b.Loop() {
		for r := range canon.Records(logs) {
			h.Record(r)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/500, "ns/record")
}
