package main

import (
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
)

func newStatsCommand() *cobra.Command {
	var c struct {
		connection
		timeFlags
		tableFlags
	}
	cmd := &cobra.Command{
		Use:   "stats [selector]",
		Short: "Sum up what is stored, or what a selector selects",
		Long: `Sum up what is stored, over all tenants. With a selector, sum up the streams, entries and bytes that it selects in a time
range.`,
		Example: `  devlogs stats
  devlogs stats '{service_name="checkout"}' --since 24h
  devlogs stats -o json`,
		Args: cobra.MaximumNArgs(1), SilenceUsage: true, SilenceErrors: true,
	}
	cmd.RunE = asking(func(a *asker, args []string) error {
		if len(args) == 0 {
			return storeStats(a, c.zone())
		}
		if _, err := parseLogQL(args[0]); err != nil {
			return err
		}
		query, err := c.lokiValues()
		if err != nil {
			return err
		}
		query.Set("query", args[0])
		var stats struct{ Streams, Chunks, Entries, Bytes uint64 }
		if err := a.api.Get(a.ctx, "/loki/api/v1/index/stats", query, &stats); err != nil {
			return err
		}
		all := table{columns: []string{"streams", "entries", "bytes"}, rows: [][]any{{stats.Streams, stats.Entries, stats.Bytes}}}
		if a.format.output == "text" {
			all.columns[2], all.rows[0][2] = "size", humanize.IBytes(stats.Bytes)
		}
		return a.print(all, "")
	}, &c.connection, &c.tableFlags)
	c.timeFlags.addFlags(cmd)
	c.tableFlags.addFlags(cmd)
	c.connection.addFlags(cmd)
	return cmd
}

func storeStats(a *asker, zone *time.Location) error {
	var stats struct {
		Records, Batches, Bytes uint64
		MinTime                 string `json:"min_time"`
		MaxTime                 string `json:"max_time"`
	}
	if err := a.api.Get(a.ctx, "/api/v1/stats", nil, &stats); err != nil {
		return err
	}
	all := table{
		columns: []string{"records", "batches", "bytes", "oldest", "newest"},
		rows:    [][]any{{stats.Records, stats.Batches, stats.Bytes, stats.MinTime, stats.MaxTime}},
	}
	if a.format.output == "text" {
		all.columns[2] = "on disk"
		all.rows[0] = []any{stats.Records, stats.Batches, humanize.IBytes(stats.Bytes), wallTime(stats.MinTime, zone), wallTime(stats.MaxTime, zone)}
	}
	return a.print(all, "")
}

// wallTime is RFC 3339 as people read it; "" is "-".
func wallTime(text string, zone *time.Location) string {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return "-"
	}
	return t.In(zone).Format(time.DateTime)
}
