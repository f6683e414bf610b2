package storagetest

import (
	"math"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"pgregory.net/rapid"
)

// Logs draws OTLP logs with everything that a wire can carry: every type of value, nested; text that is not UTF-8 or holds
// NUL; times of zero and the end of time; NaN and infinities; whole 64-bit numbers; empty bodies; keys like "$map".
func Logs() *rapid.Generator[plog.Logs] {
	return rapid.Custom(func(t *rapid.T) plog.Logs {
		logs := plog.NewLogs()
		for range rapid.IntRange(1, 2).Draw(t, "resources") {
			rl := logs.ResourceLogs().AppendEmpty()
			rl.SetSchemaUrl(text.Draw(t, "schema"))
			rl.Resource().SetDroppedAttributesCount(rapid.Uint32().Draw(t, "dropped"))
			drawMap(t, rl.Resource().Attributes(), 2)
			for range rapid.IntRange(1, 2).Draw(t, "scopes") {
				sl := rl.ScopeLogs().AppendEmpty()
				sl.SetSchemaUrl(text.Draw(t, "schema"))
				sl.Scope().SetName(text.Draw(t, "scope"))
				sl.Scope().SetVersion(text.Draw(t, "version"))
				sl.Scope().SetDroppedAttributesCount(rapid.Uint32().Draw(t, "dropped"))
				drawMap(t, sl.Scope().Attributes(), 1)
				for range rapid.IntRange(1, 4).Draw(t, "records") {
					drawRecord(t, sl.LogRecords().AppendEmpty())
				}
			}
		}
		return logs
	})
}

var (
	text = rapid.OneOf(
		rapid.SampledFrom([]string{"", "a", "$", "$map", "$text", "\x00", "a\x00b", "\xff", "a\xc3", "\u2028", "ſK", "\"\\/\b\f\n\r\t", "\x1f\x7f", "{}", "null"}),
		rapid.String(),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 20), func(b []byte) string { return string(b) }),
	)
	moment = rapid.OneOf(
		rapid.SampledFrom([]uint64{0, 1, math.MaxInt64, math.MaxInt64 + 1, math.MaxUint64, uint64(arrival)}),
		rapid.Uint64(),
		rapid.Uint64Range(uint64(arrival)-1000, uint64(arrival)+1000),
	)
	double = rapid.OneOf(
		rapid.SampledFrom([]float64{0, math.Copysign(0, -1), 1, 1e21, 1e-7, 123456789.125, math.MaxFloat64, math.SmallestNonzeroFloat64, math.NaN(), math.Inf(1), math.Inf(-1)}),
		rapid.Float64(),
	)
	integer = rapid.OneOf(rapid.SampledFrom([]int64{0, -1, math.MaxInt64, math.MinInt64, 1<<53 + 1}), rapid.Int64())
)

func drawRecord(t *rapid.T, r plog.LogRecord) {
	r.SetTimestamp(pcommon.Timestamp(moment.Draw(t, "time")))
	r.SetObservedTimestamp(pcommon.Timestamp(moment.Draw(t, "observed")))
	r.SetSeverityNumber(plog.SeverityNumber(rapid.Int32().Draw(t, "severity")))
	r.SetSeverityText(text.Draw(t, "severity text"))
	r.SetEventName(text.Draw(t, "event"))
	r.SetFlags(plog.LogRecordFlags(rapid.Uint32().Draw(t, "flags")))
	r.SetDroppedAttributesCount(rapid.Uint32().Draw(t, "dropped"))
	if rapid.Bool().Draw(t, "traced") {
		var trace pcommon.TraceID
		var span pcommon.SpanID
		copy(trace[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "trace"))
		copy(span[:], rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, "span"))
		r.SetTraceID(trace)
		r.SetSpanID(span)
	}
	drawValue(t, r.Body(), 3)
	drawMap(t, r.Attributes(), 3)
}

func drawMap(t *rapid.T, m pcommon.Map, depth int) {
	for range rapid.IntRange(0, 4).Draw(t, "keys") {
		drawValue(t, m.PutEmpty(text.Draw(t, "key")), depth)
	}
}

func drawValue(t *rapid.T, v pcommon.Value, depth int) {
	kinds := 6
	if depth > 0 {
		kinds = 8
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		v.SetStr(text.Draw(t, "text"))
	case 1:
		v.SetInt(integer.Draw(t, "int"))
	case 2:
		v.SetDouble(double.Draw(t, "double"))
	case 3:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case 4:
		v.SetEmptyBytes().FromRaw(rapid.SliceOfN(rapid.Byte(), 0, 8).Draw(t, "bytes"))
	case 5: // empty
	case 6:
		drawMap(t, v.SetEmptyMap(), depth-1)
	case 7:
		items := v.SetEmptySlice()
		for range rapid.IntRange(0, 3).Draw(t, "items") {
			drawValue(t, items.AppendEmpty(), depth-1)
		}
	}
}
