package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os/signal"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/instantdevlogs/devlogs/queryapi/client"
)

// queryCommand holds the flags of `devlogs query`.
type queryCommand struct {
	connection

	since, start, end string
	services          []string
	level, traceID    string
	limit             int
	forward, reverse  bool
	output            string
	utc               bool
	color             string
}

// maxHeld is how many records are held in memory to turn their order around.
const maxHeld = 100_000

func newQueryCommand() *cobra.Command {
	var q queryCommand
	cmd := &cobra.Command{
		Use:   "query [text]...",
		Short: "Search the stored logs",
		Long: `Search the stored logs of a running devlogs.

Words given as arguments must all be in the message, in any case and order. Quote a phrase for the shell and for devlogs:
'"connection reset"'. A word after a minus must not be there; put -- before the first such word.

It shows the newest records that match, the newest last. --forward shows the oldest of the time range instead.`,
		Example: `  devlogs query                                        the newest 100 records of the last hour
  devlogs query --since 15m --level warn timeout       warnings and worse that mention a timeout
  devlogs query --service checkout --limit 20
  devlogs query --trace-id 4bf92f3577b34da6a3ce929d0e0e4736
  devlogs query --since 7d --limit 0 -o json >week.ndjson
  devlogs query --start 2026-01-02T15:00:00Z --end 2026-01-02T15:05:00Z -o csv
  devlogs query --since 1h -- connection -healthz      with the first word and without the second`,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			return q.run(ctx, cmd, args)
		},
	}
	f := cmd.Flags()
	f.StringVar(&q.since, "since", "", "how far back to look from now or --end, as in `15m`, 1h30m or 7d (default 1h)")
	f.StringVar(&q.start, "start", "", "beginning of the time range: RFC 3339, unix time, or a `time` ago such as 2h")
	f.StringVar(&q.end, "end", "", "end of the time range (default now)")
	f.StringArrayVar(&q.services, "service", nil, "only logs of this service; repeat for more")
	f.StringVar(&q.level, "level", "", "only this level and more severe ones: trace, debug, info, warn, error, fatal")
	f.StringVar(&q.traceID, "trace-id", "", "only logs of this trace; looks at all that is stored unless a time is given")
	f.IntVarP(&q.limit, "limit", "n", 100, "the most records to show; 0 shows all")
	f.BoolVar(&q.forward, "forward", false, "show the oldest records that match, not the newest")
	f.BoolVar(&q.reverse, "reverse", false, "newest first")
	f.StringVarP(&q.output, "output", "o", "text", "text, json (one object a line) or csv (newest first unless --forward)")
	f.BoolVar(&q.utc, "utc", false, "show times in UTC instead of local time")
	f.StringVar(&q.color, "color", "auto", "auto, always or never; auto colours on a terminal unless NO_COLOR is set")
	q.addFlags(cmd)
	return cmd
}

func (q *queryCommand) run(ctx context.Context, cmd *cobra.Command, words []string) error {
	if err := q.check(); err != nil {
		return err
	}
	api, err := q.client(ctx)
	if err != nil {
		return err
	}
	defer api.Close()
	out := bufio.NewWriterSize(cmd.OutOrStdout(), 64<<10)
	shown, err := q.show(ctx, api, cmd, out, q.values(words))
	if err = errors.Join(err, out.Flush()); err != nil {
		return quiet(ctx, err)
	}
	if shown == 0 && q.output == "text" {
		q.explainNothing(ctx, api, cmd.ErrOrStderr())
	}
	return nil
}

func (q *queryCommand) check() error {
	switch {
	case q.limit < 0:
		return fmt.Errorf("--limit is %d: use 0 to show all", q.limit)
	case q.limit > maxHeld && !q.forward && !q.reverse && q.output != "csv":
		return fmt.Errorf("--limit above %d needs --forward or --reverse (or 0, for all): showing the newest last means holding them in memory",
			maxHeld)
	case q.forward && q.reverse:
		return errors.New("--forward and --reverse exclude each other")
	case !slices.Contains([]string{"text", "json", "csv"}, q.output):
		return fmt.Errorf("--output is %q: use text, json or csv", q.output)
	case !slices.Contains([]string{"auto", "always", "never"}, q.color):
		return fmt.Errorf("--color is %q: use auto, always or never", q.color)
	case q.since != "" && q.start != "":
		return errors.New("give --since or --start, not both")
	}
	return nil
}

// values are the parameters of GET /api/v1/logs. Each argument is words; a leading minus is the server's to read.
func (q *queryCommand) values(words []string) url.Values {
	v := url.Values{}
	set := func(name, value string) {
		if value != "" {
			v.Set(name, value)
		}
	}
	set("since", q.since)
	set("start", q.start)
	set("end", q.end)
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

// show writes the records and tells how many there were; for CSV, which the server writes, at least 1.
func (q *queryCommand) show(ctx context.Context, api *client.Client, cmd *cobra.Command, out *bufio.Writer, query url.Values) (int, error) {
	if q.output == "csv" {
		return 1, q.copyCSV(ctx, api, out, query)
	}
	write := writeJSON
	if q.output == "text" {
		write = newTextPrinter(q.color, q.utc, cmd.OutOrStdout()).write
	}
	shown := 0
	// Newest last is the order of reading, but the newest come first: hold them until all are there.
	var held []client.Record
	hold := query.Get("direction") == "backward" && !q.reverse
	for record, err := range api.Logs(ctx, query, q.limit) {
		if err != nil {
			return shown, err
		}
		shown++
		if hold {
			held = append(held, record)
		} else if err := write(out, &record); err != nil {
			return shown, err
		}
	}
	for _, record := range slices.Backward(held) {
		if err := write(out, &record); err != nil {
			return shown, err
		}
	}
	return shown, nil
}

func writeJSON(out *bufio.Writer, record *client.Record) error {
	_, _ = out.Write(record.JSON) // the last write tells
	return out.WriteByte('\n')
}

func (q *queryCommand) copyCSV(ctx context.Context, api *client.Client, out io.Writer, query url.Values) error {
	query.Set("format", "csv")
	if q.limit > 0 {
		query.Set("limit", strconv.Itoa(q.limit))
	}
	body, err := api.Stream(ctx, "/api/v1/logs", query)
	if err != nil {
		return err
	}
	defer body.Close()
	if _, err := io.Copy(out, body); err != nil {
		return fmt.Errorf("the export ended early, its last lines may say why: %w", err)
	}
	return nil
}

// explainNothing says where logs are when a query found none.
func (q *queryCommand) explainNothing(ctx context.Context, api *client.Client, out io.Writer) {
	var stats struct {
		Records uint64
		MinTime time.Time `json:"min_time"`
		MaxTime time.Time `json:"max_time"`
	}
	if err := api.Get(ctx, "/api/v1/stats", nil, &stats); err != nil {
		return // the query itself went well
	}
	if stats.Records == 0 {
		fmt.Fprintln(out, "No logs are stored yet.")
		return
	}
	layout := time.DateTime
	fmt.Fprintf(out, "Nothing matched. There are %d records stored, from %s to %s: --since or --start look further back.\n",
		stats.Records, stats.MinTime.Local().Format(layout), stats.MaxTime.Local().Format(layout))
}

// quiet drops the errors of a reader that has seen enough (| head) and of Ctrl-C.
func quiet(ctx context.Context, err error) error {
	if errors.Is(err, syscall.EPIPE) || ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
