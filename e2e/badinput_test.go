package e2e

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
)

func gzipped(t *testing.T, s string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(s))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

// Requests that can't be taken whole: each gets the right status and a message that names the fault, nothing of it is
// stored, and the request after it works.
func TestWhatIsRefusedIsNotStored(t *testing.T) {
	d := start(t)
	const lines, otlp = "/", "/v1/logs"
	whole := gzipped(t, jsonLines("cut", 1000))
	protobuf, err := plogotlp.NewExportRequestFromLogs(otlpBatch("cut", 100)).MarshalProto()
	require.NoError(t, err)
	deep := `{"message":"deep","x":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`

	for _, test := range []struct {
		name, path, contentType, encoding string
		body                              []byte
		status                            int
		says                              string
	}{
		{"truncated gzip of JSON", lines, "application/x-ndjson", "gzip", whole[:len(whole)/2], 400, "cut off"},
		{"truncated gzip of OTLP", otlp, "application/x-protobuf", "gzip", gzipped(t, string(protobuf))[:60], 400, "unexpected EOF"},
		{"no gzip at all", lines, "application/json", "gzip", []byte(`{"message":"plain"}`), 400, "gzip"},
		{"unknown encoding", lines, "application/json", "br", []byte(`{"message":"brotli"}`), 415, "br"},
		{"deep nesting", lines, "application/json", "", []byte(deep), 400, "deep"},
		{"wrong content type of JSON", lines, "image/png", "", []byte("\x89PNG"), 415, "image/png"},
		{"wrong content type of OTLP", otlp, "text/plain", "", []byte("hello"), 415, "application/x-protobuf"},
		{"broken protobuf", otlp, "application/x-protobuf", "", protobuf[:len(protobuf)-3], 400, ""},
		{"broken OTLP JSON", otlp, "application/json", "", []byte(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{`), 400, ""},
		{"no JSON", lines, "application/json", "", []byte("hello world"), 400, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			address := d.json
			if test.path == otlp {
				address = d.otlpHTTP
			}
			headers := []string{}
			if test.encoding != "" {
				headers = append(headers, "Content-Encoding", test.encoding)
			}
			a, err := post(t.Context(), "http://"+address+test.path, test.contentType, test.body, headers...)
			require.NoError(t, err)
			require.Equal(t, test.status, a.status, a.body)
			require.Contains(t, a.body, test.says)
		})
	}
	require.Empty(t, d.counts())
	mustSend(t, d, sendJSON, "after", 1)
	mustSend(t, d, sendOTLPGRPC, "after-grpc", 1)
	account(t, d, map[string]int{"after": 1, "after-grpc": 1})
}

func TestABodyDeclaredTooLargeIsRefusedBeforeItIsSent(t *testing.T) {
	d := start(t)
	conn, err := net.Dial("tcp", d.json)
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	_, err = fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: e2e\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n{", 2<<30)
	require.NoError(t, err)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusRequestEntityTooLarge, response.StatusCode)
	require.Empty(t, d.counts())
}

// A line over the limit is refused by itself; its neighbours are kept.
func TestALineOverTheLimitIsNamedAndItsNeighboursAreKept(t *testing.T) {
	d := start(t)
	long := `{"message":"` + strings.Repeat("x", 10<<20) + `"}`
	a, err := post(t.Context(), "http://"+d.json, "application/x-ndjson", []byte(`{"message":"before"}`+"\n"+long+"\n"+`{"message":"after"}`+"\n"))
	require.NoError(t, err)
	verdict := verdictOf(t, a)
	require.Equal(t, http.StatusOK, a.status)
	require.Equal(t, 2, verdict.Accepted)
	require.Equal(t, 1, verdict.Rejected)
	require.Equal(t, map[string]int{"before": 1, "after": 1}, d.counts())
}

func TestHalfBadLinesAreNamedOneByOneAndTheGoodAreKept(t *testing.T) {
	d := start(t)
	var body strings.Builder
	want := map[string]int{}
	for i := range 50 {
		fmt.Fprintf(&body, `{"message":"good %d"}`+"\n"+`{"message":"bad %d"`+"\n", i, i)
		want[fmt.Sprintf("good %d", i)] = 1
	}
	a, err := post(t.Context(), "http://"+d.json, "application/x-ndjson", []byte(body.String()))
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, a.status, a.body)
	verdict := verdictOf(t, a)
	require.Equal(t, 50, verdict.Accepted)
	require.Equal(t, 50, verdict.Rejected)
	require.NotEmpty(t, verdict.Errors)
	require.Equal(t, 1, verdict.Errors[0].Index)
	require.Equal(t, want, d.counts())
}

// verdict is json_log's answer.
type verdict struct {
	Accepted int `json:"accepted"`
	Rejected int `json:"rejected"`
	Errors   []struct {
		Index   int    `json:"index"`
		Message string `json:"message"`
	} `json:"errors"`
}

func verdictOf(t *testing.T, a answer) (v verdict) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(a.body), &v), a.body)
	return v
}

// A client that dribbles its request is cut off, holds up nobody meanwhile, and leaves nothing behind.
func TestADribblingClientIsCutOffAndHoldsUpNobody(t *testing.T) {
	d := start(t,
		"--set", "receivers.json_log.read_timeout=1s", "--set", "receivers.json_log.read_header_timeout=1s",
		"--set", "receivers.otlp.protocols.http.read_timeout=1s", "--set", "receivers.otlp.protocols.http.read_header_timeout=1s")
	for _, address := range []string{d.json, d.otlpHTTP} {
		for _, beginning := range []string{
			"POST / HTTP/1.1\r\nHost: e2e\r\nContent-", // in its headers
			"POST / HTTP/1.1\r\nHost: e2e\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n" + `{"message":"slow"}`, // in its body
		} {
			conn, err := net.Dial("tcp", address)
			require.NoError(t, err)
			_, err = conn.Write([]byte(beginning))
			require.NoError(t, err)
			mustSend(t, d, sendJSON, "meanwhile", 1)
			require.NoError(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
			rest := bufio.NewReader(conn)
			for err == nil {
				_, err = rest.ReadByte() // an error answer may come first
			}
			require.NotErrorIs(t, err, os.ErrDeadlineExceeded, "%s did not cut off the client", address)
			require.NoError(t, conn.Close())
		}
	}
	require.Equal(t, map[string]int{"meanwhile/0": 1}, d.counts())
}
