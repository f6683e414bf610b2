package cli

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"github.com/instantdevlogs/devlogs/replay/sink"
)

func put(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

// What would let any output pass is refused.
func TestAComparisonThatComparesNothingFails(t *testing.T) {
	run := played(t, "")
	golden := filepath.Join(t.TempDir(), "golden.jsonl")
	out, code := replay(t, "diff", golden, run, "--update")
	require.Zero(t, code, out)

	out, code = replay(t, "diff", golden, run, "--masks", put(t, "m.yaml", `masks: [{path: "*", match: drop}]`))
	require.Equal(t, ExitGolden, code, out)
	require.Contains(t, out, "the masks drop every value, so that nothing was compared")
	out, code = replay(t, "diff", golden, run, "--masks", put(t, "m.yaml", `masks: [{path: "attributes.*", match: drop}]`))
	require.Zero(t, code, out)

	empty := put(t, "empty.jsonl", "")
	out, code = replay(t, "diff", empty, run, "--source", "file="+empty)
	require.Equal(t, ExitGolden, code, out)
	require.Contains(t, out, "the golden holds no record")
	before, err := os.ReadFile(golden)
	require.NoError(t, err)
	out, code = replay(t, "diff", golden, run, "--source", "file="+empty, "--update")
	require.Equal(t, ExitUsage, code, out)
	require.Contains(t, out, "there is no record of the run in")
	after, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, before, after, "the golden stays")
}

// A golden whose last record was cut off would pass a run that lost that record.
func TestAGoldenThatIsCutOffIsRefused(t *testing.T) {
	run := played(t, "")
	golden := filepath.Join(t.TempDir(), "golden.jsonl")
	out, code := replay(t, "diff", golden, run, "--update")
	require.Zero(t, code, out)
	text, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(golden, text[:len(text)-20], 0o600))
	lost := put(t, "lost.jsonl", string(text[:bytes.LastIndexByte(text[:len(text)-1], '\n')+1]))
	out, code = replay(t, "diff", golden, lost)
	require.Equal(t, ExitTarget, code, out)
	require.Contains(t, out, "cut off")
}

func TestARunThatIsLookedForInTheWrongPlaceIsHintedAt(t *testing.T) {
	run, other := played(t, ""), played(t, "")
	out, code := replay(t, "verify", run, "--source", "file="+filepath.Join(other, "received.binpb"), "--settle", "1ms")
	require.Equal(t, ExitDelivery, code, out)
	require.Contains(t, out, "not one of the records there has a uid of this run")

	require.NoError(t, os.Remove(filepath.Join(run, "received.binpb")))
	out, code = replay(t, "verify", run, "--source", "sink")
	require.NotZero(t, code)
	require.Contains(t, out, "the run was not played with --sink")
}

// A target that refuses some requests at first, as one does that is busy, and takes none of their retries though it says so.
func TestATargetThatDropsRetriesIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		honest bool
		code   int
		says   string
	}{
		"dropped": {false, ExitDelivery, "records lost: acknowledged, but not there"},
		"stored":  {true, 0, "PASS every record is accounted for"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			rec, run, kept := filepath.Join(dir, "rec"), filepath.Join(dir, "run"), filepath.Join(dir, "kept.jsonl")
			out, code := replay(t, "gen", "-o", rec, "--records", "300", "--batch", "20")
			require.Zero(t, code, out)
			file, err := sink.CreateFile(kept)
			require.NoError(t, err)
			store, err := sink.Start(sink.Config{HTTP: "127.0.0.1:0", Keep: file})
			require.NoError(t, err)
			behind := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: store.HTTPAddr()})
			var mu sync.Mutex
			tries := map[string]int{}
			target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					w.WriteHeader(http.StatusBadRequest)
					return
				}
				mu.Lock()
				tries[string(body)]++
				busy, again := len(tries)%3 == 0 && tries[string(body)] == 1, tries[string(body)] > 1
				mu.Unlock()
				switch {
				case busy:
					w.WriteHeader(http.StatusServiceUnavailable)
				case again && !c.honest:
					w.Header().Set("Content-Type", "application/x-protobuf")
				default:
					r.Body = io.NopCloser(bytes.NewReader(body))
					behind.ServeHTTP(w, r)
				}
			}))
			defer target.Close()
			out, code = replay(t, "play", rec, "--to", target.URL, "--pace", "asap", "--ledger", run, "--retry", "20s", "--quiet")
			require.Zero(t, code, out)
			require.NoError(t, store.Close())
			require.NoError(t, file.Close())
			out, code = replay(t, "verify", run, "--source", "file="+kept)
			require.Equal(t, c.code, code, out)
			require.Contains(t, out, c.says)
		})
	}
}

// A golden of an older recording, with as many records, is not that of the run.
func TestAGoldenOfAnotherRecordingFails(t *testing.T) {
	golden := filepath.Join(t.TempDir(), "golden.jsonl")
	out, code := replay(t, "diff", golden, playedFrom(t, "7"), "--update")
	require.Zero(t, code, out)
	out, code = replay(t, "diff", golden, playedFrom(t, "8"))
	require.Equal(t, ExitGolden, code, out)
	require.Contains(t, out, "equal 0")
}

// A typo in the thresholds is said before anything is looked at.
func TestThresholdsAreReadFirst(t *testing.T) {
	run := played(t, "")
	for text, says := range map[string]string{
		"delivery.lost = 0": "is no condition", "delivery.lsot == 0": "there is no metric", "ack.p(99) < 50MiB": "not measured in the unit",
		"throughput > 0.9*baseline": "it needs a baseline",
	} {
		out, code := replay(t, "verify", run, "--source", "sink", "--settle", "1ms", "--thresholds", put(t, "t.yaml", "thresholds: ['"+text+"']"))
		require.Equal(t, ExitUsage, code, out)
		require.Contains(t, out, says)
		require.NotContains(t, out, "reading all of")
	}
}

// A recording of which one letter was changed, with as many records in as many requests, is not played, and a run of what it
// was is not judged by it.
func TestARecordingThatWasChangedIsRefused(t *testing.T) {
	dir := t.TempDir()
	rec, run := filepath.Join(dir, "rec"), filepath.Join(dir, "run")
	out, code := replay(t, "gen", "-o", rec, "--records", "300", "--batch", "20")
	require.Zero(t, code, out)
	address := freeAddress(t)
	play := []string{"play", rec, "--to", "grpc://" + address, "--pace", "asap", "--sink", address, "--sink-settle", "50ms", "--quiet", "--ledger"}
	out, code = replay(t, append(play, run)...)
	require.Zero(t, code, out)
	segment := filepath.Join(rec, "logs-000001.jsonl.zst")
	packed, err := os.ReadFile(segment)
	require.NoError(t, err)
	reader, err := zstd.NewReader(nil)
	require.NoError(t, err)
	defer reader.Close()
	text, err := reader.DecodeAll(packed, nil)
	require.NoError(t, err)
	writer, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	defer writer.Close()
	text = bytes.Replace(text, []byte(`"info"`), []byte(`"inf0"`), 1)
	require.NoError(t, os.WriteFile(segment, writer.EncodeAll(text, nil), 0o600))

	out, code = replay(t, append(play, run+"2")...)
	require.NotZero(t, code)
	require.Contains(t, out, "is not the file that was recorded")
	require.NoFileExists(t, filepath.Join(run+"2", "ledger.bin"), "nothing was sent")
	out, code = replay(t, "verify", run, "--source", "sink", "--settle", "1ms")
	require.Equal(t, ExitTarget, code, out)
	require.Contains(t, out, "is not the file that was recorded")
}
