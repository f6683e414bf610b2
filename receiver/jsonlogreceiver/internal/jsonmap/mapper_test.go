package jsonmap

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"pgregory.net/rapid"

	"github.com/instantdevlogs/devlogs/receiver/jsonlogreceiver/internal/jsontape"
)

func mapOne(t testing.TB, rules *Rules, body string) (pcommon.Map, plog.LogRecord) {
	t.Helper()
	rl := mapAll(t, rules, []byte(body)).ResourceLogs().At(0)
	return rl.Resource().Attributes(), rl.ScopeLogs().At(0).LogRecords().At(0)
}

func TestTimesAreReadInEveryCommonForm(t *testing.T) {
	for text, want := range map[string]string{
		"2026-11-24T03:43:15Z":           "2026-11-24T03:43:15Z",
		"2026-11-24T03:43:15.937249041Z": "2026-11-24T03:43:15.937249041Z",
		"2026-11-24 03:43:15,937":        "2026-11-24T03:43:15.937Z",
		"2026-11-24t03:43:15z":           "2026-11-24T03:43:15Z",
		"2026-11-24T03:43:15+02:00":      "2026-11-24T01:43:15Z",
		"2026-11-24T03:43:15 -0730":      "2026-11-24T11:13:15Z",
		"2026-11-24T03:43:15.5+02":       "2026-11-24T01:43:15.5Z",
		"2026-11-24T03:43":               "2026-11-24T03:43:00Z",
		"2026-11-24":                     "2026-11-24T00:00:00Z",
		"2024-02-29T00:00:00Z":           "2024-02-29T00:00:00Z",
		"1795491795":                     "2026-11-24T03:43:15Z",
		"1795491795.937249041":           "2026-11-24T03:43:15.937249041Z",
		"1795491795937":                  "2026-11-24T03:43:15.937Z",
		"1795491795937.5":                "2026-11-24T03:43:15.9375Z",
		"1795491795937249":               "2026-11-24T03:43:15.937249Z",
		"1795491795937249041":            "2026-11-24T03:43:15.937249041Z",
		"1.795491795e9":                  "2026-11-24T03:43:15Z",
		"24/Nov/2026:03:43:15 +0000":     "2026-11-24T03:43:15Z",
		"Tue, 24 Nov 2026 03:43:15 GMT":  "2026-11-24T03:43:15Z",
		"Tue Nov 24 03:43:15 2026":       "2026-11-24T03:43:15Z",
		"2026/11/24 03:43:15.937":        "2026-11-24T03:43:15.937Z",
		"2262-04-11T23:47:16.854775807Z": "", // the last second is cut off, whole
		"2262-04-11T23:47:15.999999999Z": "2262-04-11T23:47:15.999999999Z",
		"1970-01-01T00:00:00Z":           "", // 0 is "no time" in OTLP
		"1969-12-31T23:59:59Z":           "",
		"2023-02-29T00:00:00Z":           "",
		"2026-13-01T00:00:00Z":           "",
		"2026-11-24T24:00:00Z":           "",
		"2026-11-24T03:43:15X":           "",
		"noon":                           "", "": "", "0": "", "12.5": "", "99999999": "", "9999999999999999999999": "", "9223372036854775807": "",
		"1e400": "", "-1795491795": "", "NaN": "", "12345678901x": "",
	} {
		got, ok := ParseTime(text)
		require.Equal(t, want != "", ok, text)
		if ok {
			require.Equal(t, want, got.AsTime().Format(time.RFC3339Nano), text)
		}
	}
}

func TestParseTimeAgreesWithTimeParse(t *testing.T) {
	layouts := []string{time.RFC3339Nano, "2006-01-02T15:04:05.000Z07:00", "2006-01-02 15:04:05.999999999-07:00", "2006-01-02T15:04:05.000000-0700"}
	rapid.Check(t, func(t *rapid.T) {
		zone := time.FixedZone("", rapid.IntRange(-12*60, 14*60).Draw(t, "zone")*60)
		when := time.Unix(rapid.Int64Range(86400, maxSeconds-86400).Draw(t, "seconds"), rapid.Int64Range(0, 999999999).Draw(t, "nanos")).In(zone)
		layout := rapid.SampledFrom(layouts).Draw(t, "layout")
		text := when.Format(layout)
		want, err := time.Parse(layout, text)
		require.NoError(t, err)
		got, ok := ParseTime(text)
		require.True(t, ok, text)
		require.Equal(t, want.UnixNano(), int64(got), text)
	})
}

func TestUnixTimesKeepEveryDigit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ns := rapid.Int64Range(1e17, math.MaxInt64-2e9).Draw(t, "ns")
		for _, text := range []string{fmt.Sprint(ns), fmt.Sprintf("%d.%09d", ns/1e9, ns%1e9)} {
			got, ok := ParseTime(text)
			require.True(t, ok, text)
			require.Equal(t, ns, int64(got), text)
		}
	})
}

func TestLevelsAreReadByNameAndNumber(t *testing.T) {
	for level, want := range map[string]struct {
		number plog.SeverityNumber
		text   string
	}{
		`"INFO"`: {9, "INFO"}, `"warning"`: {13, "warning"}, `"Critical"`: {21, "Critical"}, `"crit"`: {18, "crit"}, `"E"`: {17, "E"},
		`"INFO+2"`: {11, "INFO+2"}, `"ERROR+40"`: {24, "ERROR+40"}, `"DEBUG-4"`: {1, "DEBUG-4"}, `"audit"`: {0, "audit"},
		`30`: {9, "info"}, `"30"`: {9, "info"}, `35`: {11, "35"}, `60`: {21, "fatal"}, `3`: {17, "err"}, `0`: {21, "emerg"}, `7`: {5, "debug"},
	} {
		_, record := mapOne(t, Compile(Fields{}), `{"msg":"x","level":`+level+`}`)
		require.Equal(t, want.number, record.SeverityNumber(), level)
		require.Equal(t, want.text, record.SeverityText(), level)
		require.Zero(t, record.Attributes().Len(), level)
	}
}

func TestWhatCannotBeReadStaysAnAttribute(t *testing.T) {
	_, record := mapOne(t, Compile(Fields{}), `{"msg":"x","time":0.123,"ts":1795491795,"level":{"a":1},"severity":"warn","trace_id":"none","span_id":"0000000000000000","service":{"x":1},"event":{"id":1}}`)
	require.EqualValues(t, 1795491795e9, record.Timestamp())
	require.EqualValues(t, 13, record.SeverityNumber())
	require.Equal(t, map[string]any{
		"time": 0.123, "level": map[string]any{"a": int64(1)}, "trace_id": "none", "span_id": "0000000000000000",
		"service": map[string]any{"x": int64(1)}, "event": map[string]any{"id": int64(1)},
	}, record.Attributes().AsRaw())
}

func TestTraceContextIsReadInEveryCommonForm(t *testing.T) {
	const trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	for body, want := range map[string][2]string{
		`{"trace_id":"0AF7651916CD43DD8448EB211C80319C","span_id":"b7ad6b7169203331"}`:   {trace, span},
		`{"traceId":"0af76519-16cd-43dd-8448-eb211c80319c","spanId":"b7ad6b7169203331"}`: {trace, span},
		`{"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}`:      {trace, span},
		`{"dd.trace_id":"13235353014750950193","dd.span_id":"13235353014750950193"}`:     {"0000000000000000b7ad6b7169203331", span},
		`{"dd":{"trace_id":"13235353014750950193","span_id":"13235353014750950193"}}`:    {"0000000000000000b7ad6b7169203331", span},
		`{"traceID":"b7ad6b7169203331"}`:                                                 {"0000000000000000b7ad6b7169203331", ""},
	} {
		_, record := mapOne(t, Compile(Fields{}), body)
		require.Equal(t, want[0], record.TraceID().String(), body)
		require.Equal(t, want[1], record.SpanID().String(), body)
		require.Zero(t, record.Attributes().Len(), body)
	}
}

func TestNumbersKeepTheirTypeAndTheirDigits(t *testing.T) {
	_, record := mapOne(t, Compile(Fields{}), `{"msg":"x","a":9223372036854775807,"b":-9223372036854775808,"c":9223372036854775808,"d":2.0,"e":1e2,"f":1e999,"g":-Infinity}`)
	require.Equal(t, map[string]any{
		"a": int64(math.MaxInt64), "b": int64(math.MinInt64), "c": "9223372036854775808", "d": 2.0, "e": 100.0, "f": "1e999", "g": math.Inf(-1),
	}, record.Attributes().AsRaw())
}

func TestAFieldThatIsThereTwiceKeepsItsLastValueAndIsCounted(t *testing.T) {
	_, record := mapOne(t, Compile(Fields{}), `{"a":1,"msg":"first","a":{"b":2},"msg":"second","a":"three"}`)
	require.Equal(t, "second", record.Body().Str())
	require.Equal(t, map[string]any{"a": "three", "msg": "first"}, record.Attributes().AsRaw())
	require.EqualValues(t, 2, record.DroppedAttributesCount())
}

func TestARecordWithoutAMessageShowsItsText(t *testing.T) {
	body := `{"status":200,"path":"/"}`
	_, record := mapOne(t, Compile(Fields{}), body)
	require.Equal(t, body, record.Body().Str())
	require.EqualValues(t, 0, record.Timestamp())
	require.EqualValues(t, testArrival, record.ObservedTimestamp())
}

func TestSettingsChangeTheMapping(t *testing.T) {
	rules := Compile(Fields{
		Message: []string{"inner.text"}, Resource: []string{"region", "x_*"}, Keep: []string{"host"}, Ignore: []string{"secret*"},
		Extra: map[string]string{"env": "prod", "k8s.cluster.name": "c1"},
	})
	resource, record := mapOne(t, rules, `{"msg":"kept","inner":{"text":"hello","n":1},"region":"eu","x_a":1,"x_b":[1],"host":"h","secret_key":"s","env":"dev"}`)
	require.Equal(t, map[string]any{"region": "eu", "x_a": int64(1), "k8s.cluster.name": "c1"}, resource.AsRaw())
	require.Equal(t, "hello", record.Body().Str())
	require.Equal(t, map[string]any{"msg": "kept", "inner": map[string]any{"n": int64(1)}, "x_b": []any{int64(1)}, "host": "h", "env": "prod"},
		record.Attributes().AsRaw())
}

func TestRecordsAreGroupedByResourceAndKeepTheirOrder(t *testing.T) {
	logs := mapAll(t, Compile(Fields{}), []byte(`{"msg":"1","service":"a"}{"msg":"2","service":"b"}{"msg":"3","service":"a"}{"service":"a","host":"h","msg":"4"}{"host":"h","msg":"5","service":"a"}`))
	var groups [][]string
	for _, rl := range logs.ResourceLogs().All() {
		var bodies []string
		for _, record := range rl.ScopeLogs().At(0).LogRecords().All() {
			bodies = append(bodies, record.Body().Str())
		}
		groups = append(groups, bodies)
	}
	require.Equal(t, [][]string{{"1", "3"}, {"2"}, {"4", "5"}}, groups)
}

func TestAMapperForgetsTheRecordBefore(t *testing.T) {
	var r jsontape.Tape
	var m Mapper
	var batch Batch
	m.Use(Compile(Fields{}))
	for _, body := range []string{`{"msg":"a","service":"s","trace_id":"0af7651916cd43dd8448eb211c80319c","level":"warn","x":1}`, `{"y":2}`} {
		_, fault := r.Parse([]byte(body), 0, true, testLimits)
		require.Nil(t, fault)
		require.NoError(t, m.Prepare(&r, 0))
		batch.Add(&m, testArrival)
	}
	rl := batch.Take().ResourceLogs().At(1)
	require.Zero(t, rl.Resource().Attributes().Len())
	record := rl.ScopeLogs().At(0).LogRecords().At(0)
	require.True(t, record.TraceID().IsEmpty())
	require.Zero(t, record.SeverityNumber())
	require.Equal(t, map[string]any{"y": int64(2)}, record.Attributes().AsRaw())
}

func TestALevelInTheMessageCountsWhereNoFieldSaysOne(t *testing.T) {
	for object, want := range map[string]struct {
		number plog.SeverityNumber
		text   string
	}{
		`{"msg":"ERROR: no space left"}`:                           {17, "ERROR"},
		`{"message":"[warn] slow"}`:                                {13, "warn"},
		`{"log":"2026-11-24 10:00:00 DEBUG x\n","stream":"a"}`:     {5, "DEBUG"},
		`{"log":"{\"level\":\"fatal\",\"msg\":\"x\"}\n"}`:          {21, "fatal"},
		`{"msg":"ERROR: x","level":"info"}`:                        {9, "info"},
		`{"msg":"ERROR: x","level":"of its own"}`:                  {0, "of its own"},
		`{"msg":"ERROR: x","level":""}`:                            {17, "ERROR"},
		`{"@t":"2026-11-24T10:00:00Z","@m":"ERROR: x"}`:            {9, ""},
		`{"msg":{"text":"ERROR: x"}}`:                              {0, ""},
		`{"other":"ERROR: x","a":{"level":"error"}}`:               {0, ""},
		`{"msg":"we set the level=error threshold","n":"ERROR x"}`: {0, ""},
	} {
		_, record := mapOne(t, Compile(Fields{}), object)
		require.Equal(t, want.number, record.SeverityNumber(), object)
		require.Equal(t, want.text, record.SeverityText(), object)
	}
}
