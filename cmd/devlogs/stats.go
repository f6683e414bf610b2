package main

import (
	"time"

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
			return storeStats(a)
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
		return a.print(table{columns: []string{"streams", "entries", "bytes"}, rows: [][]any{{stats.Streams, stats.Entries, stats.Bytes}}}, "")
	}, &c.connection, &c.tableFlags)
	c.timeFlags.addFlags(cmd)
	c.tableFlags.addFlags(cmd)
	c.connection.addFlags(cmd)
	return cmd
}

func storeStats(a *asker) error {
	var stats struct {
		Records, Batches, Bytes uint64
		MinTime                 string `json:"min_time"`
		MaxTime                 string `json:"max_time"`
	}
	if err := a.api.Get(a.ctx, "/api/v1/stats", nil, &stats); err != nil {
		return err
	}
	if a.format.output == "text" {
		stats.MinTime, stats.MaxTime = localTime(stats.MinTime), localTime(stats.MaxTime)
	}
	return a.print(table{
		columns: []string{"records", "batches", "bytes", "oldest", "newest"},
		rows:    [][]any{{stats.Records, stats.Batches, stats.Bytes, stats.MinTime, stats.MaxTime}},
	}, "")
}

// localTime is RFC 3339 as people here read it; "" stays "-".
func localTime(text string) string {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return "-"
	}
	return t.Local().Format(time.DateTime)
}
