package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/instantdevlogs/devlogs/replay/record"
	"github.com/instantdevlogs/devlogs/replay/recording"
	"github.com/instantdevlogs/devlogs/replay/scrub"
)

func newRecordCommand() *cobra.Command {
	config := record.Default()
	var listen, to, policy string
	var budgetMiB, bodyMiB int64
	var duration time.Duration
	var proto bool
	cmd := &cobra.Command{
		Use:   "record",
		Short: "Capture live traffic on its way to a collector",
		Long: `Capture live traffic on its way to a collector: a proxy that passes everything on as it came, headers, compression
and answers included, and writes a copy to disk. It never slows or drops traffic: when the disk cannot keep up, the
recording loses requests, and says so in a gap.

Each address takes OTLP over gRPC and over HTTP. Authorization headers and cookies are never recorded. With --http-raw
any HTTP traffic is recorded (JSON lines, Loki push, Elasticsearch bulk), to be replayed byte for byte.`,
		Example: `  devlogs replay record --listen 127.0.0.1:4317,127.0.0.1:4318 --to collector:4317 -o rec
  devlogs replay record --listen 127.0.0.1:4319 --to http://collector:4319 --http-raw -o rec
  devlogs replay record --listen :4317 --to grpcs://otlp.example.com:443 --scrub default -o rec --duration 10m`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if config.Upstream, err = record.ParseUpstream(to); err != nil {
				return err
			}
			config.Listen = strings.Split(listen, ",")
			config.Budget, config.MaxBody = budgetMiB<<20, bodyMiB<<20
			config.Writer = recording.WriterOptions{Tool: "devlogs replay record", Origin: listen + " -> " + to, Proto: proto}
			var scrubber *scrub.Scrubber
			if policy != "" {
				if scrubber, err = openScrubber(policy); err != nil {
					return err
				}
				config.Transform = scrubber.Message
			}
			return runRecord(cmd, config, duration, scrubber)
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&listen, "listen", "127.0.0.1:4317,127.0.0.1:4318", "addresses to listen on, with commas between")
	fl.StringVar(&to, "to", "", "where the traffic goes on to: host:port, or grpc://a:4317,http://b:4318 (required)")
	fl.StringVarP(&config.Dir, "output", "o", "", "folder for the recording; must not hold one yet (required)")
	fl.BoolVar(&config.Raw, "http-raw", false, "record any HTTP request, byte for byte")
	fl.BoolVar(&proto, "proto", false, "write length-prefixed protobuf, which loads faster, in place of JSON lines")
	fl.StringVar(&policy, "scrub", "", "scrub before writing: a policy file, or default")
	fl.StringSliceVar(&config.DropHeaders, "drop-header", nil, "further headers that are not recorded")
	fl.DurationVar(&duration, "duration", 0, "stop after this")
	fl.Int64Var(&budgetMiB, "memory", config.Budget>>20, "MiB of copies held until the disk has them; more are dropped from the recording")
	fl.Int64Var(&bodyMiB, "max-body", config.MaxBody>>20, "MiB; larger requests pass and are not recorded")
	fl.StringVar(&config.TLS.CertFile, "tls-cert", "", "certificate to listen with")
	fl.StringVar(&config.TLS.KeyFile, "tls-key", "", "its key")
	fl.StringVar(&config.UpstreamTLS.CAFile, "upstream-ca", "", "certificate authority of the upstream")
	fl.BoolVar(&config.UpstreamTLS.InsecureSkipVerify, "upstream-skip-verify", false, "do not check the upstream's certificate")
	_ = cmd.MarkFlagRequired("to")
	_ = cmd.MarkFlagRequired("output")
	return cmd
}

func runRecord(cmd *cobra.Command, config record.Config, duration time.Duration, scrubber *scrub.Scrubber) error {
	soft, hard, release := twoStepContext(cmd.Context(), cmd.ErrOrStderr())
	defer release()
	if duration > 0 {
		var cancel context.CancelFunc
		soft, cancel = context.WithTimeout(soft, duration)
		defer cancel()
	}
	tap, err := record.Start(config)
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "recording %s into %s; Ctrl-C ends it\n", strings.Join(tap.Addrs(), ", "), config.Dir)
	ticker := time.NewTicker(5 * time.Second)
	defer ticker.Stop()
	for ended := false; !ended; {
		select {
		case <-ticker.C:
			s, failure := tap.Stats()
			fmt.Fprintf(cmd.ErrOrStderr(), "%s requests, %s records, %d not recorded, %d waiting\n",
				humanize.Comma(s.Requests), humanize.Comma(s.Records), s.Missed, s.Waiting)
			if failure != nil {
				fmt.Fprintln(cmd.ErrOrStderr(), "nothing can be recorded at the moment, traffic passes all the same:", failure)
			}
		case <-soft.Done():
			ended = true
		}
	}
	drained, cancel := context.WithTimeout(hard, 30*time.Second)
	defer cancel()
	if scrubber != nil {
		tap.SetScrub(func() json.RawMessage { return scrubber.Report().JSON() })
	}
	err = tap.Close(drained)
	s, _ := tap.Stats()
	if err != nil { // all traffic has passed, but nobody should take what is there for all of it
		return &ExitError{ExitInvalid, fmt.Errorf("the recording in %s is not whole: %d requests passed and were not recorded, and the latest of the %d others may be missing: %w",
			config.Dir, s.Missed, s.Requests, err)}
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s records in %s requests recorded in %s; %d requests not recorded\n",
		humanize.Comma(s.Records), humanize.Comma(s.Requests), config.Dir, s.Missed)
	if s.Missed > 0 {
		return &ExitError{ExitInvalid, fmt.Errorf("the recording lacks %d requests; inspect shows the gaps", s.Missed)}
	}
	return nil
}
