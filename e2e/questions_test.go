package e2e

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite golden files")

// orders are what the commands below are asked about: ten records of a minute, in two services.
func orders() string {
	var lines strings.Builder
	for i := range 5 {
		for s, service := range []string{"cart", "checkout"} {
			fmt.Fprintf(&lines, `{"time":"2026-01-02T15:04:%02dZ","level":%q,"service":%q,"host":"node-%d","message":"order %d%d took %d ms","http.status_code":%d,"path":"/buy, \"now\""}`+"\n",
				5+10*i+s, []string{"info", "warn", "error", "info", "debug"}[i], service, i%2, i, s, 10*i+s, 200+100*i)
		}
	}
	return lines.String()
}

// said is what a command printed, and how it ended.
type said struct {
	stdout, stderr string
	code           int
}

// ask runs a command of the binary against the copy, with stdin.
func (d *devlogs) ask(stdin string, args ...string) said {
	d.t.Helper()
	cmd := exec.CommandContext(d.t.Context(), binary, args...)
	cmd.Env = append(d.environment(), "NO_COLOR=1", "COLUMNS=100")
	cmd.Stdin = strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		require.NoError(d.t, err)
	}
	return said{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// questions are commands that ask, as they are typed. Those that look at stored logs get the time range of orders.
var questions = []struct {
	name  string
	args  []string
	stdin string
}{
	{"query text", []string{"query"}, ""},
	{"query json", []string{"query", "-o", "json", "-n", "2"}, ""},
	{"query csv", []string{"query", "-o", "csv", "-n", "2", "--forward"}, ""},
	{"query raw", []string{"query", "-o", "raw", "--reverse", "--service", "cart"}, ""},
	{"query words", []string{"query", "--level", "warn", "ORDER", "--", "-10"}, ""},
	{"query logql", []string{"query", `{service_name="cart"} | http_status_code >= 500 | line_format "{{.host_name}}: {{.http_status_code}}"`}, ""},
	{"query logql json", []string{"query", "-o", "json", "-n", "1", `{} | pattern "order <n> took <ms> ms"`}, ""},
	{"query logql csv", []string{"query", "-o", "csv", "-n", "1", `{} | pattern "order <n> took <ms> ms"`}, ""},
	{"query metric text", []string{"query", "--step", "30s", `sum by (service_name) (count_over_time({}[30s]))`}, ""},
	{"query metric json", []string{"query", "--step", "30s", "-o", "json", `sum by (service_name) (count_over_time({}[30s]))`}, ""},
	{"query metric csv", []string{"query", "--step", "30s", "-o", "csv", `sum by (service_name) (count_over_time({}[30s]))`}, ""},
	{"query instant", []string{"query", "--instant", `topk(2, sum by (detected_level) (count_over_time({}[2m])))`}, ""},
	{"query explain", []string{"query", "--explain", `{service_name="cart"} |= "took" | pattern "order <n> took <ms> ms" | ms > 20`}, ""},
	{"query nothing", []string{"query", "--level", "fatal"}, ""},
	{"query stdin text", []string{"query", "--stdin", "--utc", `{app="shop"} | json | level="error" | line_format "{{.message}}"`}, orders()},
	{"query stdin json", []string{"query", "--stdin", "-o", "json", "-n", "1", `{} |= "warn"`}, orders()},
	{"query stdin csv", []string{"query", "--stdin", "-o", "csv", "--instant", `sum by (level) (count_over_time({} | json [5m]))`}, orders()},
	{"query stdin raw", []string{"query", "--stdin", "-o", "raw", `{} | json | service="cart" | line_format "{{.message}}"`}, orders()},
	{"query bad logql", []string{"query", `{service_name="cart"} |= `}, ""},
	{"query bad level", []string{"query", "--level", "loud"}, ""},
	{"query bad output", []string{"query", "-o", "yaml"}, ""},
	{"query bad flag", []string{"query", "--severity", "warn"}, ""},
	{"query raw of a metric", []string{"query", "-o", "raw", `rate({}[1m])`}, ""},
	{"query stdin without logql", []string{"query", "--stdin", "words"}, ""},
	{"query too many steps", []string{"query", "--step", "1ms", `rate({}[1m])`}, ""},
	{"labels text", []string{"labels"}, ""},
	{"labels json", []string{"labels", "service_name", "-o", "json"}, ""},
	{"labels csv", []string{"labels", "host_name", `{service_name="cart"}`, "-o", "csv"}, ""},
	{"labels nothing", []string{"labels", "none"}, ""},
	{"labels bad selector", []string{"labels", "service_name", `{service_name=}`}, ""},
	{"series text", []string{"series"}, ""},
	{"series json", []string{"series", `{service_name="cart"}`, "-o", "json"}, ""},
	{"series csv", []string{"series", `{service_name="cart"}`, `{host_name="node-1"}`, "-o", "csv"}, ""},
	{"series bad selector", []string{"series", "{"}, ""},
	{"fields text", []string{"fields"}, ""},
	{"fields json", []string{"fields", "http_status_code", "-o", "json", "-n", "2"}, ""},
	{"fields csv", []string{"fields", "level", "-o", "csv"}, ""},
	{"fields bad limit", []string{"fields", "level", "-n", "x"}, ""},
	{"stats text", []string{"stats", `{service_name="cart"}`}, ""},
	{"stats json", []string{"stats", `{}`, "-o", "json"}, ""},
	{"stats csv", []string{"stats", `{host_name="node-0"}`, "-o", "csv"}, ""},
	{"stats of all", []string{"stats"}, ""},
	{"stats bad selector", []string{"stats", "rate({}[1m])"}, ""},
	{"patterns text", []string{"patterns", `{service_name="cart"}`}, ""},
	{"patterns json", []string{"patterns", "-n", "1", "-o", "json"}, ""},
	{"patterns csv", []string{"patterns", "-o", "csv"}, ""},
	{"patterns bad selector", []string{"patterns", "x"}, ""},
	{"tail metric", []string{"tail", "rate({}[1m])"}, ""},
	{"tail bad output", []string{"tail", "-o", "csv"}, ""},
	{"tail bad lines", []string{"tail", "-n", "-1"}, ""},
}

// TestCommandsThatAskSayWhatIsWrittenDown keeps, of the built binary on its built-in configuration, what each command prints in
// each form, its exit code, and what it says of a mistake.
func TestCommandsThatAskSayWhatIsWrittenDown(t *testing.T) {
	d := start(t)
	a, err := post(t.Context(), "http://"+d.json, "application/x-ndjson", []byte(orders()))
	require.NoError(t, acknowledged(a, err))
	for _, q := range questions {
		t.Run(q.name, func(t *testing.T) {
			args := q.args
			if args[0] != "tail" && q.stdin == "" {
				args = append([]string{args[0], "--utc", "--start", "2026-01-02T15:04:00Z", "--end", "2026-01-02T15:05:00Z"}, args[1:]...)
			}
			got := d.ask(q.stdin, args...)
			golden(t, q.name, fmt.Sprintf("$ devlogs %s\nexit code %d\n-- stdout --\n%s-- stderr --\n%s",
				strings.Join(quoted(q.args), " "), got.code, changing(got.stdout), changing(got.stderr)))
		})
	}
}

// changing takes out what no two runs share.
func changing(text string) string {
	for _, r := range []struct{ pattern, with string }{
		{`in \d+ ms`, "in N ms"},
		{`"bytes":\d+`, `"bytes":0`},
		{`(10\s+1\s+)[\d.]+ [KM]iB`, "${1}N MiB"},
	} {
		text = regexp.MustCompile(r.pattern).ReplaceAllString(text, r.with)
	}
	return text
}

func quoted(args []string) []string {
	all := make([]string, len(args))
	for i, arg := range args {
		if all[i] = arg; strings.ContainsAny(arg, ` {}|"`) {
			all[i] = "'" + arg + "'"
		}
	}
	return all
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "questions", strings.ReplaceAll(name, " ", "_")+".txt")
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "go test -update makes it")
	require.Equal(t, string(want), got)
}

// TestCommandsThatAskSayWhoDoesNotAnswer: without a server each ends with an error that names the address and what to do.
func TestCommandsThatAskSayWhoDoesNotAnswer(t *testing.T) {
	d := newCopy(t) // not run
	for _, name := range []string{"query", "labels", "series", "fields", "stats", "patterns"} {
		got := d.ask("", name)
		require.Equal(t, 1, got.code, name)
		require.Empty(t, got.stdout, name)
		require.Contains(t, got.stderr, d.query, name)
		require.Contains(t, got.stderr, "start it with `devlogs`, or name a running one with --address", name)
	}
}

// TestTailShowsEachFormUntilCtrlC follows the built binary: what was there, what comes, and the end by Ctrl-C.
func TestTailShowsEachFormUntilCtrlC(t *testing.T) {
	d := start(t)
	mustSend(t, d, sendJSON, "before", 3)
	for output, line := range map[string]string{
		"text": `^\S+ \S+ WARN  e2e %s`, "json": `^\{.*"body":"%s"`, "raw": `^%s$`,
	} {
		t.Run(output, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), binary, "tail", "-n", "2", "-o", output, "--utc", `{service_name="e2e"} |= "`+"/"+`"`)
			cmd.Env = append(d.environment(), "NO_COLOR=1")
			stdout, err := cmd.StdoutPipe()
			require.NoError(t, err)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			require.NoError(t, cmd.Start())
			lines := bufio.NewScanner(stdout)
			next := func(body string) {
				if !lines.Scan() {
					require.NoError(t, cmd.Wait())
					require.Fail(t, "tail ended", stderr.String())
				}
				require.Regexp(t, fmt.Sprintf(line, body), lines.Text())
			}
			next(".*/1")
			next(".*/2")
			mustSend(t, d, sendJSON, "later-"+output, 3)
			for i := range 3 {
				next(fmt.Sprintf("later-%s/%d", output, i))
			}
			require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
			require.False(t, lines.Scan(), "there is nothing more: %s", lines.Text())
			require.NoError(t, cmd.Wait(), "Ctrl-C is how a tail ends: %s", stderr.String())
		})
	}
}
