package jsonlogreceiver

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/receiver/receivertest"

	"github.com/instantdevlogs/devlogs/receiver/jsonlogreceiver/internal/metadata"
)

// BenchmarkRequest is one request of 5,000 lines through everything but the network and the pipeline; the metric of
// interest is ns/line.
func BenchmarkRequest(b *testing.B) {
	const lines = 5000
	var ndjson, pushes bytes.Buffer
	pushes.WriteString(`{"streams":[{"stream":{"app":"checkout","host":"node-07"},"values":[`)
	for i := range lines {
		message := fmt.Sprintf("Received block blk_%d of size 67108864 from /10.251.42.84", i)
		fmt.Fprintf(&ndjson, `{"timestamp":%d,"level":"INFO","service":"checkout","host":"node-%02d","message":%q,`+
			`"trace_id":"%032x","http.status_code":200,"duration_ms":41.377,"user_id":"u%d"}`+"\n", 1760000000000000000+i, i%20, message, i+1, i)
		if i > 0 {
			pushes.WriteByte(',')
		}
		fmt.Fprintf(&pushes, `["%d",%q]`, 1760000000000000000+i, message)
	}
	pushes.WriteString(`]}]}`)
	for _, c := range []struct {
		name, path string
		body       []byte
		status     int
		key        string
	}{
		{"json", "/v1/json", ndjson.Bytes(), http.StatusOK, ""},
		{"json with a key", "/v1/json", ndjson.Bytes(), http.StatusOK, "k"},
		{"loki", "/loki/api/v1/push", pushes.Bytes(), http.StatusNoContent, ""},
	} {
		b.Run(c.name, func(b *testing.B) {
			r, err := newReceiver(createDefaultConfig().(*Config), receivertest.NewNopSettings(metadata.Type), consumertest.NewNop())
			require.NoError(b, err)
			handler := r.routes()
			b.SetBytes(int64(len(c.body)))
			b.ReportAllocs()
			for b.Loop() {
				answer := httptest.NewRecorder()
				request := httptest.NewRequest(http.MethodPost, c.path, bytes.NewReader(c.body))
				request.Header.Set("Idempotency-Key", c.key)
				handler.ServeHTTP(answer, request)
				require.Equal(b, c.status, answer.Code)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/lines, "ns/line")
		})
	}
}
