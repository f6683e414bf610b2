package cli

import (
	"bytes"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/instantdevlogs/devlogs/replay/report"
)

// The test binary is the version under test of ab too.
func TestMain(m *testing.M) {
	if address := os.Getenv("REPLAY_TEST_SINK"); address != "" {
		cmd := NewCommand()
		cmd.SetArgs([]string{"sink", "--grpc", "", "--http", address})
		if err := cmd.Execute(); err != nil {
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// replay runs the command and returns what it printed and its exit code.
func replay(t *testing.T, args ...string) (out string, code int) {
	t.Helper()
	cmd := NewCommand()
	cmd.SilenceUsage = true
	var b bytes.Buffer
	cmd.SetOut(&b)
	cmd.SetErr(&b)
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(t.Context())
	var exit *ExitError
	switch {
	case errors.As(err, &exit):
		return b.String() + err.Error(), exit.ExitCode()
	case err != nil:
		return b.String(), ExitUsage
	}
	return b.String(), 0
}

// played makes a run whose output the built-in sink keeps, as the script has it.
func played(t *testing.T, script string) (run string) {
	t.Helper()
	dir := t.TempDir()
	recording, run := filepath.Join(dir, "rec"), filepath.Join(dir, "run")
	out, code := replay(t, "gen", "-o", recording, "--records", "300", "--batch", "20")
	require.Zero(t, code, out)
	address := freeAddress(t)
	out, code = replay(t, "play", recording, "--to", "grpc://"+address, "--pace", "asap", "--workers", "1", "--ledger", run,
		"--sink", address, "--sink-script", script, "--sink-settle", "50ms", "--event-time", "keep", "--quiet", "--allow-failures")
	require.Zero(t, code, out)
	return run
}

// playedFrom makes a run of a recording of its own.
func playedFrom(t *testing.T, seed string) (run string) {
	t.Helper()
	dir, address := t.TempDir(), freeAddress(t)
	recording, run := filepath.Join(dir, "rec"), filepath.Join(dir, "run")
	out, code := replay(t, "gen", "-o", recording, "--records", "300", "--batch", "20", "--seed", seed)
	require.Zero(t, code, out)
	out, code = replay(t, "play", recording, "--to", "grpc://"+address, "--pace", "asap", "--ledger", run, "--sink", address,
		"--sink-settle", "50ms", "--event-time", "keep", "--quiet")
	require.Zero(t, code, out)
	return run
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

func TestVerifySaysByItsExitCodeWhoseFaultItIs(t *testing.T) {
	thresholds := filepath.Join(t.TempDir(), "t.yaml")
	require.NoError(t, os.WriteFile(thresholds, []byte("thresholds: [delivery.sent == 1]\n"), 0o600))
	for name, c := range map[string]struct {
		script string
		flags  []string
		code   int
		says   string
	}{
		"all well":               {"", []string{"--self-test"}, 0, "PASS every record is accounted for"},
		"an honest refusal":      {"400", nil, 0, "refused 20"},
		"an honest partial":      {"partial 3", nil, 0, "refused 3"},
		"a retried reset":        {"reset-after-body", nil, 0, "retry duplicates 20"},
		"the same, exactly once": {"reset-after-body", []string{"--delivery", "exactly-once"}, ExitDelivery, "stored more than once after a retry"},
		"a loss":                 {"ok, lose", nil, ExitDelivery, "FAIL 20 records lost"},
		"a duplicate":            {"ok, double", nil, ExitDelivery, "FAIL 20 records duplicated"},
		"a threshold":            {"", []string{"--thresholds", thresholds}, ExitThreshold, "delivery.sent is 300, wanted == 1"},
		"no such source":         {"", []string{"--source", "devlogs=http://127.0.0.1:1"}, ExitTarget, "connection refused"},
		"a bad flag":             {"", []string{"--delivery", "perhaps"}, ExitUsage, "neither at-least-once nor exactly-once"},
		"a bad source":           {"", []string{"--source", "splunk=x"}, ExitUsage, "is none of"},
	} {
		t.Run(name, func(t *testing.T) {
			run := played(t, c.script)
			out, code := replay(t, append([]string{"verify", run, "--source", "sink", "--quiet"}, c.flags...)...)
			require.Equal(t, c.code, code, out)
			require.Contains(t, out, c.says)
		})
	}
}

// A ledger that was cut at the end of an entry, or in which one stands twice, is whole as a file. It is not what play wrote.
func TestVerifyRefusesALedgerThatIsNotTheRuns(t *testing.T) {
	const entry = 64
	for name, c := range map[string]struct {
		change func(ledger []byte) []byte
		says   string
	}{
		"cut":         {func(b []byte) []byte { return b[:len(b)-5*entry] }, "and the proof is void"},
		"repeated":    {func(b []byte) []byte { return append(b, b[:entry]...) }, "and the proof is void"},
		"empty":       {func([]byte) []byte { return nil }, "nothing was sent"},
		"not changed": {func(b []byte) []byte { return b }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			run := played(t, "")
			file := filepath.Join(run, "ledger.bin")
			b, err := os.ReadFile(file)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(file, c.change(b), 0o600))
			require.NoError(t, os.WriteFile(filepath.Join(run, "received.binpb"), nil, 0o600)) // as if the target had lost all
			out, code := replay(t, "verify", run, "--source", "sink", "--quiet")
			if c.says == "" {
				require.Equal(t, ExitDelivery, code, out)
				return
			}
			require.Equal(t, ExitInvalid, code, out)
			require.Contains(t, out, c.says)
			require.NotContains(t, out, "PASS")
		})
	}
}

func TestDiffUpdatesComparesAndProposes(t *testing.T) {
	run := played(t, "")
	golden := filepath.Join(t.TempDir(), "golden.jsonl")
	out, code := replay(t, "diff", golden, run)
	require.Equal(t, ExitUsage, code)
	require.Contains(t, out, "write one with --update")
	out, code = replay(t, "diff", golden, run, "--update")
	require.Zero(t, code, out)
	out, code = replay(t, "diff", golden, run)
	require.Zero(t, code, out)
	out, code = replay(t, "diff", golden, played(t, "ok, lose"))
	require.Equal(t, ExitGolden, code, out)
	require.Contains(t, out, "FAIL 20 records missing")

	results, err := report.Load(run)
	require.NoError(t, err)
	require.Equal(t, uint64(300), results.Diff.Equal)
	out, code = replay(t, "report", run, "-f", "junit,html,github", "-o", filepath.Join(run, "reports"))
	require.Zero(t, code, out)
	require.FileExists(t, filepath.Join(run, "reports", "junit.xml"))
	_, code = replay(t, "report", run, "-f", "pdf")
	require.Equal(t, ExitUsage, code)
	out, code = replay(t, "report", t.TempDir())
	require.Equal(t, ExitUsage, code)
	require.Contains(t, out, "not the directory of a run")
}

func TestLearnNoiseRunsTheScriptAndProposesMasks(t *testing.T) {
	run := played(t, "")
	out, code := replay(t, "diff", "--learn-noise", "2", "--exec", `cp -r "`+run+`" "$DEVLOGS_RUN"`)
	require.Zero(t, code, out)
	require.Contains(t, out, "nothing differed")
	out, code = replay(t, "diff", "--learn-noise", "2", "--exec", "true")
	require.Equal(t, ExitUsage, code)
	require.Contains(t, out, "left no run")
	_, code = replay(t, "diff", "--learn-noise", "2", "--exec", "false")
	require.Equal(t, ExitTarget, code)
}

func TestABMeasuresBothVersionsInTurns(t *testing.T) {
	recording, address := filepath.Join(t.TempDir(), "rec"), freeAddress(t)
	out, code := replay(t, "gen", "-o", recording, "--records", "100")
	require.Zero(t, code, out)
	version := "REPLAY_TEST_SINK=" + address + " exec " + os.Args[0]
	out, code = replay(t, "ab", recording, "--a", version, "--b", version, "--to", "http://"+address, "-n", "4", "--pace", "asap")
	require.Contains(t, []int{0, ExitThreshold}, code, out) // how fast they are is not for a test to say
	require.Equal(t, 8, strings.Count(out, ", version "), out)
	require.Contains(t, out, "throughput rec/s")

	out, code = replay(t, "ab", recording, "--a", "exit 3", "--b", version, "--to", "http://"+address)
	require.Equal(t, ExitTarget, code)
	require.Contains(t, out, "version A")
	_, code = replay(t, "ab", recording, "--a", version, "--b", version, "--to", "http://"+address, "-n", "2")
	require.Equal(t, ExitUsage, code)
}
