package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/perf/benchfmt"

	"github.com/instantdevlogs/devlogs/replay/diff"
	"github.com/instantdevlogs/devlogs/replay/gate"
	"github.com/instantdevlogs/devlogs/replay/ledger"
	"github.com/instantdevlogs/devlogs/replay/observe"
	"github.com/instantdevlogs/devlogs/replay/play"
	"github.com/instantdevlogs/devlogs/replay/verify"
)

var update = flag.Bool("update", false, "rewrite golden files")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// hostile is what a log line may hold.
const hostile = "</td><script>alert(1)</script> | `x` [a](javascript:b)\n::error::forged\n```"

// failedRun has a failure of each kind.
func failedRun() *Results {
	h := verify.NewHistogram()
	for ms := range 100 {
		verify.Record(h, time.Duration(ms+1)*time.Millisecond)
	}
	q := verify.SumUp(h)
	return &Results{
		Schema: Schema, Run: "01M861", Started: time.Date(2026, 8, 1, 10, 0, 0, 0, time.UTC), Recording: "checkout traffic",
		Machine: Machine{OS: "linux", Arch: "amd64", CPU: "Test CPU", Cores: 2, Memory: 8 << 30},
		Verify: &verify.Result{
			Run: "01M861", Identity: ledger.ByUID, Delivery: ledger.AtLeastOnce, Source: "sink", Requests: 2, Attempts: 3,
			Sent: 20, Delivered: 19, Lost: 1, Found: 19, Mutated: 2, Examined: 2,
			Mutations: []verify.Mutation{{Path: "attributes.http.status", Class: "int → string", Records: 2, Streams: 1,
				Samples: []verify.ChangeSample{{Ordinal: 3, Was: "200", Now: `"200"`}}}},
			LostBy:   []verify.Share{{Service: "checkout", Severity: "WARN", Lost: 1, Sent: 4, Sample: hostile}},
			Findings: []verify.Finding{{Kind: verify.Lost, Ordinal: 7, Request: 1, Lo: 1, Hi: 1, Record: hostile}},
			Latency:  &verify.Latencies{Ack: q, Service: q, Lag: q},
		},
		SelfTest: []verify.Proof{{Fault: verify.Lost, Found: true}, {Fault: verify.Phantom, Note: "the run is too small"}},
		Diff: &diff.Result{
			Golden: "golden.jsonl", Run: "run", GoldenRecords: 20, RunRecords: 19, Equal: 18, Changed: 1, Missing: 1, Examined: 1,
			Changes:   []diff.Change{{Path: "body", Class: "changed", Records: 1, Streams: 1, Samples: []diff.Sample{{Was: `"a"`, Now: hostile}}}},
			MissingBy: []diff.Group{{Service: "checkout", Severity: "WARN", Template: "retrying <*>", Records: 1, Sample: hostile}},
			Masks:     []diff.Use{{Path: "time", Match: "drop"}},
			Patterns:  &diff.Patterns{Templates: 3, Gate: true, New: []diff.Shift{{Template: "panic <*>", Run: 20}}},
		},
		Thresholds: []gate.Assertion{{Suite: "thresholds", Name: "ack.p(99) < 50ms", Message: "ack.p(99) is 99ms, wanted < 50ms"}},
		Play:       &play.Report{Target: "http://localhost:4318", Pace: "asap", Load: "closed", Seconds: 2, Throughput: 10},
		Queryable: &verify.Queryable{Samples: 100, Censored: 1, Lower: q, Upper: q, Watermark: []verify.Watermark{
			{At: time.Second, Acked: 10, Visible: 5}, {At: 2 * time.Second, Acked: 20, Visible: 19}}},
		Target: &observe.Usage{PID: 1, RSSMax: 100 << 20, CPUSeconds: 1.5},
	}
}

func write(t *testing.T, r *Results, format string) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, r.Write(&b, format))
	return b.String()
}

// What reports look like, for people who review a change of it.
func TestReportsLookAsReviewed(t *testing.T) {
	for _, f := range Formats {
		t.Run(f.Name, func(t *testing.T) {
			golden := filepath.Join("testdata", f.File)
			got := write(t, failedRun(), f.Name)
			if *update {
				require.NoError(t, os.MkdirAll("testdata", 0o755))
				require.NoError(t, os.WriteFile(golden, []byte(got), 0o600))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), got)
		})
	}
}

func TestJUnitIsXMLWithEveryAssertion(t *testing.T) {
	var suites junitSuites
	require.NoError(t, xml.Unmarshal([]byte(write(t, failedRun(), "junit")), &suites))
	all := failedRun().Assertions()
	require.Equal(t, len(all), suites.Tests)
	cases, failures := 0, 0
	for _, s := range suites.Suites {
		cases += len(s.Cases)
		for _, c := range s.Cases {
			if c.Failure != nil {
				failures++
			}
		}
	}
	require.Equal(t, len(all), cases)
	require.Equal(t, suites.Failures, failures)
	require.Equal(t, failedRun().failed(), failures)
}

func TestLogTextIsNeverMarkup(t *testing.T) {
	require.NotContains(t, write(t, failedRun(), "html"), "<script>alert")
	markdown := write(t, failedRun(), "md")
	outside := strings.Split(markdown, "````text") // the fence is longer than any in the text
	require.NotContains(t, outside[0], "<script>")
	for line := range strings.Lines(write(t, failedRun(), "github")) {
		require.True(t, strings.HasPrefix(line, "::error title=replay "), line)
	}
}

func TestBenchmarksAreReadByTheirTools(t *testing.T) {
	reader := benchfmt.NewReader(strings.NewReader(write(t, failedRun(), "gobench")), "bench.txt")
	results := 0
	for reader.Scan() {
		if r, ok := reader.Result().(*benchfmt.Result); ok {
			results++
			v, ok := r.Value("rec/s")
			require.True(t, ok)
			require.InDelta(t, 10, v, 0)
			_, ok = r.Value("ack-p99-sec")
			require.True(t, ok, "%v", r.Values)
		}
	}
	require.NoError(t, reader.Err())
	require.Equal(t, 1, results)

	var points []struct {
		Name, Unit string
		Value      float64
	}
	require.NoError(t, json.Unmarshal([]byte(write(t, failedRun(), "benchmark-action")), &points))
	require.Equal(t, "replay time for a record", points[0].Name)
	require.InDelta(t, 1e8, points[0].Value, 0)
}

func TestMetricsAreFoundByName(t *testing.T) {
	r := failedRun()
	for _, text := range []string{"delivery.lost == 1", "golden.missing == 1", "ack.p(50) <= 51ms", "ack.max >= 99ms", "queryable.censored == 1",
		"throughput == 10", "replay.dropped == 0", "target.rss.max == 100MiB", "target.cpu < 2s", "replay.lag.p(99) < 1s", "order.inversions == 0"} {
		threshold, err := gate.Parse(text)
		require.NoError(t, err)
		all, err := gate.Check([]gate.Threshold{threshold}, r, nil)
		require.NoError(t, err, text)
		require.True(t, all[0].OK, all[0].Message)
		// A run that measured nothing fails what it can't show.
		all, err = gate.Check([]gate.Threshold{threshold}, &Results{}, nil)
		require.NoError(t, err, text)
		require.False(t, all[0].OK, text)
		require.Contains(t, all[0].Message, "was not measured")
	}
	_, _, _, err := r.Metric("colour", "", 0)
	require.ErrorContains(t, err, "delivery.lost")
	_, _, _, err = r.Metric("ack", "", 0)
	require.ErrorContains(t, err, "ack.p(99)")
	_, _, _, err = r.Metric("delivery.lost", "p", 99)
	require.Error(t, err)
}

func TestABaselineOfAnotherMachineIsRefused(t *testing.T) {
	a, b := failedRun(), failedRun()
	require.Empty(t, a.SameMachine(b))
	b.Machine.Cores = 64
	require.Contains(t, a.SameMachine(b), "another machine")
}

func TestResultsGrowFromVerbToVerb(t *testing.T) {
	dir := t.TempDir()
	w, err := ledger.Create(dir, ledger.Meta{Recording: "/somewhere/rec"})
	require.NoError(t, err)
	a, err := w.Begin(ledger.Request{Records: 10})
	require.NoError(t, err)
	require.NoError(t, w.End(a, ledger.Outcome{Class: ledger.Ack, Done: time.Second}))
	require.NoError(t, w.Close())
	r, err := Load(dir)
	require.NoError(t, err)
	require.Equal(t, "rec", r.Recording)
	r.Verify = failedRun().Verify
	require.NoError(t, r.Save(dir))
	r, err = Load(dir)
	require.NoError(t, err)
	require.Equal(t, uint64(1), r.Verify.Lost)
	r.Diff = &diff.Result{Missing: 3}
	require.NoError(t, r.Save(dir))
	r, err = LoadFile(dir)
	require.NoError(t, err)
	require.Equal(t, uint64(1), r.Verify.Lost)
	require.Equal(t, uint64(3), r.Diff.Missing)
	require.Contains(t, write(t, r, "html"), "Records a second", "the chart is drawn from the ledger")

	require.NoError(t, os.WriteFile(filepath.Join(dir, FileName), []byte(`{"schema": 99}`), 0o600))
	_, err = Load(dir)
	require.ErrorContains(t, err, "newer version")
	_, err = LoadFile(filepath.Join(dir, "gone.json"))
	require.ErrorContains(t, err, "read the baseline")
}
