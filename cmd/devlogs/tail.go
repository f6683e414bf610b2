package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/instantdevlogs/devlogs/queryapi/client"
	"github.com/instantdevlogs/devlogs/storage"
)

// tailCommand holds the flags of `devlogs tail`.
type tailCommand struct {
	connection

	services       []string
	level, traceID string
	history        int
	since          string
	output         string
	utc            bool
	color          string
	multiline      bool
}

func newTailCommand() *cobra.Command {
	var t tailCommand
	cmd := &cobra.Command{
		Use:   "tail [LogQL | text...]",
		Short: "Show logs as they come",
		Long: `Show logs as they are stored, until Ctrl-C. Arguments are a log query of LogQL or words, as in devlogs query.

First it shows the newest records that are stored already: -n says how many. When the connection is lost it is made again,
and nothing is missed or shown twice. When logs come faster than they can be shown, a line on stderr says what was left out.`,
		Example: `  devlogs tail
  devlogs tail --service checkout --level warn
  devlogs tail timeout -n 0                            only what comes from now on
  devlogs tail '{service_name="checkout"} | json | status >= 500 | line_format "{{.method}} {{.path}}"'
  devlogs tail -o json | jq .body`,
		SilenceUsage: true, SilenceErrors: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			return quiet(ctx, t.run(ctx, cmd, args))
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&t.services, "service", nil, "only logs of this service; repeat for more")
	f.StringVar(&t.level, "level", "", "only this level and more severe ones: trace, debug, info, warn, error, fatal")
	f.StringVar(&t.traceID, "trace-id", "", "only logs of this trace")
	f.IntVarP(&t.history, "lines", "n", 10, "how many of the records that are there already to show first")
	f.StringVar(&t.since, "since", "1h", "how far back to look for those")
	f.StringVarP(&t.output, "output", "o", "text", "text, json (one object a line) or raw (only the lines)")
	f.BoolVar(&t.utc, "utc", false, "show times in UTC instead of local time")
	f.BoolVar(&t.multiline, "multiline", false, "show values of several lines, such as stack traces, below their record; always on a terminal")
	f.StringVar(&t.color, "color", "auto", "auto, always or never; auto colours on a terminal unless NO_COLOR is set")
	t.addFlags(cmd)
	return cmd
}

func (t *tailCommand) run(ctx context.Context, cmd *cobra.Command, args []string) error {
	query, err := t.values(args)
	if err != nil {
		return err
	}
	api, err := t.client(ctx)
	if err != nil {
		return err
	}
	defer api.Close()
	s := &tailScreen{
		out:    bufio.NewWriterSize(cmd.OutOrStdout(), 64<<10),
		errOut: cmd.ErrOrStderr(),
		write:  recordPrinter(t.output, t.color, t.utc, t.multiline, cmd.OutOrStdout()),
	}
	for event, err := range api.Tail(ctx, query, "") {
		if err != nil {
			return err
		}
		if event.Opened != nil && !s.began {
			err = t.showHistory(ctx, api, query, event.Opened.Position, s)
		} else {
			err = s.show(event)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *tailCommand) values(args []string) (url.Values, error) {
	switch {
	case t.history < 0 || t.history > maxHeld:
		return nil, fmt.Errorf("--lines is %d: it is a number from 0 to %d", t.history, maxHeld)
	case !slices.Contains([]string{"text", "json", "raw"}, t.output):
		return nil, fmt.Errorf("--output is %q: use text, json or raw", t.output)
	case !slices.Contains([]string{"auto", "always", "never"}, t.color):
		return nil, fmt.Errorf("--color is %q: use auto, always or never", t.color)
	}
	v := url.Values{}
	expr, err := parseArgument(args)
	if err != nil {
		return nil, err
	}
	if expr != nil {
		if _, err := logQuery(expr, "ask for them with devlogs query"); err != nil {
			return nil, err
		}
		v.Set("query", args[0])
	} else if len(args) > 0 {
		v.Set("q", strings.Join(args, " "))
	}
	if t.level != "" {
		v.Set("level", t.level)
	}
	if t.traceID != "" {
		v.Set("trace_id", t.traceID)
	}
	if len(t.services) > 0 {
		v["service"] = t.services
	}
	return v, nil
}

// showHistory shows the newest records that were stored before the tail began at position. The tail gives those behind it.
func (t *tailCommand) showHistory(ctx context.Context, api *client.Client, query url.Values, position string, s *tailScreen) error {
	s.began = true
	if t.history == 0 {
		return nil
	}
	began, err := storage.ParseID(position)
	if err != nil {
		return nil //nolint:nilerr // the position before everything: nothing was stored
	}
	past := url.Values{"since": {t.since}}
	for name, values := range query {
		past[name] = values
	}
	var held []client.Record
	for record, err := range api.Logs(ctx, past, 0) {
		if err != nil {
			return err
		}
		if id, err := storage.ParseID(record.ID); err != nil || id.Batch > began.Batch {
			continue
		}
		if held = append(held, record); len(held) == t.history {
			break
		}
	}
	for _, record := range slices.Backward(held) {
		if err := s.write(s.out, &record); err != nil {
			return err
		}
	}
	return s.out.Flush()
}

// tailScreen shows what a tail tells.
type tailScreen struct {
	out    *bufio.Writer
	errOut io.Writer
	write  func(*bufio.Writer, *client.Record) error
	began  bool
}

func (s *tailScreen) show(event client.Event) error {
	switch {
	case event.Record != nil:
		if err := s.write(s.out, event.Record); err != nil {
			return err
		}
		return s.out.Flush()
	case event.Lost != nil:
		fmt.Fprintf(s.errOut, "devlogs: connection lost (%v), connecting again\n", event.Lost)
	case event.Opened != nil:
		fmt.Fprintln(s.errOut, "devlogs: connected again")
	case event.Gap != nil && event.Gap.Reason == "slow_reader":
		fmt.Fprintf(s.errOut, "devlogs: %d records were left out, as they came too fast: devlogs query --start %s --end %s has them\n",
			event.Gap.LeftOut, event.Gap.Start, event.Gap.End)
	case event.Gap != nil:
		text, err := json.Marshal(event.Gap)
		if err != nil {
			return err
		}
		fmt.Fprintf(s.errOut, "devlogs: the store does not know where the tail was, it may be another one: going on from now (%s)\n", text)
	}
	return nil
}
