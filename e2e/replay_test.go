package e2e

import (
	"errors"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// replayed is a recording and the directory of its run.
type replayed struct{ recording, run string }

// generate makes a recording of so many records.
func generate(t *testing.T, d *devlogs, records, batch string) replayed {
	t.Helper()
	dir := t.TempDir()
	r := replayed{recording: filepath.Join(dir, "rec"), run: filepath.Join(dir, "run")}
	out, err := d.command("replay", "gen", "-o", r.recording, "--seed", "5", "--records", records, "--batch", batch)
	require.NoError(t, err, out)
	return r
}

// exitCode of a command that ran.
func exitCode(t *testing.T, err error) int {
	t.Helper()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	require.NoError(t, err)
	return 0
}

// A recording with all that is hard on parsers is found again through the query API, each record once and unchanged, and
// the verifier shows that it would have noticed otherwise.
func TestReplayedRecordsAreAllThereOnceAndUnchanged(t *testing.T) {
	d := start(t)
	r := generate(t, d, "20000", "500")
	out, err := d.command("replay", "play", r.recording, "--to", "http://"+d.otlpHTTP, "--pace", "asap", "--ledger", r.run,
		"--queryable", "devlogs=http://"+d.query)
	require.NoError(t, err, out)
	out, err = d.command("replay", "verify", r.run, "--source", "devlogs=http://"+d.query, "--settle", "500ms", "--self-test")
	require.NoError(t, err, out)
	require.Contains(t, out, "sent 20,000 = delivered 20,000 + lost 0 + refused 0 + unknown 0")
	require.Contains(t, out, "queryable, at most")
	require.NotContains(t, out, "NOT found")
}

// While devlogs is killed and started again, the sender tries again what got no answer. Nothing is lost and nothing is
// there twice, though the ledger would excuse a second copy of what was tried twice.
func TestReplayThroughAKillProvesExactlyOnce(t *testing.T) {
	d := start(t)
	replayThroughAKill(t, d, "60000", func() {})
}

// The same where the records wait in Redis and are stored in PostgreSQL: the kill falls on those that were taken and not stored
// yet, and on a drain in the middle of its transaction.
func TestReplayThroughAKillOfProductionProvesExactlyOnce(t *testing.T) {
	m := newProduction(t).start("production", "--set", "exporters.timescale.drain.claim_after=1s")
	replayThroughAKill(t, m.devlogs, "30000", m.drained)
}

func replayThroughAKill(t *testing.T, d *devlogs, records string, settled func()) {
	t.Helper()
	r := generate(t, d, records, "100")
	played := make(chan error, 1)
	var out string
	go func() {
		var err error
		out, err = d.command("replay", "play", r.recording, "--to", "http://"+d.otlpHTTP, "--rate", "100 req/s", "--ledger", r.run,
			"--retry", "2m", "--max-lag", "10m", "--max-inflight", "8")
		played <- err
	}()
	life := time.NewTimer(time.Second + rand.N(3*time.Second)) // the moment of the kill, anywhere in the run
	<-life.C
	d.kill()
	d.run()
	require.NoError(t, <-played, out)
	settled()
	said, err := d.command("replay", "verify", r.run, "--source", "devlogs=http://"+d.query, "--settle", "500ms", "--delivery", "exactly-once")
	require.NoError(t, err, said)
	sent := records[:len(records)-3] + ",000"
	require.Contains(t, said, "sent "+sent+" = delivered "+sent+" + lost 0 + refused 0 + unknown 0")
	require.Contains(t, said, "retry duplicates 0")
}

// A sender that could not keep its schedule says nothing about the target: the run is invalid, for play and for verify, though
// every record arrived.
func TestAScheduleThatWasNotKeptIsNotBlamedOnTheTarget(t *testing.T) {
	d := newCopy(t) // for its commands only
	r := generate(t, d, "2000", "50")
	to := freePorts(t, 1)[0]
	out, err := d.command("replay", "play", r.recording, "--to", "grpc://"+to, "--rate", "1000 req/s", "--max-inflight", "1",
		"--ledger", r.run, "--sink", to, "--sink-script", "slow 50msx1000", "--sink-settle", "10ms")
	require.Equal(t, 6, exitCode(t, err), out)
	require.Contains(t, out, "the run is invalid: the schedule was not kept: requests went out")
	require.Contains(t, out, "all 1 places (--max-inflight) waited for answers")

	out, err = d.command("replay", "verify", r.run, "--source", "sink", "--settle", "1ms")
	require.Equal(t, 6, exitCode(t, err), out)
	require.Contains(t, out, "sent 2,000 = delivered 2,000 + lost 0 + refused 0 + unknown 0")
	require.Contains(t, out, "the run proves nothing about its target")
}
