package jsonlogreceiver

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/instantdevlogs/devlogs/receiver/jsonlogreceiver/internal/metadata"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver/receivertest"
)

// testReceiver is a receiver that listens, and what came out of it.
type testReceiver struct {
	url  string
	sink *consumertest.LogsSink
}

// start runs a receiver on a free port until the test ends. next, when not nil, stands in for the sink.
func start(t testing.TB, next consumer.Logs, change ...func(*Config)) *testReceiver {
	t.Helper()
	config := createDefaultConfig().(*Config)
	config.ServerConfig.NetAddr.Endpoint = "localhost:0"
	for _, c := range change {
		c(config)
	}
	require.NoError(t, config.Validate())
	r := &testReceiver{sink: new(consumertest.LogsSink)}
	if next == nil {
		next = r.sink
	}
	started, err := newReceiver(config, receivertest.NewNopSettings(metadata.Type), next)
	require.NoError(t, err)
	require.NoError(t, started.Start(t.Context(), componenttest.NewNopHost()))
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		require.NoError(t, started.Shutdown(context.Background()))
	})
	r.url = "http://" + started.address.String()
	return r
}

// response is an answer with its body read.
type response struct {
	status int
	header http.Header
	body   string
}

// post sends a body. headers are name, value, name, value…
func (r *testReceiver) post(t testing.TB, path, body string, headers ...string) response {
	t.Helper()
	return r.do(t, http.MethodPost, path, strings.NewReader(body), headers...)
}

func (r *testReceiver) do(t testing.TB, method, path string, body io.Reader, headers ...string) response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, r.url+path, body)
	require.NoError(t, err)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return response{resp.StatusCode, resp.Header, string(text)}
}

// report reads the answer of the plain JSON protocol.
func (r response) report(t testing.TB) report {
	t.Helper()
	var parsed report
	require.NoError(t, json.Unmarshal([]byte(r.body), &parsed), r.body)
	return parsed
}

// bodies are the texts of the records that came out, in order.
func (r *testReceiver) bodies() []string {
	var texts []string
	for _, logs := range r.sink.AllLogs() {
		for record := range records(logs) {
			texts = append(texts, record.Body().AsString())
		}
	}
	return texts
}

func records(logs plog.Logs) func(yield func(plog.LogRecord) bool) {
	return func(yield func(plog.LogRecord) bool) {
		for _, rl := range logs.ResourceLogs().All() {
			for _, sl := range rl.ScopeLogs().All() {
				for _, record := range sl.LogRecords().All() {
					if !yield(record) {
						return
					}
				}
			}
		}
	}
}
