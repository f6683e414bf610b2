package jsonlogreceiver

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"google.golang.org/grpc/status"
)

func gzipped(t testing.TB, body string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := io.WriteString(w, body)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

func TestBodiesMayBeCompressed(t *testing.T) {
	body := lines(0, 1000)
	var deflated bytes.Buffer
	z := zlib.NewWriter(&deflated)
	_, err := io.WriteString(z, body)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	encoder, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	for encoding, compressed := range map[string][]byte{
		"gzip": gzipped(t, body), "deflate": deflated.Bytes(), "zstd": encoder.EncodeAll([]byte(body), nil),
		"snappy": s2.EncodeSnappy(nil, []byte(body)),
	} {
		r := start(t, nil)
		answer := r.do(t, http.MethodPost, "/v1/json", bytes.NewReader(compressed), "Content-Encoding", encoding)
		require.JSONEq(t, `{"accepted":1000,"rejected":0}`, answer.body, encoding)
		require.Equal(t, 1000, r.sink.LogRecordCount())
	}
}

func TestACutOffBodyStoresOnlyWholeBatches(t *testing.T) {
	p := &pipeline{}
	r := start(t, p, func(c *Config) { c.Batch.MaxRecords = 1000 })
	whole := gzipped(t, lines(0, 20000))
	cut := whole[:len(whole)/2]
	answer := r.do(t, http.MethodPost, "/v1/json", bytes.NewReader(cut), "Content-Encoding", "gzip", "Idempotency-Key", "k")
	require.Equal(t, http.StatusBadRequest, answer.status)
	report := answer.report(t)
	require.Contains(t, report.Hint, "at retry_from with a new one")
	require.Equal(t, fault{"body_cut_off", "the body ends early: it was cut off on its way"}, *report.Error)
	require.NotZero(t, report.Accepted)
	require.Equal(t, &place{report.Accepted, report.Accepted + 1}, report.Retry)
	for i, batch := range p.stored {
		require.Len(t, batch, 1000, "batch %d must be the same when the whole body comes", i)
	}
	require.Equal(t, report.Accepted, 1000*len(p.stored))

	answer = r.do(t, http.MethodPost, "/v1/json", bytes.NewReader(whole), "Content-Encoding", "gzip", "Idempotency-Key", "k")
	require.JSONEq(t, `{"accepted":20000,"rejected":0}`, answer.body)
}

func TestBadRequestsGetTheRightStatusAndStoreNothing(t *testing.T) {
	r := start(t, nil, func(c *Config) { c.ServerConfig.MaxRequestBodySize = 1 << 20 })
	long := strings.Repeat(lines(0, 1000), 200)
	for name, c := range map[string]struct {
		method, path string
		body         []byte
		headers      []string
		status       int
		want         string
	}{
		"empty":           {"POST", "/v1/json", nil, nil, 400, "the body is empty"},
		"blank":           {"POST", "/v1/json", []byte(" \n\n"), nil, 400, "the body is empty"},
		"only bad lines":  {"POST", "/v1/json", []byte("a\nb"), nil, 400, `"accepted":0,"rejected":2`},
		"type":            {"POST", "/v1/json", []byte("{}"), []string{"Content-Type", "text/html"}, 415, `content type \"text/html\" is not one of application/json`},
		"charset":         {"POST", "/v1/json", []byte("{}"), []string{"Content-Type", "application/json; charset=latin1"}, 415, "JSON is sent in UTF-8"},
		"encoding":        {"POST", "/v1/json", []byte("{}"), []string{"Content-Encoding", "br"}, 415, "unsupported Content-Encoding: br (setting compression_algorithms)"},
		"not gzip":        {"POST", "/v1/json", []byte("{}"), []string{"Content-Encoding", "gzip"}, 400, "does not have the encoding that Content-Encoding says"},
		"header of gzip":  {"POST", "/v1/json", gzipped(t, "{}")[:4], []string{"Content-Encoding", "gzip"}, 400, "encoding"},
		"large":           {"POST", "/v1/json", []byte(long), nil, 413, "larger than 1048576 bytes after decompression (setting max_request_body_size)"},
		"large in gzip":   {"POST", "/v1/json", gzipped(t, long), []string{"Content-Encoding", "gzip"}, 413, "setting max_request_body_size"},
		"large in snappy": {"POST", "/v1/json", s2.EncodeSnappy(nil, []byte(long)), []string{"Content-Encoding", "snappy"}, 413, "setting max_request_body_size"},
		"idempotency key": {"POST", "/v1/json", []byte("{}"), []string{"Idempotency-Key", strings.Repeat("k", 256)}, 400, "holds at most 255 bytes"},
		"unknown path":    {"POST", "/v2/json", []byte("{}"), nil, 404, "send JSON logs with POST to /v1/json"},
		"method":          {"GET", "/v1/json", nil, nil, 404, "nothing is served at GET /v1/json"},
		"OTLP by mistake": {"POST", "/v1/logs", []byte("{}"), nil, 404, "nothing is served at POST /v1/logs"},
	} {
		t.Run(name, func(t *testing.T) {
			r.sink.Reset()
			answer := r.do(t, c.method, c.path, bytes.NewReader(c.body), c.headers...)
			require.Equal(t, c.status, answer.status, answer.body)
			require.Contains(t, answer.body, c.want)
			if c.status != http.StatusRequestEntityTooLarge || name == "large" { // a batch before the limit is stored, and said to be
				require.Zero(t, r.sink.LogRecordCount())
			} else {
				require.Equal(t, r.sink.LogRecordCount(), answer.report(t).Accepted)
			}
		})
	}
}

func TestADeclaredGiantIsRefusedBeforeItIsSent(t *testing.T) {
	r := start(t, nil)
	conn := dial(t, r)
	_, err := fmt.Fprintf(conn, "POST /v1/json HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", int64(2)<<30)
	require.NoError(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusRequestEntityTooLarge, resp.StatusCode)
	require.True(t, resp.Close)
}

func TestHostileLinesCostOnlyThemselves(t *testing.T) {
	for name, c := range map[string]struct{ line, code, setting string }{
		"10 MB line":   {`{"msg":"` + strings.Repeat("x", 10<<20) + `"}`, "too_long", "limits.line_bytes"},
		"deep":         {strings.Repeat(`{"a":`, 100000) + "1" + strings.Repeat("}", 100000), "too_deep", "limits.depth"},
		"deep arrays":  {`{"a":` + strings.Repeat(`[`, 100000), "too_deep", "limits.depth"},
		"many members": {"{" + strings.Repeat(`"a":1,`, 2000) + `"z":1}`, "too_many_fields", "limits.fields"},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, nil)
			answer := r.post(t, "/v1/json", "{\"msg\":\"before\"}\n"+c.line+"\n{\"msg\":\"after\"}\n")
			require.Equal(t, http.StatusOK, answer.status)
			report := answer.report(t)
			require.Equal(t, 2, report.Accepted)
			require.Len(t, report.Errors, 1)
			require.Equal(t, place{1, 2}, report.Errors[0].place)
			require.Equal(t, c.code, report.Errors[0].Code)
			require.Contains(t, report.Errors[0].Message, c.setting)
			require.Equal(t, []string{"before", "after"}, r.bodies())
		})
	}
}

func TestTheListOfErrorsIsBoundedAndTheCountIsNot(t *testing.T) {
	r := start(t, nil)
	report := r.post(t, "/v1/json", strings.Repeat("bad\n", 1000)).report(t)
	require.Equal(t, 1000, report.Rejected)
	require.Len(t, report.Errors, 100)
	require.Equal(t, 900, report.Omitted)
}

func TestSlowClientsAreCutOffAndHoldNoPlace(t *testing.T) {
	r := start(t, nil, func(c *Config) {
		c.ServerConfig.ReadHeaderTimeout = 300 * time.Millisecond
		c.ServerConfig.ReadTimeout = time.Second
		c.Limits.ConcurrentRequests = 1
	})
	slowHeader, slowBody := dial(t, r), dial(t, r)
	_, err := io.WriteString(slowHeader, "POST /v1/json HTTP/1.1\r\nHost: x\r\n")
	require.NoError(t, err)
	_, err = io.WriteString(slowBody, "POST /v1/json HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{\"msg\":\"slow\"}\n")
	require.NoError(t, err)

	require.Equal(t, http.StatusOK, r.post(t, "/v1/json", `{"msg":"others go on"}`).status)

	resp, err := http.ReadResponse(bufio.NewReader(slowBody), nil)
	require.NoError(t, err)
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusRequestTimeout, resp.StatusCode)
	require.Contains(t, string(text), "the body did not arrive in time (setting read_timeout)")
	_, err = io.ReadAll(slowHeader) // the server closes the connection
	require.NoError(t, err)
	require.Equal(t, []string{"others go on"}, r.bodies())
}

func TestTooManyRequestsAtOnceAreToldToComeBack(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	p := &pipeline{refuse: func(int) error {
		close(entered)
		<-leave
		return nil
	}}
	r := start(t, p, func(c *Config) {
		c.Limits.ConcurrentRequests = 1
		c.Limits.QueueTimeout = 10 * time.Millisecond
	})
	done := make(chan int)
	go func() {
		resp, err := http.Post(r.url+"/v1/json", "application/json", strings.NewReader(`{"msg":"first"}`))
		if assert.NoError(t, err) {
			assert.NoError(t, resp.Body.Close())
			done <- resp.StatusCode
		}
		close(done)
	}()
	<-entered
	answer := r.post(t, "/v1/json", `{"msg":"second"}`)
	require.Equal(t, http.StatusTooManyRequests, answer.status)
	require.Equal(t, "1", answer.header.Get("Retry-After"))
	require.Contains(t, answer.report(t).Error.Message, "setting limits.concurrent_requests")
	close(leave)
	require.Equal(t, http.StatusOK, <-done)
}

func dial(t *testing.T, r *testReceiver) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() }) // the server may have closed it
	require.NoError(t, conn.SetDeadline(time.Now().Add(30*time.Second)))
	return conn
}

func TestABodyThatAHalfClosedConnectionCutsOffIsCalledSo(t *testing.T) {
	next, err := consumer.NewLogs(func(ctx context.Context, _ plog.Logs) error { return status.FromContextError(ctx.Err()).Err() })
	require.NoError(t, err)
	r := start(t, next, func(c *Config) { c.Batch.MaxRecords = 1 })
	conn := dial(t, r)
	_, err = io.WriteString(conn, "POST /v1/json HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{\"msg\":\"whole\"}\n{\"msg\":\"cu")
	require.NoError(t, err)
	require.NoError(t, conn.(*net.TCPConn).CloseWrite())
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusBadRequest, resp.StatusCode, string(text))
	require.Contains(t, string(text), "body_cut_off")
}

func TestAByteOrderMarkIsSkipped(t *testing.T) {
	for _, path := range []string{"/v1/json", "/insert/jsonline"} {
		r := start(t, nil)
		answer := r.post(t, path, "\xef\xbb\xbf{\"msg\":\"a\",\"_msg\":\"a\"}\n{\"msg\":\"b\",\"_msg\":\"b\"}\n")
		require.Equal(t, 2, answer.report(t).Accepted, answer.body)
	}
}

func TestEncodingsOfEdgeCases(t *testing.T) {
	r := start(t, nil)
	require.Equal(t, 1, r.post(t, "/v1/json", `{"msg":"a"}`, "Content-Encoding", "identity").report(t).Accepted)

	two := append(gzipped(t, lines(0, 2)), gzipped(t, lines(2, 4))...)
	answer := r.do(t, http.MethodPost, "/v1/json", bytes.NewReader(two), "Content-Encoding", "gzip")
	require.Equal(t, 4, answer.report(t).Accepted, answer.body)

	for _, garbage := range []string{"x", "garbage", strings.Repeat("garbage", 10)} {
		answer := r.do(t, http.MethodPost, "/v1/json", strings.NewReader(string(two)+garbage), "Content-Encoding", "gzip")
		require.Equal(t, http.StatusBadRequest, answer.status)
		require.Equal(t, "garbage_after_gzip", answer.report(t).Error.Code, answer.body)
	}
	answer = r.do(t, http.MethodPost, "/v1/json", bytes.NewReader(two[:len(two)-3]), "Content-Encoding", "gzip")
	require.Equal(t, "body_cut_off", answer.report(t).Error.Code, answer.body)
}

func TestPagesOfOtherSitesSendOnlyWhenCORSAllowsThem(t *testing.T) {
	r := start(t, nil, func(c *Config) {
		cors := confighttp.NewDefaultCORSConfig()
		cors.AllowedOrigins = []string{"https://app.example"}
		c.ServerConfig.CORS = configoptional.Some(cors)
	})
	send := func(headers ...string) response { return r.post(t, "/v1/json", `{"msg":"a"}`, headers...) }
	refused := send("Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example", "Content-Type", "text/plain")
	require.Equal(t, http.StatusForbidden, refused.status)
	require.Contains(t, refused.report(t).Error.Message, "cors.allowed_origins")
	require.Equal(t, http.StatusForbidden, send("Sec-Fetch-Site", "cross-site").status)
	require.Zero(t, r.sink.LogRecordCount())
	require.Equal(t, http.StatusOK, send("Sec-Fetch-Site", "cross-site", "Origin", "https://app.example").status)
	require.Equal(t, http.StatusOK, send("Sec-Fetch-Site", "same-site", "Origin", "http://localhost").status)
	require.Equal(t, http.StatusOK, send().status)
}
