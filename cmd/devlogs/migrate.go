package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"go.opentelemetry.io/collector/config/configopaque"

	"github.com/instantdevlogs/devlogs/storage/postgres"
)

const postgresVariable = "DEVLOGS_POSTGRES_DSN"

// migrateCommand holds the flags of `devlogs migrate`.
type migrateCommand struct {
	dsn    string
	layout string
}

func newMigrateCommand() *cobra.Command {
	var m migrateCommand
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Look at the schema of the PostgreSQL store, or bring it up to date",
		Long: `Look at the schema of the PostgreSQL store, or bring it up to date.

devlogs does this by itself when it starts, if its role may. Use this command when it may not: run it once before each
upgrade with the DSN of the tables' owner, and let devlogs have a role that can only write or only read.`,
		Example: `  devlogs migrate status
  DEVLOGS_POSTGRES_DSN=postgres://owner:password@db/devlogs devlogs migrate up
  devlogs migrate up --layout plain      in an empty database: do without TimescaleDB although it is there`,
	}
	cmd.PersistentFlags().StringVar(&m.dsn, "postgres-dsn", "",
		"`DSN` of the database (default the variable "+postgresVariable+", which other users of the machine can't see)")
	status := m.subcommand("status", "Say which schema the database has, and which this devlogs needs", m.status)
	up := m.subcommand("up", "Make the schema, or bring it to the version that this devlogs needs", m.up)
	up.Flags().StringVar(&m.layout, "layout", "", "how an empty database shall keep logs: timescale-columnstore, timescale-rowstore or plain "+
		"(default the best that the server has)")
	cmd.AddCommand(status, up)
	return cmd
}

func (m *migrateCommand) subcommand(name, short string, run func(context.Context, io.Writer, postgres.Config) error) *cobra.Command {
	return &cobra.Command{
		Use: name, Short: short, Args: cobra.NoArgs, SilenceUsage: true, SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			dsn, err := postgresDSN(m.dsn)
			if err != nil {
				return err
			}
			config := postgres.DefaultConfig(dsn)
			config.Layout = postgres.Layout(m.layout)
			return run(ctx, cmd.OutOrStdout(), config)
		},
	}
}

// postgresDSN is the flag's value, or the variable's.
func postgresDSN(flag string) (configopaque.String, error) {
	if flag == "" {
		flag = os.Getenv(postgresVariable)
	}
	if flag == "" {
		return "", errors.New("no database is named: set " + postgresVariable + ", as in " + examples[postgresVariable])
	}
	return configopaque.String(flag), nil
}

func (m *migrateCommand) status(ctx context.Context, out io.Writer, config postgres.Config) error {
	schema, err := postgres.ReadSchema(ctx, config)
	if err != nil {
		return err
	}
	switch {
	case schema.Version == 0:
		fmt.Fprintf(out, "The database has no schema yet; this devlogs makes version %d: devlogs migrate up\n", schema.Latest)
	case schema.Version < schema.Latest:
		fmt.Fprintf(out, "%s; this devlogs needs version %d: devlogs migrate up\n", describeSchema(schema), schema.Latest)
	case schema.Version > schema.Latest:
		return fmt.Errorf("the schema has version %d, newer than the %d that this devlogs knows: use the newer devlogs that made it",
			schema.Version, schema.Latest)
	default:
		fmt.Fprintf(out, "%s, which is what this devlogs needs\n", describeSchema(schema))
	}
	return nil
}

func (m *migrateCommand) up(ctx context.Context, out io.Writer, config postgres.Config) error {
	before, err := postgres.ReadSchema(ctx, config)
	if err != nil {
		return err
	}
	after, err := postgres.Migrate(ctx, config)
	if err != nil {
		return err
	}
	if before.Version == after.Version {
		fmt.Fprintf(out, "%s, which is what this devlogs needs: nothing to do\n", describeSchema(after))
		return nil
	}
	fmt.Fprintf(out, "The schema went from version %d to %d; its layout is %s\n", before.Version, after.Version, after.Layout)
	return nil
}

func describeSchema(s postgres.Schema) string {
	return fmt.Sprintf("The schema has version %d, layout %s, since %s", s.Version, s.Layout, s.Applied.UTC().Format(time.DateTime+"Z"))
}
