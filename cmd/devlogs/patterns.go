package main

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/spf13/cobra"
)

func newPatternsCommand() *cobra.Command {
	var c struct {
		connection
		timeFlags
		tableFlags
		limit int
	}
	cmd := &cobra.Command{
		Use:   "patterns [selector]",
		Short: "Show the shapes of messages, and how often each comes",
		Long: `Show the shapes that the messages of a time range have, with <_> in place of what changes, and how often each comes. A shape
can be pasted into a query: |> keeps the lines of that shape, !> drops them.`,
		Example: `  devlogs patterns
  devlogs patterns '{service_name="checkout"}' --since 24h
  devlogs patterns '{service_name="checkout", detected_level="error"}' -n 10`,
		Args: cobra.MaximumNArgs(1), SilenceUsage: true, SilenceErrors: true,
	}
	cmd.RunE = asking(func(a *asker, args []string) error {
		query, err := c.lokiValues()
		if err != nil {
			return err
		}
		query.Set("query", "{}")
		if len(args) == 1 {
			if _, err := parseLogQL(args[0]); err != nil {
				return err
			}
			query.Set("query", args[0])
		}
		var patterns []struct {
			Pattern string
			Samples [][2]json.Number
		}
		if err := a.api.Loki(a.ctx, "patterns", query, &patterns); err != nil {
			return err
		}
		counts := map[string]int64{}
		for _, p := range patterns { // one for each level
			for _, sample := range p.Samples {
				n, err := sample[1].Int64()
				if err != nil {
					return err
				}
				counts[p.Pattern] += n
			}
		}
		all := table{columns: []string{"count", "pattern"}}
		for pattern, n := range counts {
			all.rows = append(all.rows, []any{n, pattern})
		}
		slices.SortFunc(all.rows, func(x, y []any) int {
			return cmp.Or(cmp.Compare(y[0].(int64), x[0].(int64)), cmp.Compare(x[1].(string), y[1].(string)))
		})
		all.rows = all.rows[:min(c.limit, len(all.rows))]
		return a.print(all, "No logs match in this time range.")
	}, &c.connection, &c.tableFlags)
	cmd.Flags().IntVarP(&c.limit, "limit", "n", 50, "the most patterns to show")
	c.timeFlags.addFlags(cmd)
	c.tableFlags.addFlags(cmd)
	c.connection.addFlags(cmd)
	return cmd
}
