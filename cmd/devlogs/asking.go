package main

import (
	"context"
	"fmt"
	"io"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/instantdevlogs/devlogs/queryapi/client"
)

// asker is what a command that asks a running devlogs for a table works with.
type asker struct {
	ctx    context.Context
	api    *client.Client
	format *tableFlags
	out    io.Writer
	errOut io.Writer
}

// asking makes the run function of a command that asks for a table.
func asking(ask func(a *asker, args []string) error, at *connection, format *tableFlags) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
		defer stop()
		if err := format.check(); err != nil {
			return err
		}
		api, err := at.client(ctx)
		if err != nil {
			return err
		}
		defer api.Close()
		return quiet(ctx, ask(&asker{ctx, api, format, cmd.OutOrStdout(), cmd.ErrOrStderr()}, args))
	}
}

// print writes the table; for people, a sentence when it is empty.
func (a *asker) print(all table, nothing string) error {
	if len(all.rows) == 0 && a.format.output == "text" {
		fmt.Fprintln(a.errOut, nothing)
		return nil
	}
	return a.format.write(a.out, all)
}
