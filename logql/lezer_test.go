package logql

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestGrafanaGrammarAgrees shows the corpus to the grammar that Grafana's editors use, an implementation of the language by
// its makers under a free licence. Where the two differ, and why, is written down. It needs node and npm.
func TestGrafanaGrammarAgrees(t *testing.T) {
	accepted, _ := corpus(t, "testdata/queries.txt")
	refused, _ := corpus(t, "testdata/refused.txt")
	_, reasons := corpus(t, "testdata/lezer/differences.txt")
	verdicts := grafanaVerdicts(t, append(accepted[:len(accepted):len(accepted)], refused...))
	for i, query := range accepted {
		_, known := reasons[query]
		assert.Equal(t, known, verdicts[i] == "refuse", "accepted here, %s there: %s", verdicts[i], query)
	}
	for i, query := range refused {
		_, known := reasons[query]
		assert.Equal(t, known, verdicts[len(accepted)+i] == "accept", "refused here, %s there: %s", verdicts[len(accepted)+i], query)
	}
}

func grafanaVerdicts(t *testing.T, queries []string) []string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS("testdata/lezer")))
	install := exec.CommandContext(t.Context(), "npm", "ci", "--prefer-offline", "--no-audit", "--no-fund")
	install.Dir = dir
	out, err := install.CombinedOutput()
	require.NoError(t, err, "%s", out)

	oracle := exec.CommandContext(t.Context(), "node", filepath.Join(dir, "oracle.mjs"))
	oracle.Stdin = strings.NewReader(strings.Join(queries, "\n"))
	answer, err := oracle.Output()
	require.NoError(t, err)
	verdicts := strings.Fields(string(answer))
	require.Len(t, verdicts, len(queries))
	return verdicts
}
