package storagetest

import (
	"math"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"pgregory.net/rapid"

	"github.com/instantdevlogs/devlogs/storage"
)

// corpus draws records and queries over the same few words and numbers, so that conditions hold for some records and not
// for others.
type corpus struct {
	logs   *rapid.Generator[plog.Logs]
	fields *rapid.Generator[storage.FieldRef]
	where  *rapid.Generator[storage.Expr]
}

var words = []string{
	"", "error", "ERROR timeout", "Straße", "STRASSE", "STRAẞE", "kelvin K", "Kelvin \u212a", "ſharp S", "Σίσυφος ΣΊΣΥΦΟΣ", "a.b", "a\nb", "axb",
	"42", "7.5", "-3", "1e3", "0x10", "1_000", " 1", "true", "null", "%", "_", `a\b`, "é", "e\u0301", "日本語", "{}", "a\x00b",
}

var (
	word    = rapid.SampledFrom(words)
	numbers = []float64{0, 1, 42, 7.5, -3, 1000, 200, 404, 0.25}
	start   = uint64(arrival)

	patterns = rapid.SampledFrom([]string{
		"", "error", "(?i)error", "^err", "out$", "a.b", "(?s)a.b", `a\.b`, "(?i)straße", "(?i)k", "(?i)σ", "[^a]b", `\d+`, `^\d+$`, `\pL+`, `\bb\b`,
		"(?P<x>e)r+or", "(?m)^b$", `\Aa`, `b\z`, `\x00`, "x*", "[[:alpha:]]{6}", `\Q{}\E`, "日.語", "(?i)É", "e(r|x)ror", "(?U)a.*b", "[K-M]", "(?i)[k-m]",
	})
)

func newCorpus(jsonText bool) *corpus {
	columns := []storage.FieldRef{
		{Kind: storage.FieldBody}, {Kind: storage.FieldSeverity}, {Kind: storage.FieldSeverityText}, {Kind: storage.FieldStream},
		{Kind: storage.FieldTraceID}, {Kind: storage.FieldSpanID}, {Kind: storage.FieldEventName}, {Kind: storage.FieldFlags},
		{Kind: storage.FieldObserved},
	}
	paths := [][]string{
		{"http.status_code"}, {"http", "status_code"}, {"word"}, {"num"}, {"list", "0"}, {"map", "0"}, {"map", ""}, {"map", `q"\`}, {""}, {`q"\`},
		{"a/b~c"}, {"bool"}, {"none"}, {"absent"}, {"word", "inner"}, {"*"}, {"日本"},
	}
	if jsonText {
		paths = append(paths, []string{"list"}, []string{"map"}, []string{"http"})
	}
	for _, path := range paths {
		columns = append(columns, storage.FieldRef{Kind: storage.FieldAttribute, Path: path})
	}
	c := &corpus{fields: rapid.SampledFrom(columns)}
	c.logs = rapid.Custom(drawLogs)
	c.where = c.condition(2)
	return c
}

func drawLogs(t *rapid.T) plog.Logs {
	logs := plog.NewLogs()
	for range rapid.IntRange(1, 3).Draw(t, "streams") {
		rl := logs.ResourceLogs().AppendEmpty()
		rl.Resource().Attributes().PutStr("service.name", rapid.SampledFrom([]string{"api", "web", "db"}).Draw(t, "service"))
		sl := rl.ScopeLogs().AppendEmpty()
		for range rapid.IntRange(1, 12).Draw(t, "records") {
			drawSample(t, sl.LogRecords().AppendEmpty())
		}
	}
	return logs
}

func drawSample(t *rapid.T, r plog.LogRecord) {
	r.SetTimestamp(pcommon.Timestamp(start + rapid.Uint64Range(0, 20).Draw(t, "time")))
	r.SetObservedTimestamp(pcommon.Timestamp(rapid.SampledFrom([]uint64{0, 42, math.MaxUint64}).Draw(t, "observed")))
	r.SetSeverityNumber(plog.SeverityNumber(rapid.Int32Range(0, 20).Draw(t, "severity")))
	r.SetSeverityText(rapid.SampledFrom([]string{"", "INFO", "error"}).Draw(t, "severity text"))
	r.SetEventName(rapid.SampledFrom([]string{"", "error"}).Draw(t, "event"))
	r.SetFlags(plog.LogRecordFlags(rapid.Uint32Range(0, 2).Draw(t, "flags")))
	r.SetTraceID(pcommon.TraceID{15: rapid.ByteRange(0, 2).Draw(t, "trace")})
	r.SetSpanID(pcommon.SpanID{0: rapid.ByteRange(0, 2).Draw(t, "span")})
	if rapid.Bool().Draw(t, "body") {
		r.Body().SetStr(word.Draw(t, "word"))
	}
	m := r.Attributes()
	put := func(m pcommon.Map, key string, fill func(pcommon.Value)) {
		if rapid.Bool().Draw(t, key) {
			fill(m.PutEmpty(key))
		}
	}
	scalar := func(v pcommon.Value) { drawScalar(t, v) }
	for _, key := range []string{"http.status_code", "word", "num", "", `q"\`, "a/b~c", "bool", "*", "日本", "$hidden"} {
		put(m, key, scalar)
	}
	put(m, "http", func(v pcommon.Value) { scalar(v.SetEmptyMap().PutEmpty("status_code")) })
	put(m, "none", func(pcommon.Value) {})
	if rapid.IntRange(0, 9).Draw(t, "crowd") == 0 { // more words than storage.Rows.Words keeps
		for c := 'a'; c <= 'p'; c++ {
			m.PutStr("crowd."+string(c), "one of many words")
		}
	}
	put(m, "list", func(v pcommon.Value) { scalar(v.SetEmptySlice().AppendEmpty()) })
	put(m, "map", func(v pcommon.Value) {
		inner := v.SetEmptyMap()
		for _, key := range []string{"0", "", `q"\`} {
			put(inner, key, scalar)
		}
	})
}

func drawScalar(t *rapid.T, v pcommon.Value) {
	switch rapid.IntRange(0, 3).Draw(t, "scalar") {
	case 0:
		v.SetStr(word.Draw(t, "word"))
	case 1:
		v.SetInt(int64(rapid.SampledFrom(numbers).Draw(t, "int")))
	case 2:
		v.SetDouble(rapid.SampledFrom(numbers).Draw(t, "double"))
	case 3:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	}
}

// condition draws an expression that nests so deep.
func (c *corpus) condition(depth int) *rapid.Generator[storage.Expr] {
	return rapid.Custom(func(t *rapid.T) storage.Expr {
		kinds := 4
		if depth > 0 {
			kinds = 7
		}
		list := func() []storage.Expr { return rapid.SliceOfN(c.condition(depth-1), 0, 3).Draw(t, "list") }
		switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
		case 0:
			return c.drawText(t)
		case 1:
			return storage.Number{
				Field: c.fields.Draw(t, "field"), Op: storage.NumberOp(rapid.IntRange(0, 4).Draw(t, "op")),
				Value: rapid.SampledFrom(append(numbers, math.NaN(), math.Inf(1))).Draw(t, "value"),
			}
		case 2:
			return storage.Has{Field: c.fields.Draw(t, "field")}
		case 3:
			return storage.InStreams{IDs: rapid.SliceOfN(rapid.Uint64(), 0, 70).Draw(t, "streams")}
		case 4:
			return storage.And(list())
		case 5:
			return storage.Or(list())
		default:
			return storage.Not{X: c.condition(depth-1).Draw(t, "x")}
		}
	})
}

func (c *corpus) drawText(t *rapid.T) storage.Expr {
	e := storage.Text{Field: c.fields.Draw(t, "field"), Op: storage.TextOp(rapid.IntRange(0, 2).Draw(t, "op"))}
	if e.Op == storage.TextMatch {
		e.Value = patterns.Draw(t, "pattern")
		return e
	}
	e.Fold = rapid.Bool().Draw(t, "fold")
	e.Value = rapid.OneOf(word, rapid.SampledFrom([]string{
		"0", "1", "2", "42.0", "0.25", "ß", "s", "k", "o", "\xff", "18446744073709551615", "00000000000000000000000000000001", "0100000000000000",
		"0000000000000000", "042", "INFO",
	})).Draw(t, "value")
	return e
}
