package queryapi

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.uber.org/zap"

	"github.com/instantdevlogs/devlogs/storage/duckdb"
)

// FuzzLokiRequest sends any path, parameters and posted form to Loki's API over a real store. Whatever it is, the answer is
// a good one, which is JSON where it says so, or tells in words what is wrong with the request: never a failure of the server.
func FuzzLokiRequest(f *testing.F) {
	for _, ask := range lokiAsks() {
		f.Add(ask.path, ask.query.Encode(), "", len(ask.header) > 0)
		f.Add(ask.path, "", ask.query.Encode(), false)
	}
	f.Add("/loki/api/v1/loki/api/v1/labels", "start=1e999&end=-1", "limit=9223372036854775808", false)
	f.Add("/loki/api/v1/query_range", "query=%7B%7D&start=0&end=9223372036854775807&step=1e-9", "", true)
	f.Add("/loki/api/v1/index/volume_range", "query=%7B%7D&start=1767366244&end=1767366246&step=0.0000001", "targetLabels=,%00,'", false)
	f.Add("/loki/api/v1/label/%27%3B--/values", `query={a=~"'; drop table logs;--"}`, "", false)
	f.Add("/loki/api/v1/tail", "query=%7B%7D&delay_for=5", "", false)
	store, err := duckdb.Open(f.Context(), duckdb.DefaultConfig(f.TempDir()))
	require.NoError(f, err)
	f.Cleanup(func() { require.NoError(f, store.Close()) })
	(&testAPI{t: f, store: store}).write("", filterLogs())
	(&testAPI{t: f, store: store}).write("", everyKind())
	books, err := newTelemetry(componenttest.NewNopTelemetrySettings())
	require.NoError(f, err)
	server := newServer(store, testConfig(f.TempDir()), books, zap.NewNop())
	handler := server.routes()

	f.Fuzz(func(t *testing.T, path, query, form string, apart bool) {
		request := httptest.NewRequest(http.MethodGet, "/", strings.NewReader(form))
		if form != "" {
			request.Method = http.MethodPost
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		if apart {
			request.Header.Set(categorized[0], categorized[1])
		}
		request.URL.Path, request.URL.RawQuery = "/loki/"+strings.TrimPrefix(path, "/loki/"), query
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		if answer.Code/100 == 3 {
			return // the mux cleans the path by redirecting
		}
		require.Contains(t, []int{200, 400, 404, 426}, answer.Code, answer.Body)
		kind := answer.Header().Get("Content-Type")
		switch {
		case answer.Code != http.StatusOK:
			require.Contains(t, kind, "text/plain")
			require.NotEmpty(t, strings.TrimSpace(answer.Body.String()))
		case kind == "application/json":
			require.True(t, json.Valid(answer.Body.Bytes()), answer.Body)
		}
	})
}
