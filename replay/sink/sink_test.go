package sink

import (
	"bytes"
	"encoding/binary"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func logs(records int) plogotlp.ExportRequest {
	l := plog.NewLogs()
	for i := range records {
		r := l.ResourceLogs().AppendEmpty()
		r.Resource().Attributes().PutStr("service.name", "checkout")
		r.ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Attributes().PutInt("n", int64(i))
	}
	return plogotlp.NewExportRequestFromLogs(l)
}

func start(t *testing.T, script string) (*Sink, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), FileName)
	file, err := CreateFile(path)
	require.NoError(t, err)
	parsed, err := ParseScript(script)
	require.NoError(t, err)
	s, err := Start(Config{GRPC: "127.0.0.1:0", HTTP: "127.0.0.1:0", Script: parsed, Keep: file})
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		require.NoError(t, file.Close())
	})
	return s, path
}

// kept reads back the file's messages.
func kept(t *testing.T, s *Sink, path string) (records []int) {
	t.Helper()
	require.NoError(t, s.config.Keep.(*File).Flush())
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	for len(b) > 0 {
		n := binary.BigEndian.Uint32(b)
		l, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(b[4 : 4+n])
		require.NoError(t, err)
		records = append(records, l.LogRecordCount())
		b = b[4+n:]
	}
	return records
}

func post(t *testing.T, s *Sink, contentType, encoding string, body []byte) (*http.Response, []byte, error) {
	t.Helper()
	request, err := http.NewRequest(http.MethodPost, "http://"+s.HTTPAddr()+"/v1/logs", bytes.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("Content-Encoding", encoding)
	transport := &http.Transport{DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response, answer, nil
}

func TestHTTPKeepsEveryEncoding(t *testing.T) {
	s, path := start(t, "")
	raw, err := logs(3).MarshalProto()
	require.NoError(t, err)
	text, err := logs(3).MarshalJSON()
	require.NoError(t, err)
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	w.Write(raw)
	require.NoError(t, w.Close())
	encoder, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	for _, c := range []struct {
		contentType, encoding string
		body                  []byte
	}{
		{typeProto, "", raw}, {typeJSON, "", text}, {typeJSON + "; charset=utf-8", "", text},
		{typeProto, "gzip", zipped.Bytes()}, {typeProto, "zstd", encoder.EncodeAll(raw, nil)},
	} {
		response, _, err := post(t, s, c.contentType, c.encoding, c.body)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, response.StatusCode)
	}
	require.NoError(t, encoder.Close())
	require.Equal(t, []int{3, 3, 3, 3, 3}, kept(t, s, path))
	require.Equal(t, uint64(15), s.Stats().Records)
}

func TestHTTPFollowsTheScript(t *testing.T) {
	s, path := start(t, "ok, 503×2, reset-after-body, cut, partial 3, lose, double, slow 10ms, 400")
	body, err := logs(5).MarshalProto()
	require.NoError(t, err)
	send := func() (int, string) {
		response, answer, err := post(t, s, typeProto, "", body)
		if err != nil {
			return 0, ""
		}
		parsed := plogotlp.NewExportResponse()
		if response.StatusCode == http.StatusOK {
			require.NoError(t, parsed.UnmarshalProto(answer))
			if n := parsed.PartialSuccess().RejectedLogRecords(); n > 0 {
				return int(n), "rejected"
			}
		}
		return response.StatusCode, response.Header.Get("Retry-After")
	}
	type seen struct {
		code int
		note string
	}
	var all []seen
	for range 11 {
		code, note := send()
		all = append(all, seen{code, note})
	}
	require.Equal(t, []seen{
		{200, ""}, {503, "1"}, {503, "1"}, {0, ""}, {0, ""}, {3, "rejected"}, {200, ""}, {200, ""}, {200, ""}, {400, ""}, {200, ""},
	}, all)
	require.Equal(t, []int{5, 5, 2, 5, 5, 5, 5}, kept(t, s, path)) // ok, reset, partial, double twice, slow, ok
}

func TestGRPCFollowsTheScript(t *testing.T) {
	s, path := start(t, "ok, 503, reset-after-body, partial 3, 400, 429")
	connection, err := grpc.NewClient(s.GRPCAddr(), grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDisableRetry())
	require.NoError(t, err)
	defer connection.Close()
	client := plogotlp.NewGRPCClient(connection)
	var got []codes.Code
	for range 7 {
		response, err := client.Export(t.Context(), logs(5), grpc.WaitForReady(true))
		got = append(got, status.Code(err))
		if err == nil && response.PartialSuccess().RejectedLogRecords() > 0 {
			require.Equal(t, int64(3), response.PartialSuccess().RejectedLogRecords())
		}
	}
	require.Equal(t, []codes.Code{codes.OK, codes.Unavailable, codes.Unavailable, codes.OK, codes.InvalidArgument,
		codes.ResourceExhausted, codes.OK}, got)
	require.Equal(t, []int{5, 5, 2, 5}, kept(t, s, path))
	require.Equal(t, Stats{Requests: 7, Records: 17, Bytes: s.Stats().Bytes, Refused: 3, Cut: 1, Rejected: 3}, s.Stats())
}

func TestHTTPRefusesWhatIsNotOTLP(t *testing.T) {
	s, path := start(t, "")
	for _, c := range []struct {
		contentType string
		body        string
		status      int
	}{
		{"text/plain", "hello", http.StatusUnsupportedMediaType},
		{typeProto, "\xff\xff\xff", http.StatusBadRequest},
		{typeJSON, "{", http.StatusBadRequest},
	} {
		response, _, err := post(t, s, c.contentType, "", []byte(c.body))
		require.NoError(t, err)
		require.Equal(t, c.status, response.StatusCode)
	}
	require.Empty(t, kept(t, s, path))
}

func TestJSONFileHoldsOneMessageALine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "out.jsonl")
	file, err := CreateFile(path)
	require.NoError(t, err)
	message, err := logs(2).MarshalProto()
	require.NoError(t, err)
	require.NoError(t, file.Keep(message))
	require.NoError(t, file.Keep(message))
	require.NoError(t, file.Close())
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	for line := range bytes.Lines(b) {
		l, err := (&plog.JSONUnmarshaler{}).UnmarshalLogs(line)
		require.NoError(t, err)
		require.Equal(t, 2, l.LogRecordCount())
	}
	require.Equal(t, 2, bytes.Count(b, []byte("\n")))
}

func TestBadScriptSaysWhatIsAllowed(t *testing.T) {
	for _, bad := range []string{"okay", "200", "slow", "slow soon", "partial", "partial -1", "ok,,ok"} {
		_, err := ParseScript(bad)
		require.ErrorContains(t, err, "script:", bad)
	}
	s, err := ParseScript("503x2,slow 3s x 2")
	require.NoError(t, err)
	require.Equal(t, Verdict{Status: 503}, s.verdict())
	require.Equal(t, Verdict{Status: 503}, s.verdict())
	require.Equal(t, Verdict{Slow: 3 * time.Second}, s.verdict())
	require.Equal(t, Verdict{Slow: 3 * time.Second}, s.verdict())
	require.Equal(t, Verdict{}, s.verdict())
}

func BenchmarkReceive(b *testing.B) {
	s := &Sink{done: make(chan struct{})}
	message, err := logs(500).MarshalProto()
	require.NoError(b, err)
	b.SetBytes(int64(len(message)))
	for b.Loop() {
		s.receive(b.Context(), message)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/500, "ns/record")
}
