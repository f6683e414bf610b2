// Program devlogs is an OpenTelemetry Collector distribution for logs with a log store and a query API built in.
//
// Without arguments it serves with the built-in configuration (config/embedded.yaml). serve.go runs the Collector,
// announce.go tells people where to send and look, startup.go turns a failed start into one line; every other command has a
// file of its own name. components.go is generated from builder-config.yaml.
package main

//go:generate sh ../../tools/components.sh

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

func main() {
	if err := newRootCommand().ExecuteContext(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "devlogs:", err)
		code := 1
		if e := (interface{ ExitCode() int })(nil); errors.As(err, &e) {
			code = e.ExitCode()
		}
		os.Exit(code)
	}
}

func newRootCommand() *cobra.Command {
	root := newServeCommand()
	root.AddCommand(collectorCommands()...)
	root.AddCommand(
		newCopyCommand(),
		newFieldsCommand(),
		newLabelsCommand(),
		newMigrateCommand(),
		newPatternsCommand(),
		newQueryCommand(),
		newQueueCommand(),
		newReplayCommand(),
		newSeriesCommand(),
		newStatsCommand(),
		newTailCommand(),
		newVersionCommand(),
	)
	for _, cmd := range root.Commands() {
		if cmd.HasSubCommands() && !cmd.Runnable() {
			cmd.Args, cmd.SilenceUsage, cmd.SilenceErrors = noSuchCommand, true, true
			cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		}
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w: see %s --help", err, cmd.CommandPath())
	})
	return root
}
