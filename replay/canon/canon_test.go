package canon

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"pgregory.net/rapid"
)

func drawValue(t *rapid.T, v pcommon.Value, depth int) {
	kinds := 6
	if depth < 3 {
		kinds = 8
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
	case 1:
		v.SetStr(rapid.SampledFrom([]string{"", "a", "1", "true", "x\x00y", "\xff"}).Draw(t, "str"))
	case 2:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case 3:
		v.SetInt(rapid.Int64().Draw(t, "int"))
	case 4:
		v.SetDouble(rapid.Float64().Draw(t, "double"))
	case 5:
		v.SetEmptyBytes().FromRaw(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
	case 6:
		drawMap(t, v.SetEmptyMap(), depth+1)
	case 7:
		s := v.SetEmptySlice()
		for range rapid.IntRange(0, 3).Draw(t, "items") {
			drawValue(t, s.AppendEmpty(), depth+1)
		}
	}
}

func drawMap(t *rapid.T, m pcommon.Map, depth int) {
	for _, key := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "a.b", "c", "", "d"}), 0, 5, rapid.ID).Draw(t, "keys") {
		drawValue(t, m.PutEmpty(key), depth)
	}
}

func drawRecord(t *rapid.T) *Record {
	r := New()
	drawMap(t, r.Resource.Attributes(), 0)
	drawMap(t, r.Scope.Attributes(), 0)
	r.Scope.SetName(rapid.SampledFrom([]string{"", "lib"}).Draw(t, "scope"))
	r.ScopeSchema = rapid.SampledFrom([]string{"", "v1"}).Draw(t, "schema")
	drawMap(t, r.Log.Attributes(), 0)
	drawValue(t, r.Log.Body(), 0)
	r.Log.SetTimestamp(pcommon.Timestamp(rapid.Uint64().Draw(t, "time")))
	r.Log.SetSeverityNumber(plog.SeverityNumber(rapid.Int32Range(0, 24).Draw(t, "severity")))
	return r
}

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
		r := drawRecord(t)
		h := NewHasher(nil)
		before, fields := h.Record(r), Fields(r, nil)
		h.Forget()
		reversed(r.Log.Attributes())
		reversed(r.Resource.Attributes())
		require.Equal(t, before, h.Record(r))
		require.Equal(t, fields, Fields(r, nil))
		require.Equal(t, before, NewHasher(nil).Record(r.Clone()))
	})
}

// The hash and the list of fields never disagree about whether two records are equal.
func TestHashDiffersExactlyWhenFieldsDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawRecord(t)
		b := a.Clone()
		if rapid.Bool().Draw(t, "other") {
			b = drawRecord(t)
		}
		same := len(Compare(Fields(a, nil), Fields(b, nil))) == 0
		require.Equal(t, same, NewHasher(nil).Record(a) == NewHasher(nil).Record(b))
	})
}

func TestATypeChangeIsAChange(t *testing.T) {
	a, b := New(), New()
	a.Log.Attributes().PutInt("http.status", 200)
	a.Log.Attributes().PutStr("gone", "x")
	b.Log.Attributes().PutStr("http.status", "200")
	b.Log.Attributes().PutEmptyMap("new")
	changes := Compare(Fields(a, nil), Fields(b, nil))
	var got [][2]string
	for _, c := range changes {
		got = append(got, [2]string{c.Path, c.Class()})
	}
	require.Equal(t, [][2]string{
		{"attributes.gone", "removed"}, {"attributes.http.status", "int → string"}, {"attributes.new", "added"},
	}, got)
}

func TestADottedKeyIsNotANestedMap(t *testing.T) {
	a, b := New(), New()
	a.Log.Attributes().PutInt("a.b", 1)
	b.Log.Attributes().PutEmptyMap("a").PutInt("b", 1)
	require.NotEqual(t, NewHasher(nil).Record(a), NewHasher(nil).Record(b))
}

func TestProjectionDropsAndChanges(t *testing.T) {
	a, b := New(), New()
	a.Log.Attributes().PutInt("n", 1)
	a.Log.Attributes().PutStr("noise", "a")
	b.Log.Attributes().PutStr("n", "1")
	b.Log.Attributes().PutStr("noise", "b")
	project := func(l *Leaf) bool {
		l.Kind = String
		return !bytes.Equal(l.Path, []byte("attributes.noise"))
	}
	require.Equal(t, NewHasher(project).Record(a), NewHasher(project).Record(b))
	require.Empty(t, Compare(Fields(a, project), Fields(b, project)))
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
	h := NewHasher(nil)
	b.ReportAllocs()
	for b.Loop() {
		for r := range Records(logs) {
			h.Record(r)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/500, "ns/record")
}
