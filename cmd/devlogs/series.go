package main

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

func newSeriesCommand() *cobra.Command {
	var c struct {
		connection
		timeFlags
		tableFlags
	}
	cmd := &cobra.Command{
		Use:   "series [selector]...",
		Short: "List the streams of logs by their labels",
		Long:  `List the streams that have logs in a time range: each set of labels once. Several selectors list what any of them selects.`,
		Example: `  devlogs series
  devlogs series '{service_name="checkout"}' --since 24h
  devlogs series '{service_name=~"cart|checkout"}' -o json`,
		SilenceUsage: true, SilenceErrors: true,
	}
	cmd.RunE = asking(func(a *asker, args []string) error {
		query, err := c.lokiValues()
		if err != nil {
			return err
		}
		if len(args) == 0 {
			args = []string{"{}"}
		}
		for _, selector := range args {
			if _, err := parseLogQL(selector); err != nil {
				return err
			}
		}
		query["match[]"] = args
		var series []map[string]string
		if err := a.api.Loki(a.ctx, "series", query, &series); err != nil {
			return err
		}
		if a.format.output == "text" {
			return a.print(lines(series), "No stream matches in this time range.")
		}
		return a.print(byLabel(series), "")
	}, &c.connection, &c.tableFlags)
	c.timeFlags.addFlags(cmd)
	c.tableFlags.addFlags(cmd)
	c.connection.addFlags(cmd)
	return cmd
}

// lines has each set of labels on a line, as selectors write them.
func lines(series []map[string]string) table {
	var all []string
	for _, labels := range series {
		all = append(all, labelSet(labels))
	}
	slices.Sort(all)
	t := table{columns: []string{"series"}}
	for _, line := range all {
		t.rows = append(t.rows, []any{line})
	}
	return t
}

// byLabel has a column for each label.
func byLabel(series []map[string]string) table {
	names := map[string]bool{}
	for _, labels := range series {
		for name := range labels {
			names[name] = true
		}
	}
	t := table{columns: slices.Sorted(maps.Keys(names))}
	for _, labels := range series {
		row := make([]any, len(t.columns))
		for i, name := range t.columns {
			row[i] = labels[name]
		}
		t.rows = append(t.rows, row)
	}
	return t
}

// labelSet writes labels as a selector does, ordered by name.
func labelSet(labels map[string]string) string {
	parts := make([]string, 0, len(labels))
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		parts = append(parts, name+"="+strconv.Quote(labels[name]))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
