package main

import (
	"net/url"

	"github.com/spf13/cobra"
)

func newLabelsCommand() *cobra.Command {
	var c struct {
		connection
		timeFlags
		tableFlags
	}
	cmd := &cobra.Command{
		Use:   "labels [name [selector]]",
		Short: "List the labels of streams, or the values of one",
		Long: `List the names of the labels that streams of logs have in a time range, or the values of one of them.

Labels are the resource's attributes, such as service_name; what single records have are fields: see devlogs fields.`,
		Example: `  devlogs labels
  devlogs labels service_name --since 24h
  devlogs labels host_name '{service_name="checkout"}'
  devlogs labels service_name -o json`,
		Args: cobra.MaximumNArgs(2), SilenceUsage: true, SilenceErrors: true,
	}
	cmd.RunE = asking(func(a *asker, args []string) error {
		query, err := c.lokiValues()
		if err != nil {
			return err
		}
		path, column, nothing := "labels", "label", "There are no labels in this time range."
		if len(args) > 0 {
			path, column = "label/"+url.PathEscape(args[0])+"/values", "value"
			nothing = "No stream in this time range has the label " + harmless(args[0]) + "."
		}
		if len(args) > 1 {
			query.Set("query", args[1])
			nothing = "No stream of this selector in this time range has the label " + harmless(args[0]) + "."
		}
		var names []string
		if err := a.api.Loki(a.ctx, path, query, &names); err != nil {
			return err
		}
		all := table{columns: []string{column}}
		for _, name := range names {
			all.rows = append(all.rows, []any{name})
		}
		return a.print(all, nothing)
	}, &c.connection, &c.tableFlags)
	c.timeFlags.addFlags(cmd)
	c.tableFlags.addFlags(cmd)
	c.connection.addFlags(cmd)
	return cmd
}
