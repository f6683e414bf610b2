package e2e

import (
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/stretchr/testify/require"
)

// replayed is a recording and the directory of its run.
type replayed struct{ recording, run string }

// generate makes a recording of so many records.
func generate(t *testing.T, d *devlogs, records, batch int, flags ...string) replayed {
	t.Helper()
	dir := t.TempDir()
	r := replayed{recording: filepath.Join(dir, "rec"), run: filepath.Join(dir, "run")}
	args := []string{"replay", "gen", "-o", r.recording, "--seed", "5", "--records", strconv.Itoa(records), "--batch", strconv.Itoa(batch)}
	out, err := d.command(append(args, flags...)...)
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

// setups are the two that devlogs comes with. settled waits until what was taken is stored.
var setups = map[string]func(t *testing.T) (d *devlogs, settled func()){
	"embedded": func(t *testing.T) (*devlogs, func()) { return start(t), func() {} },
	"production": func(t *testing.T) (*devlogs, func()) {
		m := newProduction(t).start("production", "--set", "exporters.timescale.drain.claim_after=1s")
		return m.devlogs, m.drained
	},
}

// size is how many records the next tests replay, and how many a request holds. DEVLOGS_REPLAY_RECORDS=1000000 makes the
// documentation's figures (docs/replay-verify.md says how).
func size(t *testing.T, records, batch int) (int, int) {
	t.Helper()
	wanted := os.Getenv("DEVLOGS_REPLAY_RECORDS")
	if wanted == "" {
		return records, batch
	}
	n, err := strconv.Atoi(wanted)
	require.NoError(t, err, "DEVLOGS_REPLAY_RECORDS")
	return n, 500
}

func delivered(records int) string {
	n := humanize.Comma(int64(records))
	return "sent " + n + " = delivered " + n + " + lost 0 + refused 0 + unknown 0"
}

// A recording with all that is hard on parsers is found again through the query API, each record once and unchanged, and
// the verifier shows that it would have noticed otherwise.
func TestReplayedRecordsAreAllThereOnceAndUnchanged(t *testing.T) {
	for name, setup := range setups {
		t.Run(name, func(t *testing.T) {
			d, settled := setup(t)
			records, batch := size(t, 20_000, 500)
			r := generate(t, d, records, batch)
			out, err := d.command("replay", "play", r.recording, "--to", "http://"+d.otlpHTTP, "--pace", "asap", "--ledger", r.run,
				"--retry", "2m", "--queryable", "devlogs=http://"+d.query)
			require.NoError(t, err, out)
			t.Log(out)
			settled()
			out, err = d.command("replay", "verify", r.run, "--source", "devlogs=http://"+d.query, "--settle", "500ms", "--self-test",
				"--delivery", "exactly-once")
			require.NoError(t, err, out)
			t.Log(out)
			require.Contains(t, out, delivered(records))
			require.Contains(t, out, "queryable, at most")
			require.NotContains(t, out, "NOT found")
		})
	}
}

// While devlogs is killed and started again, the sender tries again what got no answer. Nothing is lost and nothing is
// there twice, though the ledger would excuse a second copy of what was tried twice. In production the kill falls on records
// that wait in Redis too, and on a drain in the middle of its transaction.
func TestReplayThroughKillsProvesExactlyOnce(t *testing.T) {
	for name, setup := range setups {
		t.Run(name, func(t *testing.T) {
			d, settled := setup(t)
			records, batch := size(t, 30_000, 100)
			// Every record has a time of its own: a request in which one has none can't be told from another that is alike.
			r := generate(t, d, records, batch, "--nasty", "0")
			played := make(chan error, 1)
			var out string
			go func() {
				var err error
				out, err = d.command("replay", "play", r.recording, "--to", "http://"+d.otlpHTTP, "--rate", "100 req/s", "--ledger", r.run,
					"--retry", "2m", "--max-lag", "10m", "--max-inflight", "8")
				played <- err
			}()
			requireSending(t, r)
			for range 1 + records/400_000 {
				life := time.NewTimer(rand.N(2 * time.Second)) // the moment of the kill, anywhere in the run
				<-life.C
				d.kill()
				d.run()
			}
			require.NoError(t, <-played, out)
			t.Log(out)
			settled()
			said, err := d.command("replay", "verify", r.run, "--source", "devlogs=http://"+d.query, "--settle", "500ms", "--delivery", "exactly-once")
			require.NoError(t, err, said)
			t.Log(said)
			require.Contains(t, said, delivered(records))
			require.Contains(t, said, "retry duplicates 0")
		})
	}
}

// requireSending waits until the first request is on its way, which the ledger has first.
func requireSending(t *testing.T, r replayed) {
	t.Helper()
	require.Eventually(t, func() bool {
		ledger, err := os.Stat(filepath.Join(r.run, "ledger.bin"))
		return err == nil && ledger.Size() > 100 // its head is shorter
	}, time.Minute, 10*time.Millisecond)
}

// A sender that could not keep its schedule says nothing about the target: the run is invalid, for play and for verify, though
// every record arrived.
func TestAScheduleThatWasNotKeptIsNotBlamedOnTheTarget(t *testing.T) {
	d := newCopy(t) // for its commands only
	r := generate(t, d, 2000, 50)
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
