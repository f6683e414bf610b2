package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// ciExample is a copy of examples/ci, whose scripts are run as people run them.
func ciExample(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS("../examples/ci")))
	return dir
}

// ciScript runs one of the scripts and returns what it said, and the folder of its reports.
func ciScript(t *testing.T, script string, args ...string) (out, reports string, err error) {
	t.Helper()
	d := newCopy(t) // for its ports only
	reports = t.TempDir()
	cmd := exec.CommandContext(t.Context(), script, args...)
	cmd.Env = append(d.environment(), "DEVLOGS="+binary, "COLLECTOR="+binary, "OTLP_ENDPOINT="+d.otlpHTTP, "REPORTS="+reports,
		"GITHUB_ACTIONS=true", "GITHUB_STEP_SUMMARY="+filepath.Join(reports, "summary.md"))
	text, err := cmd.CombinedOutput()
	return string(text), reports, err
}

// change replaces the first old in a file.
func change(t *testing.T, file, old, replacement string) {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(content), old)
	require.NoError(t, os.WriteFile(file, bytes.Replace(content, []byte(old), []byte(replacement), 1), 0o600))
}

func requireReports(t *testing.T, dir, out string) {
	t.Helper()
	for _, file := range []string{"junit.xml", "report.html", "results.json", "summary.md"} {
		require.FileExists(t, filepath.Join(dir, file), out)
	}
}

// Through the embedded devlogs it passes, and fails with the golden's exit code when one record of the golden is another.
func TestTheCIExamplePassesAndCanFail(t *testing.T) {
	dir := ciExample(t)
	script := filepath.Join(dir, "replay.sh")
	out, reports, err := ciScript(t, script)
	require.NoError(t, err, out)
	requireReports(t, reports, out)
	require.Contains(t, out, "PASS every record is accounted for")
	require.Contains(t, out, "PASS the output is as in the golden")

	change(t, filepath.Join(dir, "golden.jsonl"), `"severityNumber":9`, `"severityNumber":10`)
	out, reports, err = ciScript(t, script)
	require.Equal(t, 3, exitCode(t, err), out)
	requireReports(t, reports, out)
	require.Contains(t, out, "severity_number changed, 1 record, 1 stream")
	require.Contains(t, out, "::error title=replay golden%3A no record differs from the golden::")
}

// Through a Collector with its file exporter likewise. Then somebody's change to the filter drops too much: the gate says
// which templates are gone. A Collector that does not start is said.
func TestTheStockCollectorExamplePassesAndCanFail(t *testing.T) {
	dir := ciExample(t)
	script := filepath.Join(dir, "stock-collector", "replay.sh")
	out, reports, err := ciScript(t, script)
	require.NoError(t, err, out)
	requireReports(t, reports, out)
	require.Contains(t, out, "PASS the output is as in the golden")

	config := filepath.Join(dir, "stock-collector", "collector.yaml")
	change(t, config, "SEVERITY_NUMBER_WARN", "SEVERITY_NUMBER_ERROR")
	out, reports, err = ciScript(t, script)
	require.Equal(t, 3, exitCode(t, err), out)
	requireReports(t, reports, out)
	require.Contains(t, out, "records missing")
	require.Contains(t, out, "vanished: certificate expires in <*> minutes (golden 10, run 0)")

	change(t, config, "file: {path:", "file: {no_such_setting:")
	out, _, err = ciScript(t, script)
	require.Equal(t, 5, exitCode(t, err), out)
	require.Contains(t, out, "no_such_setting")
}

// --update writes the same golden that is committed: it is the output, and stable.
func TestTheCommittedGoldensAreWhatUpdateWrites(t *testing.T) {
	dir := ciExample(t)
	for script, golden := range map[string]string{"replay.sh": "golden.jsonl", "stock-collector/replay.sh": "stock-collector/golden.jsonl"} {
		want, err := os.ReadFile(filepath.Join("../examples/ci", golden))
		require.NoError(t, err)
		require.NoError(t, os.Remove(filepath.Join(dir, golden)))
		out, _, err := ciScript(t, filepath.Join(dir, script), "--update")
		require.NoError(t, err, out)
		got, err := os.ReadFile(filepath.Join(dir, golden))
		require.NoError(t, err)
		require.Equal(t, string(want), string(got), "commit what examples/ci/%s --update writes", script)
	}
}
