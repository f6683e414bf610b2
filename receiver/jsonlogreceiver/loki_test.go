package jsonlogreceiver

import (
	"net/http"
	"testing"

	"github.com/klauspost/compress/s2"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
)

// lokiStream builds a logproto.Stream with one entry for each line.
func lokiStream(labels string, seconds int64, nanos int32, metadata map[string]string, lines ...string) []byte {
	stream := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), labels)
	for _, line := range lines {
		when := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(seconds))
		when = protowire.AppendVarint(protowire.AppendTag(when, 2, protowire.VarintType), uint64(nanos))
		entry := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), when)
		entry = protowire.AppendString(protowire.AppendTag(entry, 2, protowire.BytesType), line)
		for name, value := range metadata {
			pair := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), name)
			pair = protowire.AppendString(protowire.AppendTag(pair, 2, protowire.BytesType), value)
			entry = protowire.AppendBytes(protowire.AppendTag(entry, 3, protowire.BytesType), pair)
		}
		stream = protowire.AppendBytes(protowire.AppendTag(stream, 2, protowire.BytesType), entry)
	}
	return protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), stream)
}

const lokiTrace = "0af7651916cd43dd8448eb211c80319c"

func TestLokiPushGivesTheSameRecordAsJSONAndAsProtobuf(t *testing.T) {
	metadata := map[string]string{"trace_id": lokiTrace}
	proto := lokiStream(`{app="shop", level="warn", env="prod \"a\""}`, 1760000000, 123456789, metadata, "first", "second")
	json := `{"streams":[{"values":[["1760000000123456789","first",{"trace_id":"` + lokiTrace + `"}],
		["1760000000123456789","second",{"trace_id":"` + lokiTrace + `"}]],"stream":{"app":"shop","level":"warn","env":"prod \"a\""}}]}`
	for name, c := range map[string]struct {
		body    string
		headers []string
	}{
		"JSON":                     {json, []string{"Content-Type", "application/json"}},
		"JSON with charset":        {json, []string{"Content-Type", "application/json; charset=utf-8"}},
		"protobuf":                 {string(s2.EncodeSnappy(nil, proto)), []string{"Content-Type", "application/x-protobuf"}},
		"protobuf declared snappy": {string(s2.EncodeSnappy(nil, proto)), []string{"Content-Type", "application/x-protobuf", "Content-Encoding", "snappy"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, nil)
			answer := r.post(t, "/loki/api/v1/push", c.body, c.headers...)
			require.Equal(t, http.StatusNoContent, answer.status, answer.body)
			require.Empty(t, answer.body)
			require.Equal(t, []string{"first", "second"}, r.bodies())
			rl := r.sink.AllLogs()[0].ResourceLogs().At(0)
			require.Equal(t, map[string]any{"app": "shop", "env": `prod "a"`, "level": "warn", "service.name": "shop"},
				rl.Resource().Attributes().AsRaw())
			record := rl.ScopeLogs().At(0).LogRecords().At(1)
			require.EqualValues(t, 1760000000123456789, record.Timestamp())
			require.EqualValues(t, 13, record.SeverityNumber())
			require.Equal(t, "warn", record.SeverityText())
			require.Equal(t, lokiTrace, record.TraceID().String())
			require.Empty(t, record.Attributes().AsRaw())
		})
	}
}

func TestLokiPushFindsTheLevelInTheLine(t *testing.T) {
	r := start(t, nil)
	answer := r.post(t, "/loki/api/v1/push", `{"streams":[{"stream":{"job":"a"},"values":[
		["1760000000000000000","ts=2026 level=error msg=\"x\""],
		["1760000000000000000","{\"level\": 40, \"msg\":\"x\"}"],
		["1760000000000000000","sea level=high"],
		["1760000000000000000","plain"]]}]}`)
	require.Equal(t, http.StatusNoContent, answer.status)
	var numbers []int
	for record := range records(r.sink.AllLogs()[0]) {
		numbers = append(numbers, int(record.SeverityNumber()))
	}
	require.Equal(t, []int{17, 13, 0, 0}, numbers)
}

func TestLokiPushNamesTheEntriesItRejects(t *testing.T) {
	r := start(t, nil, func(c *Config) { c.Limits.LineBytes = 100 })
	answer := r.post(t, "/loki/api/v1/push", `{"streams":[{"stream":{"job":"a"},"values":[
		["1760000000000000000","good"],["yesterday","bad"],["1760000000000000000"],
		["1760000000000000000","metadata",{"a":["b"]}]]},{"values":[["1760000000000000000","no labels"]]}]}`)
	require.Equal(t, http.StatusBadRequest, answer.status)
	require.Equal(t, `1 stored, 4 rejected
bad_entry: stream 0, entry 1: the time is nanoseconds since 1970 in decimal, got "yesterday"
bad_entry: stream 0, entry 2: an entry is an array of time, line and, if there is any, metadata: ["1700000000000000000", "text", {}]
bad_entry: stream 0, entry 3: label "a" must be a text, this is an array
bad_entry: stream 1, entry 0: no labels: the stream has no "stream"
`, answer.body)
	require.Equal(t, []string{"good"}, r.bodies())
}

func TestLokiPushRefusesDamagedBodies(t *testing.T) {
	proto := lokiStream(`{a="b"}`, 1760000000, 0, nil, "line")
	for name, c := range map[string]struct{ kind, body, want string }{
		"empty":              {"application/json", "", "the body is empty"},
		"not JSON":           {"application/json", "streams", "byte 0: 's' where '{', the start of the body, should be"},
		"no streams":         {"application/json", `{"logs":[]}`, `the body has no "streams"`},
		"cut JSON":           {"application/json", `{"streams":[{"stream":{"a":"b"},"values":[["1760000000000000000","x"]`, "stream 0"},
		"cut protobuf":       {protobufType, string(s2.EncodeSnappy(nil, proto[:len(proto)-3])), "the protobuf message is damaged"},
		"cut snappy":         {protobufType, string(s2.EncodeSnappy(nil, proto)[:10]), "snappy"},
		"snappy bomb":        {protobufType, "\xff\xff\xff\xff\x0f\x00", "limits.whole_body_bytes"},
		"wrong content type": {"application/xml", "<a/>", `content type "application/xml" is not one of application/json, application/x-protobuf`},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, nil)
			answer := r.post(t, "/loki/api/v1/push", c.body, "Content-Type", c.kind)
			require.GreaterOrEqual(t, answer.status, 400)
			require.Less(t, answer.status, 500)
			require.Contains(t, answer.body, c.want)
			require.Zero(t, r.sink.LogRecordCount())
		})
	}
}
