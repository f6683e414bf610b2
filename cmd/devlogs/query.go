package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os/signal"
	"slices"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/instantdevlogs/devlogs/logql"
)

// queryCommand holds the flags of `devlogs query`.
type queryCommand struct {
	connection
	timeFlags

	services         []string
	level, traceID   string
	limit            int
	forward, reverse bool
	instant          bool
	step             string
	explain, stdin   bool
	multiline        bool
	output           string
	color            string

	logql string     // the query as it was given; "" when the arguments are words
	expr  logql.Expr // the same, read
}

// maxHeld is how many records are held in memory to turn their order around.
const maxHeld = 100_000

func newQueryCommand() *cobra.Command {
	var q queryCommand
	cmd := &cobra.Command{
		Use:   "query [LogQL | text...]",
		Short: "Search the stored logs, or count over them",
		Long: `Search the stored logs of a running devlogs with a query of LogQL, the language of Grafana Loki, or with words.

An argument with braces is a query of LogQL. A log query gives logs; a metric query gives numbers for each --step of the time
range, or with --instant for its end. docs/logql.md describes the language.

Other arguments are words that must all be in the message, in any case and order. Quote a phrase for the shell and for
devlogs: '"connection reset"'. A word after a minus must not be there; put -- before the first such word.

It shows the newest records that match, the newest last. --forward shows the oldest of the time range instead.`,
		Example: `  devlogs query                                        the newest 100 records of the last hour
  devlogs query --since 15m --level warn timeout       warnings and worse that mention a timeout
  devlogs query --service checkout --limit 20
  devlogs query --trace-id 4bf92f3577b34da6a3ce929d0e0e4736
  devlogs query '{service_name="checkout"} |= "timeout" | json | took > 1s'
  devlogs query 'sum by (service_name) (count_over_time({} | detected_level="error" [5m]))' --since 6h
  devlogs query 'topk(5, sum by (path) (rate({} | logfmt [1h])))' --instant
  devlogs query '{} | json | status >= 500' --explain  what the database does, and what devlogs does
  devlogs query --stdin '{} | json | level="error"' <app.log
  devlogs query --since 7d --limit 0 -o json >week.ndjson
  devlogs query --start '2026-01-02 15:00' --end '2026-01-02 15:05' -o csv`,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			return quiet(ctx, q.run(ctx, cmd, args))
		},
	}
	f := cmd.Flags()
	q.timeFlags.addFlags(cmd)
	f.StringArrayVar(&q.services, "service", nil, "only logs of this service; repeat for more")
	f.StringVar(&q.level, "level", "", "only this level and more severe ones: trace, debug, info, warn, error, fatal")
	f.StringVar(&q.traceID, "trace-id", "", "only logs of this trace; looks at all that is stored unless a time is given")
	f.IntVarP(&q.limit, "limit", "n", 100, "the most records to show; 0 shows all")
	f.BoolVar(&q.forward, "forward", false, "show the oldest records that match, not the newest")
	f.BoolVar(&q.reverse, "reverse", false, "newest first")
	f.BoolVar(&q.instant, "instant", false, "evaluate a metric query once, at the end of the time range")
	f.StringVar(&q.step, "step", "", "evaluate a metric query this often, as in `1m` (default: about 60 times, or as often as its windows leave no gap)")
	f.BoolVar(&q.explain, "explain", false, "show how a query of LogQL is answered instead of the answer")
	f.BoolVar(&q.stdin, "stdin", false, "run a query of LogQL over the lines of the standard input; needs no server")
	f.StringVarP(&q.output, "output", "o", "text", "text, json (one object a line), csv (logs newest first unless --forward) or raw (only the lines of logs)")
	f.BoolVar(&q.multiline, "multiline", false, "show values of several lines, such as stack traces, below their record; always on a terminal")
	f.StringVar(&q.color, "color", "auto", "auto, always or never; auto colours on a terminal unless NO_COLOR is set")
	q.connection.addFlags(cmd)
	return cmd
}

func (q *queryCommand) run(ctx context.Context, cmd *cobra.Command, args []string) (err error) {
	if q.stdin && len(args) == 0 {
		args = []string{"{}"} // every line
	}
	if q.expr, err = parseArgument(args); err != nil {
		return err
	}
	if q.expr != nil {
		q.logql, args = args[0], nil
	}
	if err := q.check(); err != nil {
		return err
	}
	out := bufio.NewWriterSize(cmd.OutOrStdout(), 64<<10)
	if q.stdin {
		if !cmd.Flags().Changed("limit") {
			q.limit = 0 // all that is given
		}
		shown, err := q.runStdin(ctx, cmd.InOrStdin(), out)
		if err = errors.Join(err, out.Flush()); err == nil && !shown && q.output == "text" {
			fmt.Fprintln(cmd.ErrOrStderr(), "Nothing matched.")
		}
		return err
	}
	api, err := q.client(ctx)
	if err != nil {
		return err
	}
	defer api.Close()
	if q.explain {
		return errors.Join(q.runExplain(ctx, api, out), out.Flush())
	}
	if _, metric := q.expr.(logql.SampleExpr); metric {
		return errors.Join(q.runMetric(ctx, api, out, cmd.ErrOrStderr()), out.Flush())
	}
	shown, err := q.show(ctx, api, cmd, out, q.values(args))
	if err = errors.Join(err, out.Flush()); err != nil {
		return err
	}
	if shown == 0 && q.output == "text" {
		q.explainNothing(ctx, api, cmd.ErrOrStderr())
	}
	return nil
}

func (q *queryCommand) check() error {
	_, metric := q.expr.(logql.SampleExpr)
	switch {
	case q.limit < 0:
		return fmt.Errorf("--limit is %d: use 0 to show all", q.limit)
	case q.limit > maxHeld && !q.forward && !q.reverse && q.output != "csv":
		return fmt.Errorf("--limit above %d needs --forward or --reverse (or 0, for all): showing the newest last means holding them in memory",
			maxHeld)
	case q.forward && q.reverse:
		return errors.New("--forward and --reverse exclude each other")
	case !slices.Contains([]string{"text", "json", "csv", "raw"}, q.output):
		return fmt.Errorf("--output is %q: use text, json, csv or raw", q.output)
	case !slices.Contains([]string{"auto", "always", "never"}, q.color):
		return fmt.Errorf("--color is %q: use auto, always or never", q.color)
	case q.expr == nil && (q.explain || q.stdin):
		flag := "--stdin"
		if q.explain {
			flag = "--explain"
		}
		return fmt.Errorf(`%s needs a query of LogQL, such as '{} |= "timeout"'`, flag)
	case q.explain && q.stdin:
		return errors.New("--explain tells what a server does, and --stdin needs none")
	case (q.instant || q.step != "") && !metric:
		return errors.New("--instant and --step are for metric queries, such as 'sum(rate({}[5m]))'")
	case q.instant && q.step != "":
		return errors.New("--instant asks for one time: --step has no use")
	case metric && q.output == "raw":
		return errors.New("--output raw is for logs: use text, json or csv")
	case (metric || q.stdin) && (len(q.services) > 0 || q.level != "" || q.traceID != ""):
		return errors.New("--service, --level and --trace-id are for logs of a server: write them into the query, as in " +
			`{service_name="checkout", detected_level=~"warn|error"}`)
	}
	return q.timeFlags.check()
}

// values are the parameters of GET /api/v1/logs. Each argument is words; a leading minus is the server's to read.
func (q *queryCommand) values(words []string) url.Values {
	v := q.timeFlags.values()
	set := func(name, value string) {
		if value != "" {
			v.Set(name, value)
		}
	}
	set("query", q.logql)
	set("level", q.level)
	set("trace_id", q.traceID)
	if len(q.services) > 0 {
		v["service"] = q.services
	}
	text := ""
	for _, w := range words {
		text += w + " "
	}
	set("q", text)
	v.Set("direction", "backward")
	if q.forward || q.limit == 0 && !q.reverse {
		v.Set("direction", "forward")
	}
	return v
}

// quiet drops the errors of a reader that has seen enough (| head) and of Ctrl-C.
func quiet(ctx context.Context, err error) error {
	if errors.Is(err, syscall.EPIPE) || ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
