package gen_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/goleak"

	"github.com/instantdevlogs/devlogs/replay/gen"
	"github.com/instantdevlogs/devlogs/replay/recording"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func profile(records int64) gen.Profile {
	p := gen.Default()
	p.Records = records
	return p
}

func generate(t testing.TB, p gen.Profile) ([]*recording.Message, []*gen.Incident) {
	t.Helper()
	var all []*recording.Message
	incidents, err := gen.Run(context.Background(), p, func(m *recording.Message) error {
		all = append(all, m)
		return nil
	})
	require.NoError(t, err)
	return all, incidents
}

// each calls back for every record.
func each(t testing.TB, messages []*recording.Message, f func(service string, r plog.LogRecord)) {
	for _, m := range messages {
		logs, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(m.Body)
		require.NoError(t, err)
		for _, rl := range logs.ResourceLogs().All() {
			service, _ := rl.Resource().Attributes().Get("service.name")
			for _, sl := range rl.ScopeLogs().All() {
				for _, r := range sl.LogRecords().All() {
					f(service.Str(), r)
				}
			}
		}
	}
}

func TestSameSeedGivesSameBytes(t *testing.T) {
	write := func(seed uint64) map[string][]byte {
		dir := filepath.Join(t.TempDir(), "rec")
		p := profile(8_000)
		p.Seed = seed
		require.NoError(t, gen.WriteRecording(context.Background(), p, dir))
		files := map[string][]byte{}
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		for _, e := range entries {
			files[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name()))
			require.NoError(t, err)
		}
		return files
	}
	a, b, other := write(7), write(7), write(8)
	require.Contains(t, a, "incidents.json")
	require.Contains(t, a, "logs-000001.jsonl.zst")
	require.Len(t, b, len(a))
	for name := range a {
		require.True(t, bytes.Equal(a[name], b[name]), name)
		require.False(t, bytes.Equal(a[name], other[name]), name)
	}
}

func TestExactlySoManyRecordsInOrderOfArrival(t *testing.T) {
	for _, n := range []int64{1, 999, 5000} {
		messages, _ := generate(t, profile(n))
		total, last := int64(0), int64(0)
		for _, m := range messages {
			total += int64(m.Records)
			require.GreaterOrEqual(t, m.Arrival, last)
			last = m.Arrival
		}
		require.Equal(t, n, total)
		count := int64(0)
		each(t, messages, func(string, plog.LogRecord) { count++ })
		require.Equal(t, n, count)
	}
}

// The bands are those of real systems' logs; telemetrygen's constant bodies compress 57:1 and have one template.
func TestLogsAreRealistic(t *testing.T) {
	p := profile(40_000)
	p.Incidents = []gen.IncidentSpec{}
	messages, _ := generate(t, p)
	var sizes []int
	severities := map[plog.SeverityNumber]int{}
	traced, multiline, total := 0, 0, 0
	services, traces, hosts := map[string]int{}, map[pcommon.TraceID]map[string]bool{}, map[string]bool{}
	each(t, messages, func(service string, r plog.LogRecord) {
		total++
		services[service]++
		severities[r.SeverityNumber()/4*4+1]++
		text := r.Body().AsString()
		sizes = append(sizes, len(text))
		if id := r.TraceID(); !id.IsEmpty() {
			traced++
			if traces[id] == nil {
				traces[id] = map[string]bool{}
			}
			traces[id][service] = true
		}
		if strings.Contains(text, "\n") || hasStack(r) {
			multiline++
		}
		hosts[text] = true
	})
	share := func(n int) float64 { return float64(n) / float64(total) }
	require.InDelta(t, 0.75, share(severities[9]), 0.15, "INFO")
	require.InDelta(t, 0.12, share(severities[5]), 0.10, "DEBUG")
	require.InDelta(t, 0.07, share(severities[13]), 0.06, "WARN")
	require.InDelta(t, 0.03, share(severities[17]), 0.028, "ERROR")
	require.InDelta(t, 0.85, share(traced), 0.12, "with a trace")
	require.InDelta(t, 0.02, share(multiline), 0.019, "with several lines")
	slices.Sort(sizes)
	require.InDelta(t, 150, sizes[len(sizes)/2], 100, "median body")
	require.InDelta(t, 2000, sizes[len(sizes)*999/1000], 6000, "a body of the largest thousandth")
	require.Greater(t, sizes[len(sizes)-1], 10_000)
	require.Len(t, services, 16)
	require.Greater(t, services["gateway"], total/16, "services are not all alike")
	across := 0
	for _, s := range traces {
		across += len(s)
	}
	require.InDelta(t, 3.5, float64(across)/float64(len(traces)), 1.5, "services in a trace")
	require.Greater(t, len(hosts), total/2, "texts are not all alike")
}

func hasStack(r plog.LogRecord) bool {
	_, ok := r.Attributes().Get("exception.stacktrace")
	return ok
}

func TestLogsCompressAsLogsDo(t *testing.T) {
	messages, _ := generate(t, profile(30_000))
	var batch []byte
	for _, m := range messages {
		if batch = append(batch, m.Body...); len(batch) > 1<<20 {
			break
		}
	}
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(3)))
	require.NoError(t, err)
	ratio := float64(len(batch)) / float64(len(e.EncodeAll(batch, nil)))
	t.Logf("zstd -3 ratio of %d bytes: %.1f", len(batch), ratio)
	require.Greater(t, ratio, 4.0)
	require.Less(t, ratio, 25.0)
}

// Arrivals of users are bursty: the variance of counts is well above their mean, where independent arrivals have both equal.
func TestTrafficIsBursty(t *testing.T) {
	p := profile(80_000)
	p.Incidents = []gen.IncidentSpec{}
	messages, _ := generate(t, p)
	perSecond := map[int64]float64{}
	seen := map[pcommon.TraceID]bool{}
	each(t, messages, func(_ string, r plog.LogRecord) {
		if id := r.TraceID(); !id.IsEmpty() && !seen[id] {
			seen[id] = true
			perSecond[int64(r.ObservedTimestamp())/int64(10*time.Second)]++
		}
	})
	sum, square := 0.0, 0.0
	for _, n := range perSecond {
		sum += n
		square += n * n
	}
	n := float64(len(perSecond))
	mean := sum / n
	dispersion := (square/n - mean*mean) / mean
	t.Logf("index of dispersion: %.1f", dispersion)
	require.Greater(t, dispersion, 2.0)
	require.InDelta(t, 160, n*10, 60, "the rate must be about what was asked for")
}

func TestTemplatesGrowAsTextDoes(t *testing.T) {
	count := func(n int64) int {
		p := profile(n)
		p.Nasty = 0
		messages, _ := generate(t, p)
		templates := map[string]bool{}
		each(t, messages, func(_ string, r plog.LogRecord) {
			if v, ok := r.Attributes().Get("code.namespace"); ok {
				templates[v.Str()+skeleton(r.Body().AsString())] = true
			}
		})
		return len(templates)
	}
	small, large := count(5_000), count(50_000)
	t.Logf("%d templates in 5k records, %d in 50k", small, large)
	require.Greater(t, small, 100)
	require.Greater(t, large, small*3/2, "new templates keep coming")
	require.Less(t, large, small*7, "but ever more slowly")
}

// skeleton drops what varies: digits, and words that have one.
func skeleton(text string) string {
	var words []string
	for _, w := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" ,=\"[]():", r) }) {
		if !strings.ContainsAny(w, "0123456789") {
			words = append(words, w)
		}
	}
	return strings.Join(words[:min(len(words), 6)], " ")
}

func TestIncidentsHappenAndAreWrittenDown(t *testing.T) {
	p := profile(80_000)
	p.Nasty = 0
	messages, incidents := generate(t, p)
	require.Len(t, incidents, len(gen.Kinds))
	for _, i := range incidents {
		require.True(t, i.Start.Before(i.End), i.Kind)
		require.NotEmpty(t, i.Description)
		signs := make([]int, len(i.Signs))
		during := 0
		each(t, messages, func(service string, r plog.LogRecord) {
			at := r.ObservedTimestamp().AsTime()
			if inside := at.After(i.Start) && at.Before(i.End); inside && service == i.Service {
				during++
			}
			for n, sign := range i.Signs {
				if strings.Contains(r.Body().AsString(), sign) {
					signs[n]++
				}
			}
		})
		for n, count := range signs {
			require.Positive(t, count, "%s: %s", i.Kind, i.Signs[n])
		}
		switch i.Kind {
		case gen.LogSilence:
			require.LessOrEqual(t, during, 2, "silence")
		case gen.ClockSkew:
			skewed := 0
			each(t, messages, func(_ string, r plog.LogRecord) {
				if r.Timestamp() > r.ObservedTimestamp()+pcommon.Timestamp(6*time.Minute) {
					skewed++
				}
			})
			require.Positive(t, skewed)
		case gen.ErrorStorm, gen.BadClient, gen.DependencyTimeout:
			require.Greater(t, i.Records, int64(100), i.Kind)
		default:
			require.Positive(t, i.Records, i.Kind)
		}
	}
}

func TestCardinalityIsAsAskedFor(t *testing.T) {
	p := profile(20_000)
	p.Nasty = 0
	p.Attributes = []gen.Attribute{
		{Name: "c", Kind: "constant"}, {Name: "e", Kind: "enum", N: 7}, {Name: "z", Kind: "zipf", N: 1000},
		{Name: "u", Kind: "unique"}, {Name: "g", Kind: "growing"}, {Name: "h", Kind: "constant", Share: 0.5},
	}
	messages, _ := generate(t, p)
	values, counts := map[string]map[string]bool{}, map[string]int{}
	each(t, messages, func(_ string, r plog.LogRecord) {
		for _, a := range p.Attributes {
			if v, ok := r.Attributes().Get(a.Name); ok {
				if values[a.Name] == nil {
					values[a.Name] = map[string]bool{}
				}
				values[a.Name][v.Str()] = true
				counts[a.Name]++
			}
		}
	})
	require.Len(t, values["c"], 1)
	require.Len(t, values["e"], 7)
	require.InDelta(t, 900, len(values["z"]), 150)
	require.Len(t, values["u"], 20_000)
	require.InDelta(t, 200, len(values["g"]), 80)
	require.InDelta(t, 10_000, counts["h"], 500)
}

func TestNastyRecordsAreThereAndSurviveARecording(t *testing.T) {
	p := profile(20_000)
	p.Nasty = 0.2
	dir := filepath.Join(t.TempDir(), "rec")
	require.NoError(t, gen.WriteRecording(context.Background(), p, dir))
	want, _ := generate(t, p)
	r, err := recording.Open([]string{dir}, recording.Options{Strict: true})
	require.NoError(t, err)
	defer r.Close()
	n := 0
	for m, err := range r.Messages() {
		require.NoError(t, err)
		require.True(t, bytes.Equal(want[n].Body, m.Body), "request %d", n)
		require.Equal(t, want[n].Arrival, m.Arrival)
		n++
	}
	require.Len(t, want, n)
	odd := map[string]int{}
	each(t, want, func(_ string, r plog.LogRecord) {
		if r.Timestamp() == 0 {
			odd["zero time"]++
		}
		if strings.Contains(r.Body().AsString(), "\x00") {
			odd["NUL"]++
		}
		if r.Attributes().Len() > 150 {
			odd["many attributes"]++
		}
		if r.Body().Type() == pcommon.ValueTypeEmpty {
			odd["no body"]++
		}
	})
	require.Len(t, odd, 4)
}

func TestBadProfilesSayWhatToChange(t *testing.T) {
	for want, change := range map[string]func(*gen.Profile){
		"services": func(p *gen.Profile) { p.Services = 1 },
		"records":  func(p *gen.Profile) { p.Records = 0 },
		"none of":  func(p *gen.Profile) { p.Incidents = []gen.IncidentSpec{{Kind: "fire", At: 0.1, For: 0.1}} },
		"within":   func(p *gen.Profile) { p.Incidents = []gen.IncidentSpec{{Kind: gen.Deploy, At: 0.9, For: 0.2}} },
		"how many": func(p *gen.Profile) { p.Attributes = []gen.Attribute{{Name: "x", Kind: "enum"}} },
		"one of":   func(p *gen.Profile) { p.Attributes = []gen.Attribute{{Name: "x", Kind: "magic"}} },
	} {
		p := profile(10)
		change(&p)
		_, err := gen.Run(context.Background(), p, func(*recording.Message) error { return nil })
		require.ErrorContains(t, err, want)
	}
	p := gen.Default()
	file := filepath.Join(t.TempDir(), "p.yaml")
	require.NoError(t, os.WriteFile(file, []byte("recrods: 5\n"), 0o600))
	require.ErrorContains(t, p.Load(file), "recrods")
	require.NoError(t, os.WriteFile(file, []byte("seed: 5\nbursts: 1m\nincidents:\n- {kind: deploy, at: 0.5, for: 0.1}\n"), 0o600))
	require.NoError(t, p.Load(file))
	require.EqualValues(t, 5, p.Seed)
	require.Equal(t, time.Minute, p.Bursts)
}

func BenchmarkGenerate(b *testing.B) {
	const records = 100_000
	for b.Loop() {
		_, err := gen.Run(context.Background(), profile(records), func(*recording.Message) error { return nil })
		require.NoError(b, err)
	}
	b.ReportMetric(float64(b.N)*records/b.Elapsed().Seconds(), "records/s")
}
