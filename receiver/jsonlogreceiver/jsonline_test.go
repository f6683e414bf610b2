package jsonlogreceiver

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestJSONLineUnderstandsVictoriaLogsParameters(t *testing.T) {
	line := `{"when":"1760000000123","text":"hello","host":"h","pod":"p","secret_a":1,"secret_b":2,"keep":true}`
	for name, c := range map[string]struct {
		query   string
		headers []string
	}{
		"query": {"?_msg_field=body,text&_time_field=when&_stream_fields=pod,zone&ignore_fields=secret_*&extra_fields=zone=eu,k=v", nil},
		"headers": {"", []string{"VL-Msg-Field", "text", "VL-Time-Field", "when", "VL-Stream-Fields", "pod, zone",
			"VL-Ignore-Fields", "secret_*", "VL-Extra-Fields", "zone=eu,k=v"}},
		"query beats headers": {"?_msg_field=text", []string{"VL-Msg-Field", "secret_a", "VL-Time-Field", "when", "VL-Stream-Fields", "pod,zone",
			"VL-Ignore-Fields", "secret_*", "VL-Extra-Fields", "zone=eu,k=v"}},
		"own names": {"?msg_field=text&time_field=when&stream_fields=pod,zone", []string{"Devlogs-Ignore-Fields", "secret_*",
			"Devlogs-Extra-Fields", "zone=eu,k=v"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, nil)
			answer := r.post(t, "/insert/jsonline"+c.query, line, c.headers...)
			require.JSONEq(t, `{"accepted":1,"rejected":0}`, answer.body)
			rl := r.sink.AllLogs()[0].ResourceLogs().At(0)
			require.Equal(t, map[string]any{"host.name": "h", "pod": "p", "zone": "eu"}, rl.Resource().Attributes().AsRaw())
			record := rl.ScopeLogs().At(0).LogRecords().At(0)
			require.EqualValues(t, 1760000000123000000, record.Timestamp())
			require.Equal(t, "hello", record.Body().Str())
			require.Equal(t, map[string]any{"keep": true, "k": "v"}, record.Attributes().AsRaw())
		})
	}
}

func TestATimeFieldThatTheClientNamesMustHoldATime(t *testing.T) {
	r := start(t, nil)
	answer := r.post(t, "/insert/jsonline?_time_field=when", "{\"when\":\"noon\"}\n{\"msg\":\"no time\"}")
	require.Equal(t, http.StatusOK, answer.status)
	require.JSONEq(t, `{"accepted":1,"rejected":1,"errors":[{"index":0,"line":1,"code":"bad_field","message":
		"field \"when\", set as the time, holds noon, which is no time from 1970 to 2262: use RFC 3339 or unix time"}]}`, answer.body)
}

func TestDebugOfVictoriaLogsStoresNothing(t *testing.T) {
	r := start(t, nil)
	answer := r.post(t, "/insert/jsonline?debug=1", `{"_msg":"hello"}`)
	require.True(t, answer.report(t).DryRun)
	require.Zero(t, r.sink.LogRecordCount())
}

func TestBadOverridesAreRefused(t *testing.T) {
	r := start(t, nil)
	for query, want := range map[string]string{
		"?extra_fields=novalue": "extra_fields is a list of name=value",
		"?dry_run=maybe":        "dry_run is true or false",
		"?a=%zz":                "the query string can't be read",
	} {
		answer := r.post(t, "/v1/json"+query, `{}`)
		require.Equal(t, http.StatusBadRequest, answer.status)
		require.Contains(t, answer.report(t).Error.Message, want)
	}
}
