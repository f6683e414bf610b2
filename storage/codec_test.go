package storage_test

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"pgregory.net/rapid"

	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/storagetest"
)

func TestTypedJSONGivesEveryBodyAndAttributeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for _, rl := range storagetest.Logs().Draw(t, "logs").ResourceLogs().All() {
			for _, sl := range rl.ScopeLogs().All() {
				for _, r := range sl.LogRecords().All() {
					requireRoundTrip(t, r.Body())
					attributes := pcommon.NewValueMap()
					r.Attributes().CopyTo(attributes.Map())
					requireRoundTrip(t, attributes)
				}
			}
		}
	})
}

func requireRoundTrip(t require.TestingT, v pcommon.Value) {
	typed := string(storage.AppendValue(nil, v))
	decoded := pcommon.NewValueEmpty()
	require.NoError(t, storage.DecodeValue(typed, decoded))
	require.Equal(t, storagetest.Canonical(asBody(v)), storagetest.Canonical(asBody(decoded)), typed)
}

func asBody(v pcommon.Value) plog.Logs {
	logs := plog.NewLogs()
	v.CopyTo(logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Body())
	return logs
}

func TestTypedJSONIsPlainWhereJSONHasTheValue(t *testing.T) {
	for want, value := range map[string]any{
		`{"a":1}`: map[string]any{"a": int64(1)}, `2.0`: 2.0, `1e21`: 1e21, `1e-7`: 1e-7, `1.5e-300`: 1.5e-300, `-0.0`: math.Copysign(0, -1),
		`{"$double":"NaN"}`: math.NaN(), `{"$bytes":"AQ=="}`: []byte{1}, `{"$text":"/w=="}`: "\xff", `"\u0000\b\f\u001F"`: "\x00\b\f\x1f",
		`{"$map":[["$x",1]]}`: map[string]any{"$x": int64(1)}, `null`: nil, `[true,"é"]`: []any{true, "é"},
	} {
		v := pcommon.NewValueEmpty()
		require.NoError(t, v.FromRaw(value))
		require.Equal(t, want, string(storage.AppendValue(nil, v)))
		requireRoundTrip(t, v)
	}
}

func TestAKeyThatIsThereTwiceKeepsItsLastValue(t *testing.T) {
	for _, size := range []int{0, 40} { // both ways of looking for repetitions
		logs := plog.NewLogs()
		m := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Attributes()
		m.PutInt("aa", 1)
		m.PutInt("bb", 2)
		for i := range size {
			m.PutInt(strings.Repeat("x", i+3), 0)
		}
		wire, err := (&plog.ProtoMarshaler{}).MarshalLogs(logs)
		require.NoError(t, err)
		logs, err = (&plog.ProtoUnmarshaler{}).UnmarshalLogs([]byte(strings.Replace(string(wire), "bb", "aa", 1)))
		require.NoError(t, err)

		rows := &storage.Rows{}
		storage.Encode(rows, logs, "", 1)
		require.Equal(t, 1, strings.Count(string(rows.Attributes.At(0)), `"aa"`))
		require.Contains(t, string(rows.Attributes.At(0)), `"aa":2`)
	}
}

func TestContentIDFollowsTheContent(t *testing.T) {
	id := func(change func(plog.LogRecord)) string {
		logs := storagetest.Corpus(0, 10)
		change(logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0))
		rows := &storage.Rows{}
		storage.Encode(rows, logs, "", 1)
		return rows.ContentID().String()
	}
	same := id(func(plog.LogRecord) {})
	require.Equal(t, same, id(func(plog.LogRecord) {}))
	require.NotEqual(t, same, id(func(r plog.LogRecord) { r.SetFlags(1) }))
	require.NotEqual(t, same, id(func(r plog.LogRecord) { r.Attributes().PutStr("new", "") }))
	timeless := func(r plog.LogRecord) { r.SetTimestamp(0); r.SetObservedTimestamp(0) }
	first, second := id(timeless), id(timeless)
	require.NotEqual(t, first, second, "two records without a time may be alike and still be two")
	seen := func(r plog.LogRecord) { r.SetTimestamp(0); r.SetObservedTimestamp(7) }
	first, second = id(seen), id(seen)
	require.Equal(t, first, second)
	require.NotEqual(t, id(seen), id(func(r plog.LogRecord) { r.SetTimestamp(0); r.SetObservedTimestamp(8) }))
	require.NotEqual(t, storage.KeyID("a", "bc"), storage.KeyID("ab", "c"))
}

// FuzzDecodeValue: whatever is in a file, decoding ends with a value or an error; what it gives can be written and read again.
func FuzzDecodeValue(f *testing.F) {
	for _, seed := range []string{`{"a":[1,2.5,null,true,"x"]}`, `{"$map":[["$a",1]]}`, `{"$text":"/w=="}`, `{"a":1,"$bytes":"AQ=="}`, `{"$otlp":"AA=="}`, `[`, `{"$double":"x"}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		v := pcommon.NewValueEmpty()
		if storage.DecodeValue(typed, v) == nil {
			requireRoundTrip(t, v)
		}
	})
}
