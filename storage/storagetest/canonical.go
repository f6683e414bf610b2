package storagetest

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// Canonical writes each record of logs, with its resource and scope, as one text. Two are the same record exactly when the
// texts are equal: types are told apart, doubles compare by their bits, and the order of a map's keys does not count.
func Canonical(logs plog.Logs) []string {
	var all []string
	for _, rl := range logs.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, r := range sl.LogRecords().All() {
				all = append(all, fmt.Sprintf(
					"resource %s %d %q\nscope %q %q %s %d %q\ntime %d %d severity %d %q event %q trace %x %x flags %d dropped %d\nbody %s\nattributes %s",
					canonicalMap(rl.Resource().Attributes()), rl.Resource().DroppedAttributesCount(), rl.SchemaUrl(),
					sl.Scope().Name(), sl.Scope().Version(), canonicalMap(sl.Scope().Attributes()), sl.Scope().DroppedAttributesCount(), sl.SchemaUrl(),
					r.Timestamp(), r.ObservedTimestamp(), r.SeverityNumber(), r.SeverityText(), r.EventName(), r.TraceID(), r.SpanID(),
					r.Flags(), r.DroppedAttributesCount(), canonicalValue(r.Body()), canonicalMap(r.Attributes())))
			}
		}
	}
	return all
}

func canonicalMap(m pcommon.Map) string {
	values := map[string]string{}
	for key, value := range m.All() {
		values[key] = canonicalValue(value)
	}
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(values)) {
		fmt.Fprintf(&b, "%q=%s ", key, values[key])
	}
	return "{" + b.String() + "}"
}

func canonicalValue(v pcommon.Value) string {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		return fmt.Sprintf("%q", v.Str())
	case pcommon.ValueTypeDouble:
		if math.IsNaN(v.Double()) {
			return "NaN"
		}
		return fmt.Sprintf("double %x", math.Float64bits(v.Double()))
	case pcommon.ValueTypeBytes:
		return fmt.Sprintf("bytes %x", v.Bytes().AsRaw())
	case pcommon.ValueTypeMap:
		return canonicalMap(v.Map())
	case pcommon.ValueTypeSlice:
		var b strings.Builder
		for _, item := range v.Slice().All() {
			b.WriteString(canonicalValue(item) + " ")
		}
		return "[" + b.String() + "]"
	default:
		return v.Type().String() + " " + v.AsString()
	}
}
