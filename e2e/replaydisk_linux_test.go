package e2e

import (
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/instantdevlogs/devlogs/replay/recording"
)

// The disk is full while traffic is recorded: all of it passes. When there is room again recording goes on, and everybody who
// reads the recording says what it lacks and why.
func TestAFullDiskLeavesAGapInARecordingAndNoneInTheTraffic(t *testing.T) {
	d := newCopy(t) // for its commands only
	big := generate(t, d, 15_000, 200)
	ports := freePorts(t, 2)
	rec := filepath.Join(t.TempDir(), "rec")
	tap := inBackground(t, "replay", "record", "--listen", ports[0], "--to", ports[1], "-o", rec)
	tap.says("Ctrl-C ends it")
	send := func(recording, run string) {
		t.Helper()
		out, err := d.command("replay", "play", recording, "--to", "grpc://"+ports[0], "--pace", "asap", "--ledger", run, "--sink", ports[1], "--sink-settle", "10ms")
		require.NoError(t, err, out)
		out, err = d.command("replay", "verify", run, "--source", "sink", "--settle", "1ms", "--delivery", "exactly-once")
		require.NoError(t, err, out)
		require.Contains(t, out, delivered(15_000))
	}
	limit := func(bytes uint64) {
		t.Helper()
		require.NoError(t, unix.Prlimit(tap.cmd.Process.Pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: bytes, Max: unix.RLIM_INFINITY}, nil))
	}
	runs := t.TempDir()
	limit(100_000) // which stands in for a full disk: writes fail in the same calls
	send(big.recording, filepath.Join(runs, "full"))
	tap.says("nothing can be recorded at the moment")
	limit(unix.RLIM_INFINITY)
	send(big.recording, filepath.Join(runs, "room"))
	tap.interrupt()
	code, said := tap.ended()
	require.Equal(t, 6, code, said)

	m, err := recording.ReadManifest(rec)
	require.NoError(t, err)
	require.Len(t, m.Gaps, 1, "one while the disk was full")
	require.Positive(t, m.Gaps[0].Requests)
	sent, err := recording.ReadManifest(big.recording)
	require.NoError(t, err)
	require.Equal(t, 2*sent.Messages, m.Messages+m.Gaps[0].Requests, "every request is in the recording or in the gap")
	require.Greater(t, m.Messages, sent.Messages, "what waited in memory was written later")
	missing := strconv.FormatInt(m.Gaps[0].Requests, 10)
	require.Contains(t, said, "the recording lacks "+missing+" requests")

	out, err := d.command("replay", "inspect", rec)
	require.NoError(t, err, out)
	require.Regexp(t, "GAP +"+missing+" requests from .*: the recording could not be written: file too large", out)

	run := filepath.Join(runs, "again")
	play := []string{"replay", "play", rec, "--to", "grpc://" + ports[1], "--pace", "asap", "--sink", ports[1], "--sink-settle", "10ms", "--ledger"}
	out, err = d.command(append(play, run)...)
	require.Equal(t, 6, exitCode(t, err), out)
	require.Contains(t, out, "the run is invalid: the recording lacks "+missing+" requests, in 1 gaps: the recording could not be written")
	out, err = d.command("replay", "verify", run, "--source", "sink", "--settle", "1ms")
	require.Equal(t, 6, exitCode(t, err), out)
	require.Regexp(t, regexp.QuoteMeta("lost 0 + refused 0 + unknown 0"), out)

	run = filepath.Join(runs, "taken as it is")
	out, err = d.command(append(play, run, "--allow-gaps")...)
	require.NoError(t, err, out)
	out, err = d.command("replay", "verify", run, "--source", "sink", "--settle", "1ms")
	require.NoError(t, err, out)
}
