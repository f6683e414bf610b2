package jsonlogreceiver

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestJSONIsTakenInEveryArrangement(t *testing.T) {
	for name, body := range map[string]string{
		"NDJSON":         "{\"msg\":\"a\"}\n{\"msg\":\"b\"}\n",
		"array":          `[{"msg":"a"}, {"msg":"b"}]`,
		"concatenated":   `{"msg":"a"}{"msg":"b"}`,
		"pretty-printed": "{\n \"msg\": \"a\"\n}\n{\n \"msg\": \"b\"\n}",
	} {
		for _, path := range []string{"/", "/v1/json"} {
			t.Run(name+" "+path, func(t *testing.T) {
				r := start(t, nil)
				answer := r.post(t, path, body)
				require.Equal(t, http.StatusOK, answer.status)
				require.JSONEq(t, `{"accepted":2,"rejected":0}`, answer.body)
				require.Equal(t, []string{"a", "b"}, r.bodies())
			})
		}
	}
}

func TestEveryRejectedLineIsNamed(t *testing.T) {
	r := start(t, nil)
	answer := r.post(t, "/v1/json", "{\"msg\":\"a\"}\n\nnot json\n{\"msg\":\"b\"}\n42\n{\"msg\":")
	require.Equal(t, http.StatusOK, answer.status)
	require.JSONEq(t, `{"accepted":2,"rejected":3,"errors":[
		{"index":1,"line":3,"code":"malformed_json","message":"'n' where a value should be"},
		{"index":3,"line":5,"code":"not_an_object","message":"a record is a JSON object, this is a number"},
		{"index":4,"line":6,"code":"malformed_json","message":"the value ends where a value should follow"}]}`, answer.body)
	require.Equal(t, []string{"a", "b"}, r.bodies())
}
