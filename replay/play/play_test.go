package play_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/goleak"

	"github.com/instantdevlogs/devlogs/replay/ledger"
	"github.com/instantdevlogs/devlogs/replay/pace"
	"github.com/instantdevlogs/devlogs/replay/play"
	"github.com/instantdevlogs/devlogs/replay/prepare"
	"github.com/instantdevlogs/devlogs/replay/recording"
	"github.com/instantdevlogs/devlogs/replay/sink"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// keeper holds what arrives.
type keeper struct {
	mu     sync.Mutex
	bodies [][]byte
	at     []time.Time
}

func (k *keeper) Keep(message []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.bodies = append(k.bodies, slices.Clone(message))
	k.at = append(k.at, time.Now())
	return nil
}

func (k *keeper) records(t *testing.T) (all []plog.LogRecord) {
	t.Helper()
	for _, b := range k.bodies {
		logs, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(b)
		require.NoError(t, err)
		for _, rl := range logs.ResourceLogs().All() {
			for _, sl := range rl.ScopeLogs().All() {
				for _, r := range sl.LogRecords().All() {
					all = append(all, r)
				}
			}
		}
	}
	return all
}

const start = int64(1_700_000_000_000_000_000)

// record makes a recording of n requests with 3 records each, 10 ms apart.
func record(t testing.TB, n int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "rec")
	w, err := recording.Create(dir, recording.WriterOptions{})
	require.NoError(t, err)
	for i := range n {
		at := start + int64(i)*10_000_000
		body := request(t, at, i, 3)
		require.NoError(t, w.Write(&recording.Message{Body: body, Records: 3, Arrival: at,
			Entry: &recording.Entry{RecvNS: at, Proto: recording.ProtoHTTP, Tenant: "acme"}}))
	}
	require.NoError(t, w.Close())
	return dir
}

func request(t testing.TB, at int64, number, records int) []byte {
	logs := plog.NewLogs()
	rl := logs.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", fmt.Sprintf("s%d", number%2))
	rl.Resource().Attributes().PutStr("service.instance.id", "one")
	sl := rl.ScopeLogs().AppendEmpty()
	for j := range records {
		r := sl.LogRecords().AppendEmpty()
		r.SetTimestamp(pcommon.Timestamp(at - int64(j)))
		r.SetObservedTimestamp(pcommon.Timestamp(at))
		r.SetTraceID([16]byte{1, byte(number), byte(number >> 8)})
		r.SetSpanID([8]byte{2, byte(j), byte(number)})
		r.Body().SetStr(fmt.Sprintf("record %d of request %d", j, number))
	}
	b, err := (&plog.ProtoMarshaler{}).MarshalLogs(logs)
	require.NoError(t, err)
	return b
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

func config(t testing.TB, s *sink.Sink, protocol play.Protocol, recording string) play.Config {
	t.Helper()
	to := "http://" + s.HTTPAddr()
	if protocol == play.GRPC {
		to = "grpc://" + s.GRPCAddr()
	}
	target, err := play.ParseTarget(to, string(protocol))
	require.NoError(t, err)
	c := play.Default()
	c.Target, c.Settings.Paths = target, []string{recording}
	c.Ledger = filepath.Join(t.TempDir(), "run")
	c.Retry.Initial = time.Millisecond
	return c
}

func run(t testing.TB, c play.Config) *play.Report {
	t.Helper()
	report, err := play.Run(t.Context(), t.Context(), c)
	require.NoError(t, err)
	return report
}

func accounts(t *testing.T, dir string) (ledger.Meta, []ledger.Account) {
	t.Helper()
	r, err := ledger.Open(dir)
	require.NoError(t, err)
	all, err := r.Accounts()
	require.NoError(t, err)
	require.True(t, r.Closed)
	return r.Meta(), all
}

// again is what the ledger and the recording say was sent.
func again(t *testing.T, dir string) (bodies [][]byte) {
	t.Helper()
	meta, all := accounts(t, dir)
	var requests []ledger.Request
	for _, a := range all {
		requests = append(requests, a.Request)
	}
	for sent, err := range prepare.Again(meta, requests) {
		require.NoError(t, err)
		bodies = append(bodies, slices.Clone(sent.Body))
	}
	require.Len(t, bodies, len(requests))
	return bodies
}

// sameRequests compares what decoders see: OTLP/JSON does not keep the order of protobuf fields.
func sameRequests(t *testing.T, want, got [][]byte) {
	t.Helper()
	canonical := func(bodies [][]byte) (all []string) {
		for _, b := range bodies {
			logs, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(b)
			require.NoError(t, err)
			b, err := (&plog.ProtoMarshaler{}).MarshalLogs(logs)
			require.NoError(t, err)
			all = append(all, string(b))
		}
		slices.Sort(all)
		return all
	}
	require.True(t, slices.Equal(canonical(want), canonical(got)), "what arrived is not what was sent")
}

func TestWhatArrivesIsWhatTheLedgerSays(t *testing.T) {
	rec := record(t, 20)
	for _, protocol := range []play.Protocol{play.GRPC, play.HTTP, play.HTTPJSON} {
		for _, compression := range []string{"none", "gzip", "zstd"} {
			for _, identity := range []ledger.Identity{ledger.ByUID, ledger.ByTime, ledger.ByIDs, ledger.ByContent} {
				for _, eventTime := range []prepare.EventTime{prepare.Keep, prepare.Shift, prepare.Scale, prepare.Now} {
					if compression != "none" && (identity != ledger.ByUID || eventTime != prepare.Scale) {
						continue
					}
					t.Run(fmt.Sprint(protocol, "/", compression, "/", identity, "/", eventTime), func(t *testing.T) {
						s, k := startSink(t, "")
						c := config(t, s, protocol, rec)
						c.Compression, c.Loops, c.Settings.Replicas = compression, 2, 3
						c.Settings.Identity, c.Settings.EventTime = identity, eventTime
						c.Pace = &pace.Original{Speed: 100}
						report := run(t, c)
						require.EqualValues(t, 20*2*3, report.Acked.Requests)
						require.EqualValues(t, 20*2*3*3, report.Acked.Records)
						require.Zero(t, report.Failed.Requests)
						sameRequests(t, again(t, c.Ledger), k.bodies)
					})
				}
			}
		}
	}
}

func TestEveryCopyHasAnIdentityOfItsOwn(t *testing.T) {
	s, k := startSink(t, "")
	c := config(t, s, play.HTTP, record(t, 10))
	c.Loops, c.Settings.Replicas = 3, 4
	run(t, c)
	meta, _ := accounts(t, c.Ledger)
	uids, traces := map[string]bool{}, map[string]bool{}
	for _, r := range k.records(t) {
		v, ok := r.Attributes().Get(ledger.UIDAttribute)
		require.True(t, ok)
		uid, err := ledger.ParseUID(v.Str())
		require.NoError(t, err)
		require.Equal(t, meta.Run, uid.Run)
		require.Less(t, uid.Ordinal, uint64(30))
		require.Less(t, uid.Copy, uint32(12))
		require.False(t, uids[v.Str()])
		uids[v.Str()] = true
		traces[r.TraceID().String()] = true
	}
	require.Len(t, uids, 3*4*30)
	require.Len(t, traces, 3*4*10)
	instances := map[string]bool{}
	for _, b := range k.bodies {
		logs, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(b)
		require.NoError(t, err)
		v, _ := logs.ResourceLogs().At(0).Resource().Attributes().Get("service.instance.id")
		instances[v.Str()] = true
	}
	require.Len(t, instances, 4)
	require.Contains(t, instances, "one-r003")
}

func TestOutcomesGoIntoTheLedger(t *testing.T) {
	for _, protocol := range []play.Protocol{play.GRPC, play.HTTP} {
		for script, check := range map[string]func(t *testing.T, a ledger.Account, report *play.Report){
			"503x2": func(t *testing.T, a ledger.Account, report *play.Report) {
				lo, hi := a.Copies()
				require.Equal(t, [2]uint32{1, 3}, [2]uint32{lo, hi})
				require.EqualValues(t, 3, report.Attempts)
			},
			"400": func(t *testing.T, a ledger.Account, report *play.Report) {
				lo, hi := a.Copies()
				require.Equal(t, [2]uint32{0, 0}, [2]uint32{lo, hi})
				require.EqualValues(t, 1, report.Failed.Requests)
				require.Len(t, report.TopReasons(9), 1)
			},
			"reset-after-body": func(t *testing.T, a ledger.Account, report *play.Report) {
				lo, hi := a.Copies()
				require.Equal(t, [2]uint32{1, 2}, [2]uint32{lo, hi})
			},
			"partial 2": func(t *testing.T, a ledger.Account, report *play.Report) {
				require.True(t, a.Partial())
				require.EqualValues(t, 1, a.Delivered())
				require.EqualValues(t, 2, report.Rejected)
			},
		} {
			t.Run(fmt.Sprint(protocol, "/", script), func(t *testing.T) {
				s, _ := startSink(t, script)
				c := config(t, s, protocol, record(t, 1))
				report := run(t, c)
				_, all := accounts(t, c.Ledger)
				require.Len(t, all, 1)
				check(t, all[0], report)
			})
		}
	}
}

func TestUnreachableTargetIsNotSent(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	for _, to := range []string{gone.URL, "grpc://" + gone.Listener.Addr().String()} {
		target, err := play.ParseTarget(to, "")
		require.NoError(t, err)
		c := play.Default()
		c.Target, c.Settings.Paths, c.Ledger = target, []string{record(t, 2)}, filepath.Join(t.TempDir(), "run")
		c.Retry.For = 0
		report := run(t, c)
		require.EqualValues(t, 2, report.Failed.Requests)
		_, all := accounts(t, c.Ledger)
		for _, a := range all {
			lo, hi := a.Copies()
			require.Equal(t, [2]uint32{0, 0}, [2]uint32{lo, hi}, to)
		}
	}
}

// Each request waiting anew for a target that is not there would take the time for retries as often as there are requests.
func TestTargetThatIsNotThereIsWaitedForOnce(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	for name, p := range map[string]pace.Pacer{"asap": pace.ASAP{}, "original": &pace.Original{Speed: 1000}} {
		target, err := play.ParseTarget(gone.URL, "")
		require.NoError(t, err)
		c := play.Default()
		c.Target, c.Settings.Paths, c.Pace, c.InFlight = target, []string{record(t, 50)}, p, 1
		c.Retry.For, c.Retry.Initial = 200*time.Millisecond, 10*time.Millisecond
		report := run(t, c)
		require.EqualValues(t, 50, report.Failed.Requests, name)
		require.Less(t, report.Attempts, int64(100), name)
	}
}

func TestTimeoutIsAmbiguous(t *testing.T) {
	for _, protocol := range []play.Protocol{play.GRPC, play.HTTP} {
		// On a busy machine a timeout may pass before anything is sent; then it is a longer one's turn.
		for timeout := 100 * time.Millisecond; ; timeout *= 2 {
			s, _ := startSink(t, "slow 1h")
			c := config(t, s, protocol, record(t, 1))
			c.Timeout, c.Retry.For = timeout, 0
			report := run(t, c)
			require.EqualValues(t, 1, report.Failed.Requests)
			_, all := accounts(t, c.Ledger)
			require.Len(t, all, 1)
			lo, hi := all[0].Copies()
			if s.Stats().Requests == 1 {
				require.Equal(t, [2]uint32{0, 1}, [2]uint32{lo, hi})
				break
			}
			require.Zero(t, lo)
		}
	}
}

func TestTenantAndHeadersAreSent(t *testing.T) {
	var got http.Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { got = r.Header }))
	defer server.Close()
	target, err := play.ParseTarget(server.URL, "")
	require.NoError(t, err)
	c := play.Default()
	c.Target, c.Settings.Paths = target, []string{record(t, 1)}
	c.Headers = map[string]configopaque.String{"Authorization": "Bearer secret"}
	run(t, c)
	require.Equal(t, "acme", got.Get("X-Scope-OrgID"))
	require.Equal(t, "Bearer secret", got.Get("Authorization"))
	require.Equal(t, "application/x-protobuf", got.Get("Content-Type"))
	require.Empty(t, got.Get("Idempotency-Key"))
}

func TestRawTrafficIsReplayedByteForByte(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "rec")
	w, err := recording.Create(dir, recording.WriterOptions{})
	require.NoError(t, err)
	bodies := []string{`{"a":1}` + "\n", "", "\x1f\x8bnot really gzip"}
	for i, b := range bodies {
		require.NoError(t, w.Write(&recording.Message{Body: []byte(b), Raw: true, Arrival: start + int64(i), Entry: &recording.Entry{
			RecvNS: start + int64(i), Proto: recording.ProtoHTTPRaw, Method: "PUT", Path: "/in/it?x=1&y", ContentType: "application/x-ndjson", Enc: "gzip"}}))
	}
	require.NoError(t, w.Close())
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got = append(got, fmt.Sprint(r.Method, " ", r.URL, " ", r.Header.Get("Content-Type"), " ", r.Header.Get("Content-Encoding"), " ", string(b)))
	}))
	defer server.Close()
	target, err := play.ParseTarget(server.URL+"/base", "")
	require.NoError(t, err)
	c := play.Default()
	c.Target, c.Settings.Paths, c.InFlight = target, []string{dir}, 1
	report := run(t, c)
	require.EqualValues(t, 3, report.Acked.Requests)
	for i, b := range bodies {
		require.Equal(t, "PUT /base/in/it?x=1&y application/x-ndjson gzip "+b, got[i])
	}
}

func TestStopSendsNothingMoreAndWaits(t *testing.T) {
	s, k := startSink(t, "")
	c := config(t, s, play.HTTP, record(t, 50))
	c.Pace = pace.Rate{PerSecond: 1, Unit: pace.Requests}
	soft, stop := context.WithCancel(t.Context())
	go func() {
		for s.Stats().Requests == 0 {
			time.Sleep(time.Millisecond)
		}
		stop()
	}()
	report, err := play.Run(soft, t.Context(), c)
	require.NoError(t, err)
	require.True(t, report.Stopped)
	require.Less(t, report.Acked.Requests, int64(50))
	require.Len(t, k.bodies, int(report.Acked.Requests))
}

func TestLargeRecordingFlowsThroughALittleMemory(t *testing.T) {
	s, k := startSink(t, "")
	c := config(t, s, play.HTTP, record(t, 300))
	c.Preload, c.Loops, c.Settings.Replicas = 4<<10, 2, 2
	report := run(t, c)
	require.EqualValues(t, 300*2*2, report.Acked.Requests)
	sameRequests(t, again(t, c.Ledger), k.bodies)
}

func TestFilterAndSampleLeaveTheRestNumbered(t *testing.T) {
	s, k := startSink(t, "")
	c := config(t, s, play.HTTP, record(t, 200))
	c.Settings.Where, c.Settings.Sample = `service=s1 body~"record [01]"`, 0.5
	report := run(t, c)
	require.Positive(t, report.Acked.Records)
	require.Less(t, report.Acked.Records, int64(200))
	require.Zero(t, report.Acked.Records%2, "a trace is kept whole or not at all")
	sameRequests(t, again(t, c.Ledger), k.bodies)
	for i, r := range k.records(t) {
		require.Contains(t, r.Body().Str(), "record", i)
		require.NotContains(t, r.Body().Str(), "record 2")
	}
}

func TestEventTimeFollowsTheMode(t *testing.T) {
	rec := record(t, 11) // 100 ms
	for mode, want := range map[prepare.EventTime]struct{ span, ahead time.Duration }{
		prepare.Keep:  {100 * time.Millisecond, 0},
		prepare.Shift: {100 * time.Millisecond, 0},
		prepare.Scale: {10 * time.Millisecond, 0},
		prepare.Now:   {10 * time.Millisecond, 0},
	} {
		s, k := startSink(t, "")
		c := config(t, s, play.HTTP, rec)
		c.Pace, c.Settings.EventTime = &pace.Original{Speed: 10}, mode
		report := run(t, c)
		var times []int64
		for _, r := range k.records(t) {
			times = append(times, int64(r.ObservedTimestamp()))
		}
		first, last := slices.Min(times), slices.Max(times)
		require.InDelta(t, want.span, last-first, float64(2*time.Microsecond), mode)
		if mode == prepare.Keep {
			require.Equal(t, start, first)
		} else {
			require.InDelta(t, report.Started.UnixNano(), first, float64(time.Microsecond), mode)
		}
	}
}

func TestBadConfigurationsSayWhatToDo(t *testing.T) {
	target, err := play.ParseTarget("localhost:4318", "")
	require.NoError(t, err)
	for want, change := range map[string]func(*play.Config){
		"compression":       func(c *play.Config) { c.Compression = "brotli" },
		"duration":          func(c *play.Config) { c.Loops = 0 },
		"original pace":     func(c *play.Config) { c.Settings.EventTime = prepare.Scale },
		"amplify":           func(c *play.Config) { c.Settings.Replicas = 5000 },
		"where":             func(c *play.Config) { c.Settings.Where = "???" },
		"no record to send": func(c *play.Config) { c.Settings.Where = "service=nobody" },
	} {
		c := play.Default()
		c.Target, c.Settings.Paths = target, []string{record(t, 1)}
		change(&c)
		_, err := play.Run(t.Context(), t.Context(), c)
		require.ErrorContains(t, err, want)
	}
	for _, to := range []string{"", "ftp://x", "http://"} {
		_, err := play.ParseTarget(to, "")
		require.Error(t, err, to)
	}
}
