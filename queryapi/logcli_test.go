package queryapi

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// logcli is the program to test with: the one that DEVLOGS_TEST_LOGCLI names, or the one on PATH; "" when there is none.
func logcli() string {
	if path := os.Getenv("DEVLOGS_TEST_LOGCLI"); path != "" {
		return path
	}
	path, _ := exec.LookPath("logcli")
	return path
}

// TestLogcli drives query_api over each store with an unmodified logcli, to the same answers. With -update it also writes
// testdata/logcli.txt, which holds what was run and what was answered.
func TestLogcli(t *testing.T) {
	if logcli() == "" {
		t.Log("=== NOT TESTED WITH LOGCLI: it is not on PATH, and DEVLOGS_TEST_LOGCLI does not name it ===")
		return
	}
	var scripts []string
	for name, open := range map[string]func(testing.TB) *testAPI{
		"duckdb": func(t testing.TB) *testAPI { return newTestAPI(t) }, "postgres": func(t testing.TB) *testAPI { return newPostgresAPI(t) },
	} {
		t.Run(name, func(t *testing.T) { scripts = append(scripts, drive(t, open(t))) })
	}
	require.Len(t, scripts, 2)
	require.Equal(t, scripts[0], scripts[1])
	if *update {
		require.NoError(t, os.WriteFile(filepath.Join("testdata", "logcli.txt"), []byte(scripts[0]), 0o644))
	}
}

// drive runs logcli's subcommands and gives what was run and what it answered.
func drive(t *testing.T, api *testAPI) string {
	api.write("", filterLogs())
	api.write("", logsOf(manyEntries(2500)...))
	times := []string{"--from", base.Add(-time.Hour).Format(time.RFC3339), "--to", base.Add(time.Hour).Format(time.RFC3339)}
	var script strings.Builder
	run := func(args ...string) string {
		t.Helper()
		command := exec.Command(logcli(), append(args, "--addr="+api.url)...)
		command.Env = append(os.Environ(), "TZ=UTC")
		var out, errs bytes.Buffer
		command.Stdout, command.Stderr = &out, &errs
		require.NoError(t, command.Run(), "logcli %s: %s", strings.Join(args, " "), errs.String())
		fmt.Fprintf(&script, "$ logcli %s\n%s\n", quoted(args), shortened(out.String()))
		return out.String()
	}
	ranged := func(args ...string) string { return run(append(args, times...)...) }

	require.Contains(t, ranged("query", "-q", `{service_name="cart"}`), "cache miss")
	require.Contains(t, ranged("query", "-q", "--include-label=detected_level", `{service_name="cart"} |= "slow"`), "detected_level")
	var entry struct{ Line string }
	require.NoError(t, json.Unmarshal([]byte(ranged("query", "-q", "-o", "jsonl", `{service_name="checkout"} |= "Order"`)), &entry))
	require.Equal(t, "Order 17 placed", entry.Line)

	forward := strings.Split(strings.TrimSpace(ranged("query", "-q", "--forward", "-o", "raw", `{service_name="many"}`, "--limit=3")), "\n")
	require.Equal(t, []string{"entry 0", "entry 1", "entry 2"}, forward)
	batches := strings.Split(strings.TrimSpace(ranged("query", "-q", "-o", "raw", `{service_name="many"}`, "--limit=2200", "--batch=1000")), "\n")
	require.Len(t, batches, 2200)
	require.Equal(t, "entry 2499", batches[0])
	require.Equal(t, "entry 300", batches[2199])

	require.Contains(t, ranged("query", "-q", "--step=30m", `sum by (service_name) (count_over_time({}[30m]))`), `"service_name": "many"`)
	require.Contains(t, run("instant-query", "-q", `sum(count_over_time({service_name="many"}[2h]))`, "--now="+base.Add(time.Hour).Format(time.RFC3339)), `"2500"`)
	require.Contains(t, ranged("labels", "-q"), "service_name")
	require.Equal(t, "cart\ncheckout\nmany\n", ranged("labels", "-q", "service_name"))
	require.Contains(t, ranged("series", "-q", `{service_name="cart"}`), `service_name="cart"`)
	require.Contains(t, ranged("series", "-q", "--analyze-labels", `{}`), "service_name")
	require.Contains(t, ranged("stats", "-q", `{service_name="many"}`), "entries: 2500")
	require.Contains(t, ranged("volume", "-q", `{service_name=~".+"}`), `"service_name": "many"`)
	require.Contains(t, ranged("volume_range", "-q", "--step=1h", `{service_name=~".+"}`), `"service_name": "many"`)
	require.Contains(t, ranged("detected-fields", "-q", `{service_name="checkout"}`), "http_status_code")
	require.Contains(t, ranged("detected-fields", "-q", `{service_name="checkout"}`, "http_status_code"), "502")

	format := exec.Command(logcli(), "fmt")
	format.Stdin = strings.NewReader(`sum by(a)(rate({b="c"}|="d"[5m]))`)
	out, err := format.Output()
	require.NoError(t, err)
	fmt.Fprintf(&script, "$ echo 'sum by(a)(rate({b=\"c\"}|=\"d\"[5m]))' | logcli fmt\n%s\n", out)

	fmt.Fprintf(&script, "$ logcli query --tail '{service_name=\"tailed\"} |= \"of 1\"'\n%s", logcliTail(t, api))
	return script.String()
}

// logcliTail runs logcli query --tail until what was written while it ran has come.
func logcliTail(t *testing.T, api *testAPI) string {
	t.Helper()
	tail := exec.CommandContext(t.Context(), logcli(), "query", "-q", "--tail", "-o", "raw", `{service_name="tailed"} |= "of 1"`, "--addr="+api.url)
	stdout, err := tail.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, tail.Start())
	lines := make(chan string)
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(stdout); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	got := ""
	for i := range 3 {
		api.write("", logsOf(numbered(i*3, 3, "")...))
		line := <-lines
		require.Equal(t, fmt.Sprintf("line %d of 1", i*3+1), line)
		got += line + "\n"
	}
	require.NoError(t, tail.Process.Kill())
	for range lines {
		t.Error("a line that nobody wrote")
	}
	_ = tail.Wait() // it was killed
	return got
}

// manyEntries are entries of one service, a second apart from half an hour before base on.
func manyEntries(n int) []entry {
	entries := make([]entry, n)
	for i := range entries {
		entries[i] = entry{service: "many", at: float64(i) - 1800, severity: 9, body: fmt.Sprintf("entry %d", i)}
	}
	return entries
}

// quoted writes arguments as a shell takes them.
func quoted(args []string) string {
	words := make([]string, len(args))
	for i, a := range args {
		if words[i] = a; strings.ContainsAny(a, ` {}"|()`) {
			words[i] = "'" + a + "'"
		}
	}
	return strings.Join(words, " ")
}

// shortened keeps the first lines of an output.
func shortened(out string) string {
	const most = 12
	lines := strings.SplitAfter(out, "\n")
	if len(lines) <= most+1 {
		return out
	}
	return strings.Join(lines[:most], "") + fmt.Sprintf("… %d lines\n", len(lines)-1)
}
