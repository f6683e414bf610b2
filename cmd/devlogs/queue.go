package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configtls"

	"github.com/instantdevlogs/devlogs/exporter/timescaleexporter/queue"
)

const redisVariable = "DEVLOGS_REDIS_URL"

// queueCommand holds the flags that all of `devlogs queue` has: where the queue is. They are settings of the timescale
// exporter, and must be what those are.
type queueCommand struct {
	config        queue.Config
	url           string
	ca, cert, key string
	output        string
}

func newQueueCommand() *cobra.Command {
	q := queueCommand{config: queue.DefaultConfig()}
	cmd := &cobra.Command{
		Use:   "queue",
		Short: "Look at the queue in Redis and at what the database refused",
		Long: `Look at the queue in Redis, which lies between taking logs and storing them, and at its dead letters: records that the
database refused for what they hold.`,
		Example: `  devlogs queue status
  devlogs queue dead-letters --content
  devlogs queue requeue --all                      after the cause was mended
  devlogs queue purge 0/1795507270075-0
  devlogs queue status --redis-prefix staging      another installation on the same server`,
	}
	f := cmd.PersistentFlags()
	f.StringVar(&q.url, "redis-url", "", "`URL` of Redis (default the variable "+redisVariable+", which other users of the machine can't see)")
	f.BoolVar(&q.config.Cluster, "redis-cluster", false, "the URL names nodes of a Redis Cluster")
	f.StringVar(&q.config.Prefix, "redis-prefix", q.config.Prefix, "`prefix` of the queue's keys (redis.prefix of the exporter)")
	f.IntVar(&q.config.Shards, "redis-shards", q.config.Shards, "how many `shards` the queue has (redis.shards of the exporter)")
	f.StringVar(&q.ca, "tls-ca", "", "`file` with the certificates of authorities to trust, for rediss:// URLs")
	f.StringVar(&q.cert, "tls-cert", "", "`file` with a client certificate")
	f.StringVar(&q.key, "tls-key", "", "`file` with the client certificate's key")
	status := q.subcommand("status", "Say how full the queue is, and whether it is being emptied", cobra.NoArgs, q.status)
	status.Flags().StringVarP(&q.output, "output", "o", "text", "text or json (one object a shard)")
	cmd.AddCommand(status, q.newDeadLettersCommand(), q.newRequeueCommand(), q.newPurgeCommand())
	return cmd
}

type queueAction func(ctx context.Context, cmd *cobra.Command, client redis.UniversalClient, args []string) error

func (q *queueCommand) subcommand(use, short string, args cobra.PositionalArgs, run queueAction) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: args, SilenceUsage: true, SilenceErrors: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			client, err := q.connect(ctx)
			if err != nil {
				return err
			}
			defer client.Close()
			return quiet(ctx, run(ctx, cmd, client, args))
		},
	}
}

func (q *queueCommand) connect(ctx context.Context) (redis.UniversalClient, error) {
	if q.url == "" {
		q.url = os.Getenv(redisVariable)
	}
	if q.url == "" {
		return nil, errors.New("no queue is named: set " + redisVariable + ", as in " + examples[redisVariable])
	}
	q.config.URL = configopaque.String(q.url)
	if err := q.config.Validate(); err != nil {
		return nil, err
	}
	if q.ca == "" && q.cert == "" && q.key == "" {
		return q.config.Connect(nil)
	}
	set := configtls.NewDefaultClientConfig()
	set.CAFile, set.CertFile, set.KeyFile = q.ca, q.cert, q.key
	tlsConfig, err := set.LoadTLSConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the TLS files: %w", err)
	}
	return q.config.Connect(tlsConfig)
}

// shardStatus is one object of `queue status --output json`.
type shardStatus struct {
	Shard       int     `json:"shard"`
	Workers     int     `json:"workers"`
	Batches     int64   `json:"batches"`
	Taken       int64   `json:"taken"`
	OldestAge   float64 `json:"oldest_age_seconds"`
	Bytes       int64   `json:"bytes"`
	DeadLetters int64   `json:"dead_letters"`
	Added       int64   `json:"batches_ever_added"`
}

func (q *queueCommand) status(ctx context.Context, cmd *cobra.Command, client redis.UniversalClient, _ []string) error {
	if q.output != "text" && q.output != "json" {
		return fmt.Errorf("--output is %q: use text or json", q.output)
	}
	all := make([]shardStatus, q.config.Shards)
	for shard := range all {
		d, err := queue.ReadDepth(ctx, q.config, client, shard)
		if err != nil {
			return err
		}
		workers, err := queue.LiveWorkers(ctx, q.config, client, shard, stalled)
		if err != nil {
			return err
		}
		all[shard] = shardStatus{
			Shard: shard, Workers: workers, Batches: d.Entries, Taken: d.Pending, OldestAge: d.Oldest.Seconds(), Bytes: d.Bytes, DeadLetters: d.Dead, Added: d.Added,
		}
	}
	if q.output == "json" {
		encoder := json.NewEncoder(cmd.OutOrStdout())
		for _, s := range all {
			if err := encoder.Encode(s); err != nil {
				return err
			}
		}
		return nil
	}
	if err := writeStatus(cmd.OutOrStdout(), all); err != nil {
		return err
	}
	warnings, err := queue.Promises(ctx, q.config, client)
	for _, w := range warnings {
		fmt.Fprintln(cmd.OutOrStdout(), "Warning: "+w+".")
	}
	return err
}

// stalled is from what age on the oldest batch tells that the queue is not being emptied, and for how long a worker may show
// no sign of life.
const stalled = 30 * time.Second

func writeStatus(out io.Writer, all []shardStatus) error {
	var total shardStatus
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "SHARD\tWORKERS\tBATCHES\tBEING STORED\tOLDEST\tMEMORY\tDEAD LETTERS\tEVER ADDED\t")
	for _, s := range all {
		fmt.Fprintf(w, "%d\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t\n", s.Shard, s.Workers, humanize.Comma(s.Batches), humanize.Comma(s.Taken), age(s.OldestAge),
			humanize.IBytes(uint64(s.Bytes)), humanize.Comma(s.DeadLetters), humanize.Comma(s.Added))
		total.Workers += s.Workers
		total.Batches += s.Batches
		total.Taken += s.Taken
		total.DeadLetters += s.DeadLetters
		total.OldestAge = max(total.OldestAge, s.OldestAge)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	switch {
	case total.Batches == 0:
		fmt.Fprintln(out, "\nThe queue is empty: all that was taken is stored.")
	case total.Workers == 0:
		fmt.Fprintf(out, "\nNo worker has asked for batches in the last %s: none runs (role drain or all), or those that run can't reach\n"+
			"Redis, or could not reach PostgreSQL yet. Their messages say which.\n", stalled)
	case total.OldestAge < stalled.Seconds():
		fmt.Fprintf(out, "\nWorkers are taking batches; the oldest has waited %s.\n", age(total.OldestAge))
	case total.Taken == 0:
		fmt.Fprintln(out, "\nWorkers run and take no batches. Their messages say why.")
	default:
		fmt.Fprintln(out, "\nBatches are taken and not stored in time: PostgreSQL can't be reached, or is too slow. The workers' messages say which.")
	}
	if total.DeadLetters > 0 {
		fmt.Fprintln(out, "There are dead letters: devlogs queue dead-letters")
	}
	return nil
}

func age(seconds float64) string {
	if seconds == 0 {
		return "-"
	}
	return strings.TrimSpace((time.Duration(seconds*10) * time.Second / 10).String())
}
