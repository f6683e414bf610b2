package record_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/replay/ledger"
	"github.com/instantdevlogs/devlogs/replay/play"
	"github.com/instantdevlogs/devlogs/replay/record"
	"github.com/instantdevlogs/devlogs/replay/recording"
	"github.com/instantdevlogs/devlogs/replay/sink"
)

type keeper struct {
	mu     sync.Mutex
	bodies []string
}

func (k *keeper) Keep(message []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.bodies = append(k.bodies, canonical(message))
	return nil
}

// canonical is what a decoder sees: OTLP/JSON does not keep the order of protobuf fields.
func canonical(body []byte) string {
	logs, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(body)
	if err != nil {
		return err.Error()
	}
	b, _ := (&plog.ProtoMarshaler{}).MarshalLogs(logs)
	return string(b)
}

func startSink(t testing.TB, script string) (*sink.Sink, *keeper) {
	t.Helper()
	verdicts, err := sink.ParseScript(script)
	require.NoError(t, err)
	k := &keeper{}
	s, err := sink.Start(sink.Config{GRPC: "127.0.0.1:0", HTTP: "127.0.0.1:0", Script: verdicts, Keep: k})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s, k
}

// tap starts a tap before to, "grpc://…,http://…".
func tap(t testing.TB, to string, change func(*record.Config)) (*record.Tap, string) {
	t.Helper()
	c := record.Default()
	var err error
	c.Upstream, err = record.ParseUpstream(to)
	require.NoError(t, err)
	c.Listen, c.Dir = []string{"127.0.0.1:0"}, filepath.Join(t.TempDir(), "tapped")
	if change != nil {
		change(&c)
	}
	tp, err := record.Start(c)
	require.NoError(t, err)
	return tp, c.Dir
}

func stop(t testing.TB, tp *record.Tap) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	require.NoError(t, tp.Close(ctx))
}

func read(t testing.TB, dir string) (all []*recording.Message, notes recording.Notes) {
	t.Helper()
	r, err := recording.Open([]string{dir}, recording.Options{Strict: true})
	require.NoError(t, err)
	defer r.Close()
	for m, err := range r.Messages() {
		require.NoError(t, err)
		all = append(all, m)
	}
	return all, r.Notes()
}

func source(t testing.TB, n int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "rec")
	w, err := recording.Create(dir, recording.WriterOptions{})
	require.NoError(t, err)
	for i := range n {
		at := int64(1_700_000_000_000_000_000 + i*10_000_000)
		logs := plog.NewLogs()
		rl := logs.ResourceLogs().AppendEmpty()
		rl.Resource().Attributes().PutStr("service.name", "s")
		sl := rl.ScopeLogs().AppendEmpty()
		for j := range 5 {
			r := sl.LogRecords().AppendEmpty()
			r.SetTimestamp(pcommon.Timestamp(at))
			r.Body().SetStr(fmt.Sprintf("record %d of %d %s", j, i, strings.Repeat("x", i)))
		}
		body, err := (&plog.ProtoMarshaler{}).MarshalLogs(logs)
		require.NoError(t, err)
		require.NoError(t, w.Write(&recording.Message{Body: body, Records: 5, Arrival: at}))
	}
	require.NoError(t, w.Close())
	return dir
}

func send(t testing.TB, to string, protocol play.Protocol, recording string, change func(*play.Config)) *play.Report {
	t.Helper()
	scheme := "http://"
	if protocol == play.GRPC {
		scheme = "grpc://"
	}
	target, err := play.ParseTarget(scheme+to, string(protocol))
	require.NoError(t, err)
	c := play.Default()
	c.Target, c.Settings.Paths, c.Settings.Identity = target, []string{recording}, ledger.ByContent
	c.Headers = map[string]configopaque.String{"Authorization": "Bearer hush", "X-Scope-OrgID": "acme", "X-Region": "eu"}
	c.Retry.Initial = time.Millisecond
	if change != nil {
		change(&c)
	}
	report, err := play.Run(t.Context(), t.Context(), c)
	require.NoError(t, err)
	return report
}

func TestWhatPassesIsRecordedInEveryProtocolAndEncoding(t *testing.T) {
	for _, protocol := range []play.Protocol{play.GRPC, play.HTTP, play.HTTPJSON} {
		for _, compression := range []string{"none", "gzip", "zstd"} {
			t.Run(fmt.Sprint(protocol, "/", compression), func(t *testing.T) {
				s, k := startSink(t, "")
				tp, dir := tap(t, "grpc://"+s.GRPCAddr()+",http://"+s.HTTPAddr(), nil)
				report := send(t, tp.Addrs()[0], protocol, source(t, 30), func(c *play.Config) { c.Compression = compression })
				require.EqualValues(t, 30, report.Acked.Requests)
				stop(t, tp)
				got, notes := read(t, dir)
				require.Empty(t, notes.Gaps)
				var bodies []string
				for i, m := range got {
					bodies = append(bodies, canonical(m.Body))
					require.Equal(t, "acme", m.Entry.Tenant)
					require.Equal(t, "eu", m.Entry.Headers["X-Region"])
					for name := range m.Entry.Headers {
						require.NotContains(t, strings.ToLower(name), "auth")
					}
					require.Equal(t, recording.BySidecar, m.ArrivalBy)
					require.GreaterOrEqual(t, m.Entry.AckNS, m.Entry.RecvNS)
					require.Equal(t, 5, m.Records)
					want := map[play.Protocol]int{play.GRPC: 0, play.HTTP: 200, play.HTTPJSON: 200}[protocol]
					require.Equal(t, want, m.Entry.Status)
					if i > 0 {
						require.GreaterOrEqual(t, m.Arrival, got[i-1].Arrival)
					}
				}
				slices.Sort(bodies)
				slices.Sort(k.bodies)
				require.True(t, slices.Equal(k.bodies, bodies), "the recording must hold what the upstream got")
			})
		}
	}
}

func TestVerdictsPassAndAreRecorded(t *testing.T) {
	for protocol, status := range map[play.Protocol][]int{play.HTTP: {503, 400, 200, 200}, play.GRPC: {14, 3, 0, 0}} {
		s, _ := startSink(t, "503, 400, partial 2")
		tp, dir := tap(t, "grpc://"+s.GRPCAddr()+",http://"+s.HTTPAddr(), nil)
		report := send(t, tp.Addrs()[0], protocol, source(t, 3), func(c *play.Config) { c.InFlight = 1 })
		require.EqualValues(t, 2, report.Acked.Requests, protocol)
		require.EqualValues(t, 1, report.Failed.Requests)
		require.EqualValues(t, 2, report.Rejected)
		stop(t, tp)
		got, _ := read(t, dir)
		var statuses []int
		rejected := int64(0)
		for _, m := range got {
			statuses = append(statuses, m.Entry.Status)
			rejected += m.Entry.Rejected
		}
		require.Equal(t, status, statuses, protocol)
		require.EqualValues(t, 2, rejected)
	}
}

func TestUnreachableUpstreamIsSaidInTheProtocolsForm(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	for _, protocol := range []play.Protocol{play.GRPC, play.HTTP} {
		tp, dir := tap(t, "grpc://"+gone.Listener.Addr().String()+","+gone.URL, nil)
		report := send(t, tp.Addrs()[0], protocol, source(t, 1), func(c *play.Config) { c.Retry.For = 0 })
		require.EqualValues(t, 1, report.Failed.Requests)
		require.Contains(t, report.TopReasons(1)[0].Text, "the upstream cannot be reached")
		stop(t, tp)
		got, notes := read(t, dir)
		require.Len(t, got, 1, "%s: what was refused is recorded all the same: %v", protocol, notes.Gaps)
	}
}

func TestRawTrafficIsRecordedByteForByte(t *testing.T) {
	type seen struct{ what, body string }
	var got []seen
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got = append(got, seen{r.Method + " " + r.URL.String() + " " + r.Header.Get("Content-Type") + " " + r.Header.Get("Content-Encoding"), string(b)})
		w.WriteHeader(http.StatusAccepted)
	}))
	defer upstream.Close()
	tp, dir := tap(t, upstream.URL, func(c *record.Config) { c.Raw = true })
	for _, body := range []string{`{"a":1}` + "\n" + `{"b":2}`, "", "\x1f\x8b not gzip at all"} {
		req, err := http.NewRequest(http.MethodPost, "http://"+tp.Addrs()[0]+"/_bulk?refresh=true", strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/x-ndjson")
		req.Header.Set("Content-Encoding", "gzip")
		answer, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.Equal(t, http.StatusAccepted, answer.StatusCode)
		answer.Body.Close()
	}
	http.DefaultClient.CloseIdleConnections()
	first := slices.Clone(got)
	stop(t, tp)
	got = nil
	replayed := send(t, strings.TrimPrefix(upstream.URL, "http://"), play.HTTP, dir, func(c *play.Config) { c.InFlight = 1 })
	require.EqualValues(t, 3, replayed.Acked.Requests)
	require.Equal(t, first, got, "a replay sends the same bytes to the same path")
}

// An upstream may answer before it has read a body. The rest of what the client sends is recorded all the same, whether it
// told the length before or not.
func TestABodyThatTheUpstreamDidNotWaitForIsRecordedWhole(t *testing.T) {
	for name, sent := range map[string][2]string{
		"length": {"Content-Length: 10\r\n\r\nhello", "world"},
		"chunks": {"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "5\r\nworld\r\n0\r\n\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			upstream, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			defer upstream.Close()
			tp, dir := tap(t, upstream.Addr().String(), func(c *record.Config) { c.Raw = true })
			client, err := net.Dial("tcp", tp.Addrs()[0])
			require.NoError(t, err)
			defer client.Close()
			_, err = io.WriteString(client, "POST /any HTTP/1.1\r\nHost: tap\r\n"+sent[0])
			require.NoError(t, err)
			server, err := upstream.Accept()
			require.NoError(t, err)
			for head, line := bufio.NewReader(server), ""; line != "\r\n"; { // an answer before the request would be nobody's
				line, err = head.ReadString('\n')
				require.NoError(t, err)
			}
			_, err = io.WriteString(server, "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
			require.NoError(t, err)
			require.NoError(t, server.(*net.TCPConn).CloseWrite())
			_, err = io.Copy(io.Discard, server) // until the tap has seen the answer
			require.NoError(t, err)
			_, err = io.WriteString(client, sent[1])
			require.NoError(t, err)
			answer, err := http.ReadResponse(bufio.NewReader(client), nil)
			require.NoError(t, err)
			require.Equal(t, http.StatusAccepted, answer.StatusCode)
			require.NoError(t, client.Close())
			require.NoError(t, server.Close())
			stop(t, tp)
			got, notes := read(t, dir)
			require.Empty(t, notes.Gaps)
			require.Len(t, got, 1)
			require.Equal(t, "helloworld", string(got[0].Body))
		})
	}
}

func TestOtherTrafficPassesUnrecorded(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.URL.Path) }))
	defer upstream.Close()
	tp, dir := tap(t, upstream.URL, nil)
	for _, path := range []string{"/v1/traces", "/healthz"} {
		answer, err := http.Post("http://"+tp.Addrs()[0]+path, "application/x-protobuf", nil)
		require.NoError(t, err)
		text, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Equal(t, path, string(text))
	}
	http.DefaultClient.CloseIdleConnections()
	stop(t, tp)
	m, err := recording.ReadManifest(dir)
	require.NoError(t, err)
	require.Zero(t, m.Messages)
}

// A request that cannot be copied must pass all the same, and the recording must say that it lacks it.
func TestFullMemoryDropsTheRecordingAndNeverTheTraffic(t *testing.T) {
	for name, change := range map[string]func(*record.Config){
		"budget": func(c *record.Config) { c.Budget = 1500 },
		"body":   func(c *record.Config) { c.MaxBody = 300 },
	} {
		t.Run(name, func(t *testing.T) {
			s, k := startSink(t, "slow 20msx100")
			tp, dir := tap(t, "grpc://"+s.GRPCAddr()+",http://"+s.HTTPAddr(), change)
			report := send(t, tp.Addrs()[0], play.HTTP, source(t, 60), func(c *play.Config) { c.InFlight = 20 })
			require.EqualValues(t, 60, report.Acked.Requests)
			require.Len(t, k.bodies, 60)
			stop(t, tp)
			got, notes := read(t, dir)
			missing := int64(0)
			for _, g := range notes.Gaps {
				missing += g.Requests
				require.NotEmpty(t, g.Reason)
			}
			require.Positive(t, missing)
			require.EqualValues(t, 60, int64(len(got))+missing)
			stats, err := tp.Stats()
			require.NoError(t, err)
			require.Equal(t, missing, stats.Missed)
			m, err := recording.ReadManifest(dir)
			require.NoError(t, err)
			require.NotEmpty(t, m.Gaps)
		})
	}
}

func TestWhatIsNotOTLPIsKeptAsRawHTTP(t *testing.T) {
	s, _ := startSink(t, "")
	tp, dir := tap(t, "grpc://"+s.GRPCAddr()+",http://"+s.HTTPAddr(), nil)
	body := []byte{0xff, 0xff, 0xff}
	answer, err := http.Post("http://"+tp.Addrs()[0]+"/v1/logs", "application/x-protobuf", bytes.NewReader(body))
	require.NoError(t, err)
	require.Equal(t, http.StatusBadRequest, answer.StatusCode)
	answer.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	stop(t, tp)
	got, _ := read(t, dir)
	require.Len(t, got, 1)
	require.True(t, got[0].Raw)
	require.Equal(t, body, got[0].Body)
	require.Equal(t, http.StatusBadRequest, got[0].Entry.Status)
}

func TestUpstreamsAreUnderstood(t *testing.T) {
	for text, want := range map[string][2]string{
		"localhost:4317":            {"http://localhost:4317", "http://localhost:4318"},
		"localhost:4318":            {"http://localhost:4317", "http://localhost:4318"},
		"localhost:9999":            {"http://localhost:9999", "http://localhost:9999"},
		"grpcs://a:443,http://b:80": {"https://a:443", "http://b:80"},
		"http://b:4318":             {"http://b:4317", "http://b:4318"},
	} {
		u, err := record.ParseUpstream(text)
		require.NoError(t, err)
		require.Equal(t, want, [2]string{u.GRPC.String(), u.HTTP.String()}, text)
	}
	for _, text := range []string{"", "ftp://x", "http://"} {
		_, err := record.ParseUpstream(text)
		require.Error(t, err, text)
	}
	_, err := record.Start(record.Config{Listen: []string{"x"}})
	require.ErrorContains(t, err, "to:")
}
