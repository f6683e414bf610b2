package diff

import (
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/instantdevlogs/devlogs/replay/canon"
	"github.com/instantdevlogs/devlogs/replay/canon/canontest"
	"github.com/instantdevlogs/devlogs/replay/ledger"
	"github.com/instantdevlogs/devlogs/replay/verify"
	"github.com/instantdevlogs/devlogs/replay/verify/source"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const start = 1_800_000_000_000_000_000

// output makes what a pipeline puts out: n records of two services.
func output(n int, uid bool) []*canon.Record {
	run := ledger.NewRun(pcommon.Timestamp(start).AsTime())
	var all []*canon.Record
	for i := range n {
		r := canon.New()
		r.Resource.Attributes().PutStr("service.name", fmt.Sprintf("service-%d", i%2))
		r.Log.SetTimestamp(pcommon.Timestamp(start + i*1000))
		r.Log.SetSeverityText("INFO")
		r.Log.Body().SetStr(fmt.Sprintf("order %d placed", i))
		r.Log.Attributes().PutInt("http.status", 200)
		r.Log.Attributes().PutStr("request.id", fmt.Sprintf("%08x-0000-4000-8000-%012x", i, i))
		r.Log.Attributes().PutDouble("took_ms", 10)
		if uid {
			r.Log.Attributes().PutStr(ledger.UIDAttribute, ledger.UID{Run: run, Ordinal: uint64(i)}.String())
		}
		all = append(all, r)
	}
	return all
}

func input(name string, all []*canon.Record) Input {
	return Input{Name: name, Records: func(context.Context) iter.Seq2[*canon.Record, error] {
		return func(yield func(*canon.Record, error) bool) {
			for _, r := range all {
				if !yield(r, nil) {
					return
				}
			}
		}
	}}
}

func masks(t testing.TB, pairs ...string) *Masks {
	t.Helper()
	var list []*Mask
	for i := 0; i < len(pairs); i += 2 {
		m, err := NewMask(pairs[i], pairs[i+1])
		require.NoError(t, err)
		list = append(list, m)
	}
	return newMasks(list)
}

func compare(t testing.TB, golden, run []*canon.Record, o Options) *Result {
	t.Helper()
	r, err := Compare(t.Context(), input("golden", golden), input("run", run), o)
	require.NoError(t, err)
	return r
}

func text(t testing.TB, r *Result) string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, r.WriteText(&b))
	return b.String()
}

func both2(t *testing.T, f func(t *testing.T, uid bool)) {
	t.Run("by uid", func(t *testing.T) { f(t, true) })
	t.Run("by content", func(t *testing.T) { f(t, false) })
}

func TestEqualOutputPassesWhateverItsOrder(t *testing.T) {
	both2(t, func(t *testing.T, uid bool) {
		run := output(20, uid)
		run[0], run[19] = run[19], run[0]
		r := compare(t, output(20, uid), run, Options{})
		require.Empty(t, r.Failures(), text(t, r))
		require.Equal(t, uint64(20), r.Equal)
	})
}

func TestAChangedTypeIsNamed(t *testing.T) {
	both2(t, func(t *testing.T, uid bool) {
		run := output(20, uid)
		for _, r := range run {
			r.Log.Attributes().PutStr("http.status", "200")
		}
		r := compare(t, output(20, uid), run, Options{})
		require.Equal(t, []string{"20 records changed"}, r.Failures(), text(t, r))
		require.Len(t, r.Changes, 1)
		require.Contains(t, text(t, r), "attributes.http.status int → string, 20 records, 2 streams (service-0, service-1)\n    golden: 200\n    now:    \"200\"")
	})
}

func TestMissingAndExtraAreSummedByTemplate(t *testing.T) {
	both2(t, func(t *testing.T, uid bool) {
		extra := output(1, false)[0]
		extra.Log.Body().SetStr("debugging was left on")
		r := compare(t, output(20, uid), append(output(20, uid)[:15], extra), Options{})
		require.Equal(t, []string{
			"5 records missing: in the golden, but not in the run", "1 record too many: in the run, but not in the golden",
		}, r.Failures(), text(t, r))
		require.Contains(t, text(t, r), "missing: 3 records of service-1 INFO: order <*> placed")
		require.Contains(t, text(t, r), "too many: 1 record of service-0 INFO: debugging was left on")
	})
}

func TestADuplicateIsTooMany(t *testing.T) {
	both2(t, func(t *testing.T, uid bool) {
		run := output(20, uid)
		r := compare(t, output(20, uid), append(run, run[3]), Options{})
		require.Equal(t, []string{
			"1 record too many: more often in the run than in the golden, as when something sends or stores twice",
		}, r.Failures(), text(t, r))
	})
}

func TestMasksLetPassWhatTheySayAndNoMore(t *testing.T) {
	for name, c := range map[string]struct {
		path, match string
		change      func(i int, r *canon.Record)
		ok          bool
	}{
		"dropped":         {"attributes.took_ms", "drop", func(i int, r *canon.Record) { r.Log.Attributes().PutStr("took_ms", "x") }, true},
		"present":         {"attributes.took_ms", "present", func(i int, r *canon.Record) { r.Log.Attributes().PutStr("took_ms", "x") }, true},
		"not present":     {"attributes.took_ms", "present", func(i int, r *canon.Record) { r.Log.Attributes().Remove("took_ms") }, false},
		"of its type":     {"attributes.took_ms", "type", func(i int, r *canon.Record) { r.Log.Attributes().PutDouble("took_ms", 99) }, true},
		"of another type": {"attributes.took_ms", "type", func(i int, r *canon.Record) { r.Log.Attributes().PutInt("took_ms", 99) }, false},
		"another UUID": {"attributes.request.id", "uuid", func(i int, r *canon.Record) {
			r.Log.Attributes().PutStr("request.id", "0fb8a1e2-1c2d-4e5f-8a9b-0c1d2e3f4a5b")
		}, true},
		"no UUID":          {"attributes.request.id", "uuid", func(i int, r *canon.Record) { r.Log.Attributes().PutStr("request.id", "none") }, false},
		"a match":          {"attributes.request.*", "regex([0-9a-f-]+)", func(i int, r *canon.Record) { r.Log.Attributes().PutStr("request.id", "ab-1") }, true},
		"no match":         {"attributes.request.*", "regex([0-9a-f-]+)", func(i int, r *canon.Record) { r.Log.Attributes().PutStr("request.id", "xyz") }, false},
		"in the set":       {"severity_text", "set(INFO, WARN)", func(i int, r *canon.Record) { r.Log.SetSeverityText("WARN") }, true},
		"not in the set":   {"severity_text", "set(INFO, WARN)", func(i int, r *canon.Record) { r.Log.SetSeverityText("ERROR") }, false},
		"a near number":    {"attributes.took_ms", "number(±20%)", func(i int, r *canon.Record) { r.Log.Attributes().PutDouble("took_ms", 12) }, true},
		"a far number":     {"attributes.took_ms", "number(±20%)", func(i int, r *canon.Record) { r.Log.Attributes().PutDouble("took_ms", 12.1) }, false},
		"no number":        {"attributes.took_ms", "number(±20%)", func(i int, r *canon.Record) { r.Log.Attributes().PutStr("took_ms", "10") }, false},
		"another run":      {"time", "time-relative(±1s)", func(i int, r *canon.Record) { r.Log.SetTimestamp(r.Log.Timestamp() + 3600e9) }, true},
		"a late record":    {"time", "time-relative(±1s)", func(i int, r *canon.Record) { r.Log.SetTimestamp(r.Log.Timestamp() + pcommon.Timestamp(i)*1e9) }, false},
		"a hex id":         {"attributes.request.id", "hex(4)", func(i int, r *canon.Record) { r.Log.Attributes().PutStr("request.id", "00ff") }, true},
		"a longer hex id":  {"attributes.request.id", "hex(4)", func(i int, r *canon.Record) { r.Log.Attributes().PutStr("request.id", "00ff0") }, false},
		"another path too": {"attributes.took_ms", "drop", func(i int, r *canon.Record) { r.Log.Attributes().PutInt("http.status", 500) }, false},
	} {
		both2(t, func(t *testing.T, uid bool) {
			t.Run(name, func(t *testing.T) {
				golden := output(4, uid)
				if strings.HasPrefix(c.match, "hex") {
					for _, r := range golden {
						r.Log.Attributes().PutStr("request.id", "abcd")
					}
				}
				file := filepath.Join(t.TempDir(), "golden.jsonl")
				n, err := WriteGolden(t.Context(), file, input("golden", golden), masks(t, c.path, c.match))
				require.NoError(t, err)
				require.Equal(t, 4, n)
				run := output(4, uid)
				for i, r := range run {
					c.change(i, r)
				}
				// The golden as it was, and as it is written, must mean the same.
				for _, g := range []Input{input("golden", golden), fromFile(t, file)} {
					r, err := Compare(t.Context(), g, input("run", run), Options{Masks: masks(t, c.path, c.match)})
					require.NoError(t, err)
					require.Equal(t, c.ok, r.OK(), text(t, r))
				}
			})
		})
	}
}

func fromFile(t testing.TB, file string) Input {
	t.Helper()
	f, err := source.OpenFile(file)
	require.NoError(t, err)
	return Input{Name: file, Records: func(ctx context.Context) iter.Seq2[*canon.Record, error] {
		return f.Scan(ctx, verify.Window{})
	}}
}

func TestUnusedMaskFails(t *testing.T) {
	r := compare(t, output(3, true), output(3, true), Options{Masks: masks(t, "attributes.gone", "drop")})
	require.Equal(t, []string{"the mask for attributes.gone (drop) was never needed: remove it, before it hides something"}, r.Failures())
}

func TestAdditionsFailUnlessAllowed(t *testing.T) {
	both2(t, func(t *testing.T, uid bool) {
		run := output(4, uid)
		for _, r := range run {
			r.Log.Attributes().PutStr("new", "x")
		}
		require.Equal(t, []string{"4 records changed"}, compare(t, output(4, uid), run, Options{}).Failures())
		r := compare(t, output(4, uid), run, Options{AllowAdded: true})
		require.Empty(t, r.Failures())
		require.Equal(t, map[string]uint64{"attributes.new": 4}, r.Added)
		run[0].Log.Attributes().PutInt("http.status", 500)
		require.NotEmpty(t, compare(t, output(4, uid), run, Options{AllowAdded: true}).Failures())
	})
}

// A golden that is read back equals what it was made from, and is the same file whatever the order of the records.
func TestGoldenIsStableAndComplete(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var all []*canon.Record
		for range rapid.IntRange(1, 6).Draw(rt, "records") {
			r := canontest.Record(rt)
			r.Log.SetSeverityText("INFO") // OTLP/JSON has no form for text that is not UTF-8
			if logs := asLogs(r); !roundTrips(logs) {
				rt.Skip("JSON can't hold it")
			}
			all = append(all, r)
		}
		dir := t.TempDir()
		first, second := filepath.Join(dir, "a.jsonl"), filepath.Join(dir, "b.jsonl")
		_, err := WriteGolden(t.Context(), first, input("run", all), nil)
		require.NoError(rt, err)
		for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
			all[i], all[j] = all[j], all[i]
		}
		_, err = WriteGolden(t.Context(), second, input("run", all), nil)
		require.NoError(rt, err)
		a, err := os.ReadFile(first)
		require.NoError(rt, err)
		b, err := os.ReadFile(second)
		require.NoError(rt, err)
		require.Equal(rt, string(a), string(b))
		r, err := Compare(t.Context(), fromFile(t, first), input("run", all), Options{})
		require.NoError(rt, err)
		require.Empty(rt, r.Failures())
	})
}

func asLogs(r *canon.Record) plog.Logs {
	logs := plog.NewLogs()
	rl := logs.ResourceLogs().AppendEmpty()
	r.Resource.CopyTo(rl.Resource())
	sl := rl.ScopeLogs().AppendEmpty()
	r.Scope.CopyTo(sl.Scope())
	r.Log.CopyTo(sl.LogRecords().AppendEmpty())
	return logs
}

func roundTrips(logs plog.Logs) bool {
	line, err := (&plog.JSONMarshaler{}).MarshalLogs(logs)
	if err != nil {
		return false
	}
	back, err := (&plog.JSONUnmarshaler{}).UnmarshalLogs(line)
	if err != nil {
		return false
	}
	h := canon.NewHasher(nil)
	var hashes []canon.Hash
	for _, l := range []plog.Logs{logs, back} {
		for r := range canon.Records(l) {
			hashes = append(hashes, h.Record(r))
		}
	}
	return hashes[0] == hashes[1]
}

func TestNoiseIsLearntAsNarrowMasks(t *testing.T) {
	var runs []Input
	for n := range 3 {
		all := output(10, true)
		for i, r := range all {
			r.Log.SetTimestamp(r.Log.Timestamp() + pcommon.Timestamp(n)*3600e9 + pcommon.Timestamp(i*n)*1e6)
			r.Log.Attributes().PutStr("request.id", fmt.Sprintf("%08x-0000-4000-8000-%012x", i, n))
			r.Log.Attributes().PutDouble("took_ms", 10+float64(n))
			r.Log.Attributes().PutStr("node", fmt.Sprintf("node-%d", n))
		}
		runs = append(runs, input(fmt.Sprint("run ", n), all))
	}
	proposals, err := LearnNoise(t.Context(), runs)
	require.NoError(t, err)
	var got []string
	for _, p := range proposals {
		got = append(got, p.Path+" "+p.Match)
	}
	require.ElementsMatch(t, []string{"time time-relative(±36ms)", "attributes.request.id uuid", "attributes.took_ms number(±40%)",
		"attributes.node type"}, got)

	// What is proposed is a masks file, and with it the runs are equal.
	var b strings.Builder
	require.NoError(t, WriteProposals(&b, proposals))
	file := filepath.Join(t.TempDir(), "masks.yaml")
	require.NoError(t, os.WriteFile(file, []byte(b.String()), 0o600))
	read, err := ReadMasks(file)
	require.NoError(t, err, b.String())
	r, err := Compare(t.Context(), runs[0], runs[2], Options{Masks: read})
	require.NoError(t, err)
	require.Empty(t, r.Failures(), text(t, r))
}

func TestBadMasksSayWhatIsWrong(t *testing.T) {
	file := filepath.Join(t.TempDir(), "masks.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`
masks:
  - {path: a, match: guess}
  - {path: b, match: hex}
  - {path: c, match: "number(20)"}
  - {path: "", match: drop}
  - {path: resource.x, match: "number(±1%)"}
  - {path: d, match: "regex(()"}
`), 0o600))
	_, err := ReadMasks(file)
	for _, want := range []string{`mask 1: a: "guess"`, "hex needs", "number needs", "no path", "a resource or a scope", "regex needs"} {
		require.ErrorContains(t, err, want)
	}
	require.NoError(t, os.WriteFile(file, []byte("masks:\n  - {path: a, matcher: drop}\n"), 0o600))
	_, err = ReadMasks(file)
	require.ErrorContains(t, err, "matcher")
	require.NoError(t, os.WriteFile(file, []byte("masks: []\n---\nmasks: [{path: a, match: drop}]\n"), 0o600))
	_, err = ReadMasks(file)
	require.ErrorContains(t, err, "after the first document")
}

func TestPatternsShowWhatIsNewGoneAndShifted(t *testing.T) {
	golden, run := output(100, false), output(100, false)
	for i := range 20 {
		golden[i].Log.Body().SetStr(fmt.Sprintf("cache miss for key k%d", i))
		run[i].Log.Body().SetStr(fmt.Sprintf("panic in worker %d", i))
	}
	for i := range 10 {
		golden[20+i].Log.Body().SetStr("heartbeat of the scheduler")
		run[20+i].Log.Body().SetStr("heartbeat of the scheduler")
		run[30+i].Log.Body().SetStr("heartbeat of the scheduler")
		run[40+i].Log.Body().SetStr("heartbeat of the scheduler")
	}
	r := compare(t, golden, run, Options{Patterns: PatternOptions{Gate: true}})
	p := r.Patterns
	require.Equal(t, []string{"panic in worker <*>"}, templates(p.New))
	require.Equal(t, []string{"cache miss for key <*>"}, templates(p.Vanished))
	require.Equal(t, []string{"heartbeat of the scheduler"}, templates(p.Shifted))
	require.InDelta(t, 3, p.Shifted[0].Factor, 0.001)
	require.Contains(t, strings.Join(r.Failures(), "\n"), "1 new, 1 vanished, 1 with another share")

	p = compare(t, golden, run, Options{Patterns: PatternOptions{Floor: 50}}).Patterns
	require.Empty(t, p.New)
	require.Empty(t, compare(t, golden, golden, Options{Patterns: PatternOptions{Gate: true}}).Failures())
}

func templates(shifts []Shift) (all []string) {
	for _, s := range shifts {
		all = append(all, s.Template)
	}
	return all
}
