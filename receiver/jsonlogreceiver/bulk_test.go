package jsonlogreceiver

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

type bulkAnswer struct {
	Errors bool
	Items  []map[string]bulkResult
}

func (r response) bulk(t *testing.T) bulkAnswer {
	t.Helper()
	var parsed bulkAnswer
	require.NoError(t, json.Unmarshal([]byte(r.body), &parsed), r.body)
	return parsed
}

func TestBulkStoresDocuments(t *testing.T) {
	r := start(t, nil)
	answer := r.post(t, "/app/_bulk", "{\"create\":{}}\n{\"@timestamp\":\"2026-11-24T00:00:00Z\",\"message\":\"a\",\"log\":{\"level\":\"error\"}}\n"+
		"{ \"index\" : { \"_index\":\"other\", \"_id\":\"7\" } }\r\n{\"message\":\"b\"}\r\n", "Content-Type", "application/x-ndjson")
	require.Equal(t, http.StatusOK, answer.status)
	require.Equal(t, "Elasticsearch", answer.header.Get("X-Elastic-Product"))
	require.Equal(t, bulkAnswer{Items: []map[string]bulkResult{
		{"create": {Index: "app", Status: 201, Result: "created"}},
		{"index": {Index: "other", ID: "7", Status: 201, Result: "created"}},
	}}, answer.bulk(t))
	require.Equal(t, []string{"a", "b"}, r.bodies())
	var attributes []map[string]any
	for record := range records(r.sink.AllLogs()[0]) {
		attributes = append(attributes, record.Attributes().AsRaw())
	}
	require.Equal(t, []map[string]any{{"_index": "app"}, {"_index": "other", "_id": "7"}}, attributes)
}

func TestBulkAnswersForEachItem(t *testing.T) {
	r := start(t, nil)
	answer := r.post(t, "/_bulk", "{\"create\":{\"_index\":\"x\"}}\n{\"message\":\"good\"}\n{\"create\":{}}\n{bad}\n{\"delete\":{\"_id\":\"1\"}}\n"+
		"{\"update\":{\"_id\":\"2\"}}\n{\"doc\":{}}\n{\"index\":{}}\n[1]\n{\"index\":{}}")
	require.Equal(t, http.StatusOK, answer.status)
	parsed := answer.bulk(t)
	require.True(t, parsed.Errors)
	var statuses []int
	for _, item := range parsed.Items {
		for _, result := range item {
			statuses = append(statuses, result.Status)
		}
	}
	require.Equal(t, []int{201, 400, 400, 400, 400, 400}, statuses)
	require.Equal(t, "malformed_json: 'b' where a key in double quotes should be", parsed.Items[1]["create"].Error.Reason)
	require.Contains(t, parsed.Items[2]["delete"].Error.Reason, "delete is not supported")
	require.Contains(t, parsed.Items[5]["index"].Error.Reason, "the body ends where the document should follow")
	require.Equal(t, []string{"good"}, r.bodies())
}

func TestBulkRefusesABodyWhoseActionsCannotBeRead(t *testing.T) {
	for name, c := range map[string]struct{ body, want string }{
		"empty":          {"\n", "the body is empty"},
		"no action":      {"{\"create\":{}}\n{\"message\":\"a\"}\n{\"message\":\"a\"}\n", `malformed action line 3: unknown action \"message\"`},
		"damaged action": {"{\"create\":\n", "malformed action line 1"},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, nil)
			answer := r.post(t, "/_bulk", c.body)
			require.Equal(t, http.StatusBadRequest, answer.status)
			require.Contains(t, answer.body, c.want)
			require.Zero(t, r.sink.LogRecordCount())
		})
	}
}

func TestProbesOfElasticsearchClientsAreAnswered(t *testing.T) {
	r := start(t, nil)
	for _, path := range []string{
		"/", "/_license", "/_xpack", "/_cluster/health", "/_cat/health", "/_nodes/http", "/_ilm/policy/filebeat",
		"/_index_template/filebeat-8.17.0", "/_ingest/pipeline/x",
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			answer := r.do(t, method, path, nil)
			require.Equal(t, http.StatusOK, answer.status, "%s %s", method, path)
			require.Equal(t, "Elasticsearch", answer.header.Get("X-Elastic-Product"))
		}
	}
	answer := r.do(t, http.MethodPut, "/_index_template/filebeat-8.17.0", nil)
	require.JSONEq(t, `{"acknowledged":true}`, answer.body)
}
