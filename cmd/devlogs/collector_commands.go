package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/otelcol"

	"github.com/instantdevlogs/devlogs/config"
)

// collectorCommands are those that any Collector has: components, featuregate, validate and print-config.
func collectorCommands() []*cobra.Command {
	var unset unsetVariables
	set := collectorSettings([]string{defaultConfig}, &unset)
	set.ConfigProviderSettings.ResolverSettings.ConverterFactories = []confmap.ConverterFactory{splitStores{}.factory()}
	commands := otelcol.NewCommand(set).Commands()
	for _, cmd := range commands {
		run := cmd.RunE
		cmd.RunE = func(cmd *cobra.Command, args []string) error { return plainSettings(unset.explain(run(cmd, args))) }
		// otelcol takes --set alone for a whole configuration.
		cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
			if set := cmd.Flags().Lookup("set"); set == nil || !set.Changed || cmd.Flags().Changed("config") {
				return nil
			}
			return cmd.Flags().Set("config", defaultConfig)
		}
		cmd.SilenceUsage, cmd.SilenceErrors = true, true
		shortenGates(cmd)
		switch cmd.Name() {
		case "validate":
			describeValidate(cmd)
		case "print-config":
			describePrintConfig(cmd)
		}
	}
	return commands
}

func describeValidate(cmd *cobra.Command) {
	cmd.Short = "Check a configuration without running it"
	cmd.Long = "Check a configuration without running it: its settings, and that its pipelines can be built. No port or store is opened."
	cmd.Example = "  devlogs validate --config my.yaml"
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := run(cmd, args); err != nil {
			return err
		}
		of := defaultConfig
		if flag := cmd.Flags().Lookup("config"); flag != nil && flag.Changed {
			of = strings.Trim(flag.Value.String(), "[]")
		}
		_, err := fmt.Fprintf(cmd.OutOrStdout(), "OK: %s\n", of)
		return err
	}
}

func describePrintConfig(cmd *cobra.Command) {
	cmd.Short = "Print a configuration as it is used, or one that is built in"
	cmd.Long = `Print a configuration as it is used, with every setting that has a default, in order to see what is in force. Secrets are
left out, unless --mode unredacted asks for them. Variables stand there with the values that they have now.

So it is no start for a file of your own: --builtin prints a built-in configuration as it was written, with its comments and
variables, to be edited.`
	cmd.Example = `  devlogs print-config --set exporters.duckdb.retention.max_age=168h
  devlogs print-config --builtin embedded >my.yaml`
	var builtIn string
	cmd.Flags().StringVar(&builtIn, "builtin", "", "print this built-in configuration as it was written: `name` is "+strings.Join(config.Names(), ", "))
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if builtIn == "" {
			return run(cmd, args)
		}
		text, err := config.Read(builtIn)
		if err != nil {
			return err
		}
		_, err = cmd.OutOrStdout().Write(text)
		return err
	}
}

// noSuchCommand refuses arguments of a command that only has commands, and names those that may have been meant.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	cmd.SuggestionsMinimumDistance = 2
	meant := ""
	if names := cmd.SuggestionsFor(args[0]); len(names) > 0 {
		meant = "did you mean " + strings.Join(names, " or ") + "? "
	}
	return fmt.Errorf("there is no command %q: %ssee %s --help", args[0], meant, cmd.CommandPath())
}
