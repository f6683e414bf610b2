package jsonlogreceiver

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSplunkEventsKeepTheirMetadata(t *testing.T) {
	for _, path := range []string{"/services/collector", "/services/collector/event", "/services/collector/event/1.0"} {
		t.Run(path, func(t *testing.T) {
			r := start(t, nil)
			answer := r.post(t, path, `{"time":1426279439.123,"host":"web-1","source":"app","sourcetype":"json","index":"main","event":"level=warn text","fields":{"region":"eu","n":2}}`+
				`{"time":"1426279440","event":{"message":"object","severity":"ERROR","user":"ann","host":"inner"},"host":"outer"}{"event":42}`,
				"Authorization", "Splunk 0000")
			require.Equal(t, http.StatusOK, answer.status)
			require.JSONEq(t, `{"text":"Success","code":0}`, answer.body)
			require.Equal(t, []string{"level=warn text", "object", "42"}, r.bodies())

			logs := r.sink.AllLogs()[0].ResourceLogs()
			require.Equal(t, map[string]any{"host.name": "web-1", "com.splunk.source": "app", "com.splunk.sourcetype": "json", "com.splunk.index": "main"},
				logs.At(0).Resource().Attributes().AsRaw())
			first := logs.At(0).ScopeLogs().At(0).LogRecords().At(0)
			require.EqualValues(t, 1426279439123000000, first.Timestamp())
			require.EqualValues(t, 13, first.SeverityNumber())
			require.Equal(t, map[string]any{"region": "eu", "n": int64(2)}, first.Attributes().AsRaw())

			require.Equal(t, map[string]any{"host.name": "outer"}, logs.At(1).Resource().Attributes().AsRaw())
			second := logs.At(1).ScopeLogs().At(0).LogRecords().At(0)
			require.EqualValues(t, 17, second.SeverityNumber())
			require.Equal(t, map[string]any{"user": "ann"}, second.Attributes().AsRaw())
			require.EqualValues(t, 42, logs.At(2).ScopeLogs().At(0).LogRecords().At(0).Body().Int())
		})
	}
}

func TestSplunkRawTakesLines(t *testing.T) {
	r := start(t, nil)
	answer := r.post(t, "/services/collector/raw?host=web-1&sourcetype=access&time=1426279439", "one\r\n\n{\"level\":\"error\"}\nthree")
	require.JSONEq(t, `{"text":"Success","code":0}`, answer.body)
	require.Equal(t, []string{"one", `{"level":"error"}`, "three"}, r.bodies())
	rl := r.sink.AllLogs()[0].ResourceLogs().At(0)
	require.Equal(t, map[string]any{"host.name": "web-1", "com.splunk.sourcetype": "access"}, rl.Resource().Attributes().AsRaw())
	require.EqualValues(t, 1426279439000000000, rl.ScopeLogs().At(0).LogRecords().At(2).Timestamp())
	require.EqualValues(t, 17, rl.ScopeLogs().At(0).LogRecords().At(1).SeverityNumber())
}

func TestSplunkAnswersWithSplunksCodes(t *testing.T) {
	for name, c := range map[string]struct {
		path, body string
		status     int
		want       string
	}{
		"no data": {"event", " ", 400, `"text":"No data","code":5`},
		"invalid event": {"event", `{"event":"a"}{"nope":1}{"event":""}{"event":"b"}`, 400,
			`"text":"Invalid data format","code":6,"invalid-event-number":1,"accepted":2,"rejected":2`},
		"bad time":      {"event", `{"event":"a","time":"noon"}`, 400, `"invalid-event-number":0`},
		"bad parameter": {"raw?time=noon", `a`, 400, `"code":6`},
	} {
		t.Run(name, func(t *testing.T) {
			answer := start(t, nil).post(t, "/services/collector/"+c.path, c.body)
			require.Equal(t, c.status, answer.status)
			require.Contains(t, answer.body, c.want)
		})
	}
	r := start(t, nil)
	require.JSONEq(t, `{"text":"HEC is healthy","code":17}`, r.do(t, http.MethodGet, "/services/collector/health", nil).body)
	require.Contains(t, r.post(t, "/services/collector/ack", `{"acks":[1]}`).body, `"code":14`)
}
