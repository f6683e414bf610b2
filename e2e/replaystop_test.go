package e2e

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/instantdevlogs/devlogs/replay/recording"
)

// Ctrl-C ends a replay between two requests: what is on its way is waited for, the ledger and the report are whole, and what
// was sent can be verified.
func TestCtrlCEndsPlayGracefully(t *testing.T) {
	d := newCopy(t) // for its commands only
	r := generate(t, d, 5000, 20)
	sink := freePorts(t, 1)[0]
	play := inBackground(t, "replay", "play", r.recording, "--to", "grpc://"+sink, "--rate", "50 req/s", "--ledger", r.run, "--max-lag", "1h",
		"--sink", sink, "--sink-script", "slow 200msx1000", "--sink-settle", "10ms")
	requireSending(t, r)
	play.interrupt()
	code, said := play.ended()
	require.Zero(t, code, said)
	require.Contains(t, said, "stopping: waiting for what is on its way")
	require.Contains(t, said, "acked ")
	require.FileExists(t, filepath.Join(r.run, "play.json"))
	out, err := d.command("replay", "verify", r.run, "--source", "sink", "--settle", "1ms", "--delivery", "exactly-once")
	require.NoError(t, err, out)
	require.Contains(t, out, "PASS every record is accounted for")
	require.NotContains(t, out, delivered(5000), "it was stopped long before")
}

// A target that never answers holds up the first Ctrl-C; the second gives up what is on its way, which the ledger then calls
// unknown.
func TestASecondCtrlCGivesUpATargetThatHangs(t *testing.T) {
	d := newCopy(t) // for its commands only
	r := generate(t, d, 500, 20)
	sink := freePorts(t, 1)[0]
	play := inBackground(t, "replay", "play", r.recording, "--to", "grpc://"+sink, "--pace", "asap", "--ledger", r.run, "--timeout", "1h",
		"--sink", sink, "--sink-script", "slow 1hx1000", "--sink-settle", "10ms")
	requireSending(t, r)
	play.interrupt()
	play.says("once more to give that up")
	play.interrupt()
	code, said := play.ended()
	require.Equal(t, 5, code, said)
	require.Contains(t, said, "requests were not acknowledged: run stopped")
	out, err := d.command("replay", "verify", r.run, "--source", "sink", "--settle", "1ms")
	require.NoError(t, err, out)
	require.Contains(t, out, "lost 0")
}

// Ctrl-C while traffic passes: the client gets its answer, and the recording is whole.
func TestCtrlCEndsRecordGracefully(t *testing.T) {
	d := newCopy(t) // for its commands only
	r := generate(t, d, 2000, 20)
	ports := freePorts(t, 2)
	sink := inBackground(t, "replay", "sink", "--grpc", "", "--http", ports[0], "--script", "okx10, slow 500msx1000")
	sink.says(ports[0])
	rec := filepath.Join(t.TempDir(), "rec")
	tap := inBackground(t, "replay", "record", "--listen", ports[1], "--to", "http://"+ports[0], "-o", rec)
	tap.says("Ctrl-C ends it")
	play := inBackground(t, "replay", "play", r.recording, "--to", "http://"+ports[1], "--pace", "asap", "--ledger", r.run, "--retry", "0", "--identity", "content")
	require.Eventually(t, func() bool { // ten requests have passed and more are on their way
		ledger, err := os.Stat(filepath.Join(r.run, "ledger.bin"))
		return err == nil && ledger.Size() > 1000
	}, readyWithin, time.Millisecond)
	tap.interrupt()
	code, said := tap.ended()
	require.Zero(t, code, said)
	require.Contains(t, said, "0 requests not recorded")
	_, played := play.ended() // nobody listens any more

	manifest, err := recording.ReadManifest(rec)
	require.NoError(t, err)
	require.Empty(t, manifest.Gaps)
	require.Positive(t, manifest.Messages)
	require.Contains(t, played, "ack 200 ×"+strconv.FormatInt(manifest.Messages, 10), "what was answered is what was recorded")
	out, err := d.command("replay", "slice", rec, "-o", rec+"-again", "--strict")
	require.NoError(t, err, out)
}

// gen --to sends what it makes, all of it; Ctrl-C ends it between two requests.
func TestGeneratedLogsAreSentWhileTheyAreMade(t *testing.T) {
	d := newCopy(t) // for its commands only
	port := freePorts(t, 1)[0]
	stored := filepath.Join(t.TempDir(), "stored.jsonl")
	sink := inBackground(t, "replay", "sink", "--grpc", "", "--http", port, "-o", stored)
	sink.says(port)
	out, err := d.command("replay", "gen", "--to", "http://"+port, "--records", "2000", "--rate", "20000", "--batch", "50")
	require.NoError(t, err, out)
	require.Contains(t, out, "2,000 records in")

	endless := inBackground(t, "replay", "gen", "--to", "http://"+port, "--records", "100000000", "--rate", "500", "--batch", "10")
	first, err := os.Stat(stored)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		now, err := os.Stat(stored)
		return err == nil && now.Size() > first.Size()
	}, readyWithin, 10*time.Millisecond)
	endless.interrupt()
	code, said := endless.ended()
	require.Zero(t, code, said)
	require.Contains(t, said, "acked ")
	sink.interrupt()
	code, said = sink.ended()
	require.Zero(t, code, said)
	require.Contains(t, said, "refused 0, cut 0")
}
