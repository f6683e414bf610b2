// Package canontest draws log records that have all that OTLP allows, for property tests.
package canontest

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"pgregory.net/rapid"

	"github.com/instantdevlogs/devlogs/replay/canon"
)

// Record draws one record with its resource and scope.
func Record(t *rapid.T) *canon.Record {
	r := canon.New()
	drawMap(t, r.Resource.Attributes(), 0)
	drawMap(t, r.Scope.Attributes(), 0)
	r.Scope.SetName(rapid.SampledFrom([]string{"", "lib"}).Draw(t, "scope"))
	r.ScopeSchema = rapid.SampledFrom([]string{"", "v1"}).Draw(t, "schema")
	drawMap(t, r.Log.Attributes(), 0)
	drawValue(t, r.Log.Body(), 0)
	r.Log.SetObservedTimestamp(pcommon.Timestamp(rapid.SampledFrom([]uint64{0, 1, 1_700_000_000_123_456_789}).Draw(t, "observed")))
	r.Log.SetSeverityText(rapid.SampledFrom([]string{"", "INFO", "wärn", "\x00", "\xfe"}).Draw(t, "severity text"))
	r.Log.SetEventName(rapid.SampledFrom([]string{"", "start"}).Draw(t, "event"))
	r.Log.SetFlags(plog.LogRecordFlags(rapid.Uint32().Draw(t, "flags")))
	r.Log.SetDroppedAttributesCount(rapid.Uint32Range(0, 2).Draw(t, "dropped"))
	r.Log.SetTraceID(pcommon.TraceID{rapid.Byte().Draw(t, "trace")})
	r.Log.SetSpanID(pcommon.SpanID{rapid.Byte().Draw(t, "span")})
	r.Log.SetTimestamp(pcommon.Timestamp(rapid.Uint64().Draw(t, "time")))
	r.Log.SetSeverityNumber(plog.SeverityNumber(rapid.Int32Range(0, 24).Draw(t, "severity")))
	return r
}

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
