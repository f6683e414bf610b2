package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// run runs a command as main does.
func run(t *testing.T, cmd *cobra.Command, in string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, errOut bytes.Buffer
	cmd.SetIn(strings.NewReader(in))
	cmd.SetOut(&out)
	cmd.SetErr(&errOut)
	cmd.SetArgs(args)
	err = cmd.ExecuteContext(t.Context())
	return out.String(), errOut.String(), err
}

// orders are ten records of a minute in two services.
func orders() plog.Logs {
	logs := plog.NewLogs()
	for s, service := range []string{"cart", "checkout"} {
		rl := logs.ResourceLogs().AppendEmpty()
		rl.Resource().Attributes().PutStr("service.name", service)
		records := rl.ScopeLogs().AppendEmpty().LogRecords()
		for i := range 5 {
			r := records.AppendEmpty()
			r.SetTimestamp(pcommon.NewTimestampFromTime(time.Date(2026, 1, 2, 15, 4, 5+10*i+s, 0, time.UTC)))
			r.SetSeverityNumber(plog.SeverityNumberInfo)
			r.Body().SetStr(`order ` + strings.Repeat("x", i) + ` {"took":` + strings.Repeat("1", i+1) + `}`)
			r.Attributes().PutInt("http.status_code", int64(200+100*i))
		}
	}
	return logs
}

var ordersTime = []string{"--start", "2026-01-02T15:04:00Z", "--end", "2026-01-02T15:06:00Z"}

func TestQueryTakesLogQL(t *testing.T) {
	address, store := startQueryAPI(t)
	storeLogs(t, store, "", orders())
	at := append([]string{"--address", address, "--utc"}, ordersTime...)

	out, _, err := runQuery(t, append(at, `{service_name="cart"} | http_status_code >= 500 | line_format "{{.service_name}}: {{.http_status_code}}"`)...)
	require.NoError(t, err)
	require.Equal(t, "2026-01-02 15:04:35.000 INFO  cart cart: 500 http_status_code=500\n2026-01-02 15:04:45.000 INFO  cart cart: 600 http_status_code=600\n", out)

	out, _, err = runQuery(t, append(at, "-o", "raw", "-n", "1", "--forward", `{} | label_format x="a=b c" | line_format "{{.x}}"`)...)
	require.NoError(t, err)
	require.Equal(t, "a=b c\n", out)

	out, _, err = runQuery(t, append(at, "-o", "csv", `{service_name="cart"} |= "xxxx"`)...)
	require.NoError(t, err)
	require.Contains(t, out, ",line,labels\n")

	out, notes, err := runQuery(t, append(at, "--level", "warn", `{}`)...)
	require.NoError(t, err)
	require.Empty(t, out)
	require.Contains(t, notes, "Nothing matched among the 10 records")

	out, notes, err = runQuery(t, append(at, `{level="info"}`)...)
	require.NoError(t, err)
	require.Empty(t, out)
	require.Contains(t, notes, "Note: no record has the label level: did you mean detected_level?")
	_, notes, err = runQuery(t, append(at, "--instant", `sum(count_over_time({level="info"}[2m]))`)...)
	require.NoError(t, err)
	require.Contains(t, notes, "did you mean detected_level?")
}

func TestQueryCountsWithMetricQueries(t *testing.T) {
	address, store := startQueryAPI(t)
	storeLogs(t, store, "", orders())
	at := append([]string{"--address", address, "--utc"}, ordersTime...)
	const byService = `sum by (service_name) (count_over_time({}[1m]))`

	out, _, err := runQuery(t, append(at, "--step", "1m", byService)...)
	require.NoError(t, err)
	require.Equal(t, `{service_name="cart"}  █
  2026-01-02 15:05:00  5
{service_name="checkout"}  █
  2026-01-02 15:05:00  5
`, out)
	out, _, err = runQuery(t, append(at, "--instant", "-o", "csv", `sum by (service_name) (count_over_time({}[2m]))`)...)
	require.NoError(t, err)
	require.Equal(t, "time,service_name,value\n2026-01-02T15:06:00Z,cart,5\n2026-01-02T15:06:00Z,checkout,5\n", out)
	out, _, err = runQuery(t, append(at, "--step", "1m", "-o", "json", byService)...)
	require.NoError(t, err)
	require.Contains(t, out, `{"metric":{"service_name":"cart"},"values":[[1767366300,"5"]]}`)
	out, _, err = runQuery(t, append(at, "--instant", "vector(2) + 1")...)
	require.NoError(t, err)
	require.Contains(t, out, "3      {}")
}

// By itself a query of an hour is evaluated each minute, and one of a year each week: what came between two windows was not counted,
// and nothing said so.
func TestQueryCountsWhatIsBetweenWindows(t *testing.T) {
	address, store := startQueryAPI(t)
	storeLogs(t, store, "", orders())
	ask := func(start string, query ...string) (sum int, notes string) {
		at := []string{"--address", address, "--start", start, "--end", "2026-01-02T15:06:00Z", "-o", "csv"}
		out, notes, err := runQuery(t, append(at, query...)...)
		require.NoError(t, err)
		rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
		require.NoError(t, err)
		for _, row := range rows[1:] {
			n, err := strconv.Atoi(row[len(row)-1])
			require.NoError(t, err)
			sum += n
		}
		return sum, notes
	}
	const count = `sum(count_over_time({}[15s])) + sum(count_over_time({}[30s])) * 0`
	sum, notes := ask("2026-01-02T14:00:00Z", count)
	require.Equal(t, 10, sum)
	require.Empty(t, notes)

	sum, notes = ask("2025-01-02T15:00:00Z", count)
	require.Zero(t, sum)
	require.Equal(t, "Note: a window of 15s each 7d leaves out what is between: take a longer one, or --step 15s.\n", notes)
	_, notes = ask("2026-01-02T14:00:00Z", "--step", "1h", count)
	require.Empty(t, notes, "who names a step means it")
}

func TestQueryExplains(t *testing.T) {
	address, store := startQueryAPI(t)
	storeLogs(t, store, "", orders())
	at := append([]string{"--address", address, "--explain"}, ordersTime...)
	out, _, err := runQuery(t, append(at, `{service_name="cart"} |= "order" | regexp "(?P<n>x+)" | n = "xx"`)...)
	require.NoError(t, err)
	require.Contains(t, out, "it answers      {service_name=\"cart\"}   |= \"order\"\n")
	require.Contains(t, out, "devlogs runs    | regexp \"(?P<n>x+)\" | n=\"xx\"\n")
	require.Contains(t, out, "SELECT")
	require.Contains(t, out, "1 entries in")
	out, _, err = runQuery(t, append(at, `sum(count_over_time({}[1m]))`)...)
	require.NoError(t, err)
	require.Contains(t, out, "the store       counts\n")
}

func TestQueryShowsWhereAQueryIsWrong(t *testing.T) {
	for query, want := range map[string]string{
		`{a="é"} |= 5`:                                 "  {a=\"é\"} |= 5\n             ^",
		"{}\n|= \"x\"\n| json |":                       "  | json |\n          ^",
		`{} ` + strings.Repeat("|= `x` ", 30) + `|= y`: "^",
	} {
		_, _, err := runQuery(t, query)
		require.ErrorContains(t, err, "parse error at line")
		require.ErrorContains(t, err, want)
	}
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"--instant", "{}"}, "are for metric queries"},
		{[]string{"--explain", "word"}, "--explain needs a query of LogQL"},
		{[]string{"--service", "x", "rate({}[1m])"}, "write them into the query"},
		{[]string{"-o", "raw", "rate({}[1m])"}, "is for logs"},
		{[]string{"--stdin", "--explain", "{}"}, "needs none"},
		{[]string{"--stdin", "hello"}, "--stdin needs a query of LogQL"},
		{[]string{`{} | line_format "{{x}}"`}, "function"},
	} {
		_, _, err := runQuery(t, test.args...)
		require.ErrorContains(t, err, test.want, test.args)
	}
}

func TestQueryRunsOverStandardInput(t *testing.T) {
	const log = `{"time":"2026-01-02T15:04:05Z","level":"error","msg":"a","n":3}
2026-01-02 15:04:35,123 WARN plain text
{"time":"2026-01-02T15:05:10Z","level":"error","msg":"b","n":4}` + "\r\n\n"
	out, _, err := run(t, newQueryCommand(), log, "--stdin", "--utc", `{app="shop"} | json | msg != "" | line_format "{{.app}} {{.msg}}"`)
	require.NoError(t, err)
	require.Contains(t, out, "2026-01-02 15:04:05.000 ERROR shop a app=shop level=error msg=a n=3")
	require.Equal(t, 2, strings.Count(out, "\n"))
	out, _, err = run(t, newQueryCommand(), log, "--stdin", "-o", "json", "-n", "1", `{} |= "plain"`)
	require.NoError(t, err)
	require.JSONEq(t, `{"time":"2026-01-02T15:04:35.123Z","line":"2026-01-02 15:04:35,123 WARN plain text","labels":{"detected_level":"warn"}}`, out)
	out, _, err = run(t, newQueryCommand(), log, "--stdin", "--instant", "-o", "csv", `sum by (level) (sum_over_time({} | json | unwrap n | __error__="" [5m]))`)
	require.NoError(t, err)
	require.Equal(t, "time,level,value\n2026-01-02T15:05:10Z,error,7\n", out)
	out, _, err = run(t, newQueryCommand(), log, "--stdin", "--step", "1m", "-o", "csv", `sum(count_over_time({}[1m]))`)
	require.NoError(t, err)
	require.Equal(t, "time,value\n2026-01-02T15:05:00Z,2\n2026-01-02T15:06:00Z,1\n", out)
	levels := "ERROR: a\n{\"msg\":\"[error] b\"}\nerror rate is 0\n{\"level\":\"panic\",\"msg\":\"INFO: c\"}\n" // as when they are stored
	out, _, err = run(t, newQueryCommand(), levels, "--stdin", "-o", "raw", `{} | detected_level="error"`)
	require.NoError(t, err)
	require.Equal(t, "ERROR: a\n{\"msg\":\"[error] b\"}\n{\"level\":\"panic\",\"msg\":\"INFO: c\"}\n", out)
	_, _, err = run(t, newQueryCommand(), log, "--stdin", `rate({a="1"}[1m]) / rate({a="2"}[1m])`)
	require.ErrorContains(t, err, "must be the same")
	_, _, err = run(t, newQueryCommand(), strings.Repeat("x", maxLine+100_000), "--stdin", `{}`)
	require.ErrorContains(t, err, "line 1 is longer")
}

func TestCatalogueCommands(t *testing.T) {
	address, store := startQueryAPI(t)
	storeLogs(t, store, "", orders())
	at := append([]string{"--address", address}, ordersTime...)
	for _, test := range []struct {
		cmd  *cobra.Command
		args []string
		want string
	}{
		{newLabelsCommand(), nil, "service_name\n"},
		{newLabelsCommand(), []string{"service_name"}, "cart\ncheckout\n"},
		{newLabelsCommand(), []string{"service_name", `{service_name="cart"}`, "-o", "json"}, `{"value":"cart"}` + "\n"},
		{newSeriesCommand(), nil, `{service_name="cart"}` + "\n" + `{service_name="checkout"}` + "\n"},
		{newSeriesCommand(), []string{`{service_name=~"ch.*"}`, "-o", "csv"}, "service_name\ncheckout\n"},
		{newFieldsCommand(), []string{"http_status_code", "--service", "cart", "-n", "2"}, "count  value\n1      200\n1      300\n"},
		{newStatsCommand(), []string{`{service_name="cart"}`}, "streams  entries  size\n1        5        105 B\n"},
		{newPatternsCommand(), nil, "count  pattern\n"},
		{newStatsCommand(), []string{"-o", "csv"}, "records,batches,bytes,oldest,newest\n10,1,"},
	} {
		out, _, err := run(t, test.cmd, "", append(at, test.args...)...)
		require.NoError(t, err, "%s %s", test.cmd.Name(), test.args)
		require.True(t, strings.HasPrefix(out, test.want), "%s %s: %s", test.cmd.Name(), test.args, out)
	}
	out, _, err := run(t, newFieldsCommand(), "", append(at, "-o", "csv")...)
	require.NoError(t, err)
	require.Contains(t, out, "http_status_code,http.status_code,attributes,int\n")
	_, errOut, err := run(t, newLabelsCommand(), "", "--address", address, "--start", "2000-01-01", "--end", "2000-01-02")
	require.NoError(t, err)
	require.Equal(t, "There are no labels in this time range.\n", errOut)
	_, _, err = run(t, newSeriesCommand(), "", "--address", address, "{")
	require.ErrorContains(t, err, "^")
}

func TestEveryCommandThatAsksHasExamples(t *testing.T) {
	for _, cmd := range []*cobra.Command{
		newQueryCommand(), newTailCommand(), newLabelsCommand(), newSeriesCommand(), newFieldsCommand(), newStatsCommand(), newPatternsCommand(),
	} {
		out, _, err := run(t, cmd, "", "--help")
		require.NoError(t, err)
		require.Contains(t, out, "Examples:\n  devlogs "+cmd.Name(), cmd.Name())
	}
}

// lineWriter gives each line that a command writes to a channel.
type lineWriter struct {
	lines chan string
	rest  string
}

func (w *lineWriter) Write(b []byte) (int, error) {
	w.rest += string(b)
	for {
		line, rest, ok := strings.Cut(w.rest, "\n")
		if !ok {
			return len(b), nil
		}
		w.rest = rest
		w.lines <- line
	}
}

func TestTailShowsWhatWasThereAndWhatComes(t *testing.T) {
	address, store := startQueryAPI(t)
	storeLogs(t, store, "", demoLogs(3))
	ctx, stop := context.WithCancel(t.Context())
	cmd := newTailCommand()
	out := &lineWriter{lines: make(chan string, 100)}
	cmd.SetOut(out)
	cmd.SetArgs([]string{"--address", address, "-n", "2", "-o", "raw", `{service_name="demo"} | line_format "<{{__line__}}>"`})
	ended := make(chan error, 1)
	go func() { ended <- cmd.ExecuteContext(ctx) }()
	require.Equal(t, "<message 1>", <-out.lines)
	require.Equal(t, "<message 2>", <-out.lines)
	storeLogs(t, store, "", demoLogs(1))
	require.Equal(t, "<message 0>", <-out.lines)
	stop()
	require.NoError(t, <-ended)

	for _, bad := range [][]string{{"rate({}[1m])"}, {"{"}, {"-n", "-1"}, {"-o", "csv"}, {"--level", "loud"}, {"--color", "x"}} {
		_, _, err := run(t, newTailCommand(), "", append([]string{"--address", address}, bad...)...)
		require.Error(t, err, bad)
	}
}
