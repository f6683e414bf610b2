package main

import (
	"context"
	"errors"
	"flag"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/fileprovider"
	"go.opentelemetry.io/collector/confmap/provider/httpprovider"
	"go.opentelemetry.io/collector/confmap/provider/httpsprovider"
	"go.opentelemetry.io/collector/confmap/provider/yamlprovider"
	"go.opentelemetry.io/collector/featuregate"
	"go.opentelemetry.io/collector/otelcol"
	"go.uber.org/zap"

	"github.com/instantdevlogs/devlogs/config"
)

const defaultConfig = builtInScheme + ":embedded"

// gcPercent is how much the heap may grow, in percent of what lives, before garbage is collected, unless GOGC says so.
// Little lives here and much passes through, so that Go's usual 100 spends a tenth of the time at full speed on collecting.
const gcPercent = 200

// newServeCommand is the root command: it runs the Collector. otelcol.NewCommand's own root is not used, as it keeps the
// running Collector to itself, and then nobody can say when it is ready.
func newServeCommand() *cobra.Command {
	var configs, sets []string
	cmd := &cobra.Command{
		Use:   "devlogs",
		Short: "Take logs over OTLP and JSON, keep them, and answer questions about them",
		Long: `devlogs takes logs over OTLP and JSON, keeps them, and answers questions about them.

Without arguments it serves on this machine and keeps the logs in ./devlogs-data. These variables change that:
` + environmentHelp(),
		Example: `  devlogs                                          serve with the built-in configuration
  DEVLOGS_DATA_DIR=/var/lib/devlogs devlogs        keep the logs elsewhere
  devlogs --set exporters.duckdb.retention.max_age=168h
  devlogs print-config --builtin embedded >my.yaml start a configuration of your own
  devlogs --config my.yaml                         and use it
  devlogs --config builtin:production              with Redis and PostgreSQL; docs/operations.md tells more
  devlogs query --since 1h                         read logs`,
		Args:          noSuchCommand,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			uris, err := configURIs(configs, sets)
			if err != nil {
				return err
			}
			return serve(cmd.Context(), cmd, uris)
		},
	}
	cmd.Flags().StringArrayVar(&configs, "config", nil,
		"`location` of a configuration that replaces the usual one: a file, builtin:NAME ("+strings.Join(config.Names(), ", ")+
			"), env:NAME, yaml:…, http(s)://…; repeat to merge several")
	cmd.Flags().StringArrayVar(&sets, "set", nil,
		"change one setting of the configuration, as in `path.to.setting=value`; repeat for more")
	gates := flag.NewFlagSet("", flag.ContinueOnError)
	featuregate.GlobalRegistry().RegisterFlags(gates)
	cmd.Flags().AddGoFlagSet(gates)
	shortenGates(cmd)
	return cmd
}

// shortenGates replaces the list of every feature there is in the help of --feature-gates.
func shortenGates(cmd *cobra.Command) {
	if gate := cmd.Flags().Lookup("feature-gates"); gate != nil {
		gate.DefValue = ""
		gate.Usage = "turn Collector features on (`name`) or off (-name), separated by commas; devlogs featuregate lists them"
	}
}

// configURIs gives what the Collector merges, in order. Settings go on top of the built-in configuration too.
func configURIs(configs, sets []string) ([]string, error) {
	uris := configs
	if len(uris) == 0 {
		uris = []string{defaultConfig}
	}
	for _, set := range sets {
		path, value, ok := strings.Cut(set, "=")
		if !ok {
			return nil, errors.New("--set needs path.to.setting=value, got " + set)
		}
		uris = append(uris, "yaml:"+strings.TrimSpace(strings.ReplaceAll(path, ".", "::"))+": "+strings.TrimSpace(value))
	}
	return uris, nil
}

// serve runs until a signal or ctx ends it, and returns nil when it then stopped in order.
func serve(ctx context.Context, cmd *cobra.Command, uris []string) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	var resolved resolvedConfig
	var unset unsetVariables
	held := newHeldLogs()
	set := collectorSettings(uris, &unset)
	set.ConfigProviderSettings.ResolverSettings.ConverterFactories = []confmap.ConverterFactory{resolved.factory(), splitStores{}.factory()}
	set.LoggingOptions = []zap.Option{zap.WrapCore(held.wrap)}
	collector, err := otelcol.NewCollector(set)
	if err != nil {
		return err
	}

	running, stopped := make(chan struct{}), make(chan struct{})
	started := false // read after running is closed
	go func() {
		defer close(running)
		if started = waitRunning(collector, stopped); started {
			held.release()
			announce(cmd.OutOrStdout(), resolved.endpoints())
		}
	}()
	err = collector.Run(ctx)
	close(stopped)
	<-running
	if err != nil && !started {
		err = unset.explain(err)
	}
	if err != nil {
		return explain(err)
	}
	return nil
}

// waitRunning returns true once the Collector runs: all ports are open and all stores too. The Collector has no event for
// that outside its components, so it is asked.
func waitRunning(collector *otelcol.Collector, stopped <-chan struct{}) bool {
	ask := time.NewTicker(5 * time.Millisecond)
	defer ask.Stop()
	for {
		select {
		case <-stopped:
			return false
		case <-ask.C:
			if collector.GetState() == otelcol.StateRunning {
				return true
			}
		}
	}
}

func collectorSettings(uris []string, unset *unsetVariables) otelcol.CollectorSettings {
	return otelcol.CollectorSettings{
		BuildInfo: component.BuildInfo{
			Command: "devlogs", Version: version,
			Description: "OpenTelemetry Collector distribution for logs, with a log store and a query API",
		},
		Factories: components,
		ConfigProviderSettings: otelcol.ConfigProviderSettings{ResolverSettings: confmap.ResolverSettings{
			URIs: uris,
			ProviderFactories: []confmap.ProviderFactory{
				newBuiltInProviderFactory(), unset.factory(), fileprovider.NewFactory(), httpprovider.NewFactory(),
				httpsprovider.NewFactory(), yamlprovider.NewFactory(),
			},
			DefaultScheme: "env",
		}},
	}
}
