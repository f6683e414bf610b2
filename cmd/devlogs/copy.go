package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/instantdevlogs/devlogs/storage"
	"github.com/instantdevlogs/devlogs/storage/duckdb"
	"github.com/instantdevlogs/devlogs/storage/postgres"
)

// copyCommand holds the flags of `devlogs copy`.
type copyCommand struct {
	from, to string
}

func newCopyCommand() *cobra.Command {
	var c copyCommand
	cmd := &cobra.Command{
		Use:   "copy --from STORE --to STORE",
		Short: "Copy all logs from one store to another",
		Long: `Copy all logs from one store to another: from an embedded store to PostgreSQL when a team outgrows one machine, back to
have a part of production on a laptop, or from one database to the next.

A store is the directory of an embedded store, the DSN of a PostgreSQL database, or the word postgres for the database that
` + postgresVariable + ` names (a DSN among the arguments can be seen by other users of the machine).

Batches keep their ids, and the target stores each id once. So the command may be stopped and run again: it goes on where it
was. It may also run while devlogs stores new logs in the target, and again later to bring what has come since. At the end it
compares, batch by batch, how many records both stores have.

An embedded store can be opened by one process: stop the devlogs that uses it.`,
		Example: `  devlogs copy --from ./devlogs-data --to postgres
  devlogs copy --from postgres --to ./copy
  devlogs copy --from ./devlogs-data --to 'postgres://devlogs@localhost/devlogs'    with the password in ~/.pgpass`,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			return c.run(ctx, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&c.from, "from", "", "the `store` to read")
	cmd.Flags().StringVar(&c.to, "to", "", "the `store` to write; it is made when it is not there")
	for _, name := range []string{"from", "to"} {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // the flag is defined above
		}
	}
	return cmd
}

// carried is what copying needs of a store.
type carried interface {
	storage.Writer
	storage.Reader
	storage.Ledger
	io.Closer
}

func (c *copyCommand) run(ctx context.Context, out, progress io.Writer) (err error) {
	if samePlace(c.from, c.to) {
		return errors.New("--from and --to are the same store")
	}
	from, err := openCarried(ctx, c.from, true)
	if err != nil {
		return fmt.Errorf("--from: %w", err)
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	to, err := openCarried(ctx, c.to, false)
	if err != nil {
		return fmt.Errorf("--to: %w", err)
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	carrying := &carrying{from: from, to: to}
	if err := carrying.run(ctx, progress); err != nil {
		if ctx.Err() != nil {
			return errors.New("stopped; run the same command again to go on")
		}
		return fmt.Errorf("%w; once that is mended, run the same command again to go on", err)
	}
	done := carrying.done
	fmt.Fprintf(out, "Copied %d records in %d batches; %d records in %d batches were there already. Both stores agree.\n",
		done.newRows, done.newBatches, done.oldRows, done.oldBatches)
	return nil
}

// looksLikeDSN tells DSNs, in both of their forms, from paths.
var looksLikeDSN = regexp.MustCompile(`^postgres(ql)?://|(^|\s)(host|dbname|user|service)\s*=`)

// openCarried opens the store that a person named. One to be read must be there.
func openCarried(ctx context.Context, name string, read bool) (carried, error) {
	if name == "postgres" || looksLikeDSN.MatchString(name) {
		if name == "postgres" {
			name = "" // the variable's
		}
		dsn, err := postgresDSN(name)
		if err != nil {
			return nil, err
		}
		return openCarriedPostgres(ctx, postgres.DefaultConfig(dsn), read)
	}
	if read {
		if files, err := filepath.Glob(filepath.Join(name, "logs-*.duckdb")); err != nil || len(files) == 0 {
			return nil, fmt.Errorf("there is no embedded store in %s: name the directory that DEVLOGS_DATA_DIR named, or postgres", name)
		}
	}
	store, err := duckdb.Open(ctx, duckdb.DefaultConfig(name))
	if err != nil {
		return nil, err
	}
	return store, nil
}

func openCarriedPostgres(ctx context.Context, config postgres.Config, read bool) (carried, error) {
	config.ReadOnly = true // no retention of ours: a copy deletes nothing
	if read {
		schema, err := postgres.ReadSchema(ctx, config)
		if err != nil {
			return nil, err
		}
		if schema.Version == 0 {
			return nil, errors.New("the database has no logs of devlogs")
		}
	}
	store, err := postgres.Open(ctx, config)
	if err != nil {
		return nil, err
	}
	return store, nil
}

func samePlace(a, b string) bool {
	if a == b {
		return true
	}
	x, err1 := os.Stat(a)
	y, err2 := os.Stat(b)
	return err1 == nil && err2 == nil && os.SameFile(x, y)
}
