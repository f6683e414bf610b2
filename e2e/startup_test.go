package e2e

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// fails starts a copy that can't start and returns the one line it says.
func fails(t *testing.T, d *devlogs) string {
	t.Helper()
	require.NoError(t, d.launch())
	require.Equal(t, 1, d.wait())
	said := strings.TrimSpace(d.stderr.String())
	require.NotContains(t, said, "\n", "one line is enough")
	require.True(t, strings.HasPrefix(said, "devlogs: "), said)
	return said
}

func TestAPortInUseIsNamedWithTheVariableThatChangesIt(t *testing.T) {
	for variable, address := range map[string]func(*devlogs) *string{
		"DEVLOGS_OTLP_GRPC_ENDPOINT": func(d *devlogs) *string { return &d.otlpGRPC },
		"DEVLOGS_OTLP_HTTP_ENDPOINT": func(d *devlogs) *string { return &d.otlpHTTP },
		"DEVLOGS_JSON_ENDPOINT":      func(d *devlogs) *string { return &d.json },
		"DEVLOGS_QUERY_ENDPOINT":     func(d *devlogs) *string { return &d.query },
	} {
		t.Run(variable, func(t *testing.T) {
			taken, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			defer taken.Close()
			d := newCopy(t)
			*address(d) = taken.Addr().String()
			said := fails(t, d)
			require.Contains(t, said, taken.Addr().String()+" is in use")
			require.Contains(t, said, "set "+variable)
		})
	}
}

func TestADataDirectoryThatCantBeUsedIsNamed(t *testing.T) {
	d := newCopy(t)
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(d.dataDir), "file"), nil, 0o600))
	d.dataDir = filepath.Join(filepath.Dir(d.dataDir), "file", "data")
	said := fails(t, d)
	require.Contains(t, said, filepath.Dir(d.dataDir))
	require.Contains(t, said, "set DEVLOGS_DATA_DIR")
}

func TestADataDirectoryThatCantBeWrittenIsNamed(t *testing.T) {
	d := newCopy(t)
	d.dataDir = "/sys/kernel" // nobody may make files there, root neither
	said := fails(t, d)
	require.Contains(t, said, "/sys")
	require.Contains(t, said, "set DEVLOGS_DATA_DIR")
}

func TestADataDirectoryInUseIsNamed(t *testing.T) {
	first := start(t)
	second := newCopy(t)
	second.dataDir = first.dataDir
	said := fails(t, second)
	require.Contains(t, said, fmt.Sprintf("%s is in use by another process (%d)", first.dataDir, first.process.Process.Pid))
	require.Contains(t, said, "set DEVLOGS_DATA_DIR")
	mustSend(t, first, sendJSON, "undisturbed", 1)
}

func TestBadConfigurationIsRefusedWithItsReason(t *testing.T) {
	d := newCopy(t, "--set", "exporters.duckdb.retention.max_age=-1h")
	require.NoError(t, d.launch())
	require.Equal(t, 1, d.wait())
	require.Contains(t, d.stderr.String(), "retention.max_age")

	out, err := d.command("validate", "--set", "exporters.duckdb.retention.max_age=-1h")
	require.Error(t, err)
	require.Contains(t, out, "retention.max_age")
}

func TestSettingsGoOnTopOfTheBuiltInConfiguration(t *testing.T) {
	d := start(t, "--set", "exporters.duckdb.deduplicate_retries=false")
	for range 2 {
		mustSend(t, d, sendOTLPProtobuf, "twice", 1)
	}
	require.Equal(t, map[string]int{"twice/0": 2}, d.counts())
}

func TestAConfigurationOfOnesOwnReplacesTheBuiltIn(t *testing.T) {
	d := newCopy(t)
	out, err := d.command("print-config")
	require.NoError(t, err, out)
	own := filepath.Join(t.TempDir(), "own.yaml")
	require.NoError(t, os.WriteFile(own, []byte(out), 0o600))
	d.args = []string{"--config", own}
	d.run()
	mustSend(t, d, sendJSON, "own", 1)
	account(t, d, map[string]int{"own": 1})
}

func TestCommandsThatLookAtTheDistribution(t *testing.T) {
	d := newCopy(t)
	for args, want := range map[string]string{
		"components":    "json_log",
		"validate":      "OK: builtin:embedded",
		"version":       "devlogs 0.",
		"--help":        "DEVLOGS_DATA_DIR",
		"query --help":  "--since",
		"featuregate":   "Stage",
		"help validate": "Check",
	} {
		out, err := d.command(strings.Fields(args)...)
		require.NoError(t, err, out)
		require.Contains(t, out, want)
	}
	out, err := d.command("query")
	require.Error(t, err)
	require.Contains(t, out, d.query, "when nobody answers, it says where it looked")
}
