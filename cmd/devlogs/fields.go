package main

import (
	"net/url"

	"github.com/spf13/cobra"
)

func newFieldsCommand() *cobra.Command {
	var c struct {
		connection
		timeFlags
		tableFlags
		services []string
		limit    string
	}
	cmd := &cobra.Command{
		Use:   "fields [name]",
		Short: "List the fields that logs have, or the values of one",
		Long: `List the fields that queries can name: what every record has, and the attributes of records, resources and scopes. With a
name, list its values with how many records have each, the most frequent first.`,
		Example: `  devlogs fields
  devlogs fields --service checkout
  devlogs fields http_status_code --since 24h
  devlogs fields level -o csv`,
		Args: cobra.MaximumNArgs(1), SilenceUsage: true, SilenceErrors: true,
	}
	cmd.RunE = asking(func(a *asker, args []string) error {
		if err := c.timeFlags.check(); err != nil {
			return err
		}
		query := c.values()
		if len(args) == 1 {
			if len(c.services) > 0 {
				query["service"] = c.services
			}
			query.Set("limit", c.limit)
			return fieldValues(a, args[0], query)
		}
		if len(c.services) == 0 {
			c.services = []string{""}
		}
		return listFields(a, query, c.services)
	}, &c.connection, &c.tableFlags)
	f := cmd.Flags()
	f.StringArrayVar(&c.services, "service", nil, "only of this service; with a name, repeat for more")
	f.StringVarP(&c.limit, "limit", "n", "100", "the most values to show")
	c.timeFlags.addFlags(cmd)
	c.tableFlags.addFlags(cmd)
	c.connection.addFlags(cmd)
	return cmd
}

func fieldValues(a *asker, name string, query url.Values) error {
	var answer struct {
		Values []struct {
			Value string
			Count uint64
		}
	}
	if err := a.api.Get(a.ctx, "/api/v1/fields/"+url.PathEscape(name)+"/values", query, &answer); err != nil {
		return err
	}
	all := table{columns: []string{"count", "value"}}
	for _, v := range answer.Values {
		all.rows = append(all.rows, []any{v.Count, v.Value})
	}
	return a.print(all, "No record in this time range has the field "+name+".")
}

func listFields(a *asker, query url.Values, services []string) error {
	if services[0] != "" {
		query["service"] = services[:1]
	}
	var answer struct {
		Fields []struct {
			Name, Key, In string
			Types         []string
		}
	}
	if err := a.api.Get(a.ctx, "/api/v1/fields", query, &answer); err != nil {
		return err
	}
	all := table{columns: []string{"name", "key", "in", "types"}}
	for _, f := range answer.Fields {
		all.rows = append(all.rows, []any{f.Name, f.Key, f.In, f.Types})
	}
	return a.print(all, "No fields are known.")
}
