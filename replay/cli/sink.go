package cli

import (
	"fmt"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/instantdevlogs/devlogs/replay/sink"
)

func newSinkCommand() *cobra.Command {
	var grpc, http, out, script string
	cmd := &cobra.Command{
		Use:   "sink",
		Short: "Receive OTLP, keep what comes, and answer as a script says",
		Long: `Receive OTLP over gRPC and HTTP until Ctrl-C: the far end of a pipeline under test.

With -o everything is kept as it came: in JSON lines when the name ends in .jsonl, else in length-prefixed protobuf, both
in the form of the Collector's file exporter. Put it into the run's directory under the name ` + sink.FileName + ` and
verify --source sink finds it. Without -o it only counts.

The script has a verdict for each request, in order; after its end everything is accepted:
  ok, 429, 503, 400…   accept, or refuse with this status (over gRPC the code that belongs to it)
  slow 2s              accept after two seconds
  partial 3            accept but for the last three records, and say so
  reset-after-body     keep it, and cut the connection instead of answering
  cut                  cut the connection and keep nothing
  lose, double         answer well, but keep nothing, or keep it twice
each with a count where wanted, as 503x20.`,
		Example: `  devlogs replay sink --grpc 127.0.0.1:5317 -o run/` + sink.FileName + `
  devlogs replay sink --http 127.0.0.1:5318 --script 'ok x10, 503x20, reset-after-body, slow 2s'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			parsed, err := sink.ParseScript(script)
			if err != nil {
				return err
			}
			config := sink.Config{GRPC: grpc, HTTP: http, Script: parsed}
			if out != "" {
				file, err := sink.CreateFile(out)
				if err != nil {
					return err
				}
				defer file.Close()
				config.Keep = file
			}
			s, err := sink.Start(config)
			if err != nil {
				return err
			}
			for _, address := range []string{s.GRPCAddr(), s.HTTPAddr()} {
				if address != "" {
					fmt.Fprintln(cmd.ErrOrStderr(), "listening on", address)
				}
			}
			<-ctx.Done()
			err = s.Close()
			stats := s.Stats()
			fmt.Fprintf(cmd.OutOrStdout(), "requests %d, records %d, bytes %d, refused %d, cut %d, rejected records %d\n",
				stats.Requests, stats.Records, stats.Bytes, stats.Refused, stats.Cut, stats.Rejected)
			return err
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&grpc, "grpc", "127.0.0.1:5317", "address for OTLP over gRPC; empty: none")
	fl.StringVar(&http, "http", "127.0.0.1:5318", "address for OTLP over HTTP; empty: none")
	fl.StringVarP(&out, "output", "o", "", "file to keep what comes in")
	fl.StringVar(&script, "script", "", "verdicts, one for each request")
	return cmd
}
