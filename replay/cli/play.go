package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/instantdevlogs/devlogs/replay/ledger"
	"github.com/instantdevlogs/devlogs/replay/pace"
	"github.com/instantdevlogs/devlogs/replay/play"
	"github.com/instantdevlogs/devlogs/replay/prepare"
)

// playFlags are those that Config does not take as they are.
type playFlags struct {
	to, protocol            string
	pace, rate, stages      string
	speed                   string
	gapMax                  time.Duration
	load                    string
	workers                 int
	eventTime               string
	identity                string
	delivery, refusals      string
	sample                  string
	headers                 []string
	ca, cert, key, sni      string
	insecure                bool
	sinkAddress, sinkScript string
	preloadMiB              int
	late                    string
	allowFailures, quiet    bool
	maxMessageMiB           int
	sinkSettle              time.Duration
	queryable               string
	targetPID               int32
}

func newPlayCommand() *cobra.Command {
	config, f := play.Default(), playFlags{}
	cmd := &cobra.Command{
		Use:   "play RECORDING...",
		Short: "Send a recording",
		Long: `Send a recording: a folder or file that replay record, replay gen or the Collector's file exporter wrote.

Requests go out when they are due, however slow the answers are, and latency counts from when a request was due. Ctrl-C
stops sending and waits for what is on its way; a second Ctrl-C gives that up.

Exit codes: 0 everything was acknowledged, 1 usage, 5 the target refused or failed requests, 6 the run is invalid (the
schedule was not kept, requests were dropped, or the recording has gaps).`,
		Example: `  devlogs replay play rec --to http://127.0.0.1:4318 --ledger run
  devlogs replay play rec --to grpc://127.0.0.1:4317 --pace rate --rate '50k rec/s' --duration 2m --loops 0
  devlogs replay play rec --to http://127.0.0.1:4318 --speed 10x --amplify 8 --where 'service=checkout severity>=WARN'
  devlogs replay play rec --to http://127.0.0.1:4318 --stages '0s:1k,30s:20k,2m:20k' --late drop
  devlogs replay play rec --to localhost:4317 --pace asap --ledger run --sink 127.0.0.1:5317`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			config.Settings.Paths = args
			if err := f.apply(&config); err != nil {
				return err
			}
			return runPlay(cmd, config, &f)
		},
	}
	f.register(cmd, &config)
	return cmd
}

func (f *playFlags) register(cmd *cobra.Command, c *play.Config) {
	fl := cmd.Flags()
	fl.StringVar(&f.to, "to", "", "where to send: http://host:4318, grpc://host:4317, https://…, grpcs://… or host:port (required)")
	fl.StringVar(&f.protocol, "protocol", "", "grpc, http or http-json, when the address does not say it")
	fl.StringVar(&c.Compression, "compression", c.Compression, "none, gzip or zstd")
	fl.StringArrayVar(&f.headers, "header", nil, "'Name: value', also of OTEL_EXPORTER_OTLP_HEADERS; repeatable")
	fl.IntVar(&c.Connections, "connections", c.Connections, "gRPC connections")
	fl.DurationVar(&c.Timeout, "timeout", c.Timeout, "of one attempt")
	fl.DurationVar(&c.Retry.For, "retry", c.Retry.For, "try a request again for so long; 0: never")

	fl.StringVar(&f.pace, "pace", "original", "original, rate, stages or asap")
	fl.StringVar(&f.speed, "speed", "1x", "of the original pace: 10x, 0.5x or 200%")
	fl.DurationVar(&f.gapMax, "gap-max", 0, "cut longer silence in the recording to this")
	fl.StringVar(&f.rate, "rate", "", "'50k rec/s', '200 req/s' or 20MiB/s; implies --pace rate")
	fl.StringVar(&f.stages, "stages", "", "rates over time, as 0s:1k,30s:20k,2m:20k; implies --pace stages")
	fl.StringVar(&f.load, "load", "open", "open, or closed: --workers senders that each wait for their answer")
	fl.IntVar(&f.workers, "workers", 2, "senders of a closed load, and of --pace asap")
	fl.IntVar(&c.InFlight, "max-inflight", 0, "requests that may wait for an answer at once (default 64)")
	fl.StringVar(&f.late, "late", string(c.Late), "when those are taken: queue (wait) or drop (do not send)")
	fl.DurationVar(&c.MaxLag, "max-lag", c.MaxLag, "the run is invalid when requests go out later than this (p99)")
	fl.DurationVar(&c.Duration, "duration", 0, "stop after this")
	fl.IntVar(&c.Loops, "loops", c.Loops, "how often to send the recording; 0: until --duration is over")

	fl.StringVar(&f.eventTime, "event-time", "", "times in the records: keep, shift, scale or now (default scale; now with a rate)")
	fl.IntVar(&c.Settings.Replicas, "amplify", 1, "send so many copies at once, each with hosts, instances and ids of its own")
	fl.StringVar(&c.Settings.Where, "where", "", "only records for which this holds: service=x severity>=WARN body~\"…\" attribute!=y")
	fl.StringVar(&f.sample, "sample", "", "only this share of traces: 10% or 0.1")
	fl.StringVar(&f.identity, "identity", string(ledger.ByUID), "how verify knows a record: uid, time, ids or content")

	fl.StringVar(&c.Ledger, "ledger", "", "directory of the run, for verify and the reports")
	fl.StringVar(&f.delivery, "delivery", string(ledger.AtLeastOnce), "what verify demands: at-least-once or exactly-once")
	fl.StringVar(&f.refusals, "refusals", string(ledger.RefusalsAmbiguous), "what a 503 leaves behind: ambiguous (maybe something) or atomic (nothing)")
	fl.StringVar(&f.sinkAddress, "sink", "", "also run the built-in OTLP sink on this address (gRPC) and keep what arrives in the run's directory")
	fl.StringVar(&f.sinkScript, "sink-script", "", "its answers, as 'ok x10, 503x20, reset-after-body, slow 2s'")
	fl.DurationVar(&f.sinkSettle, "sink-settle", 2*time.Second, "end the sink when nothing has come for so long after the last answer")
	fl.StringVar(&f.queryable, "queryable", "", "measure how soon records can be found there: devlogs=URL or loki=URL; needs --ledger")
	fl.Int32Var(&f.targetPID, "target-pid", 0, "measure the memory and processor time of this process; needs --ledger")
	fl.BoolVar(&c.AllowGaps, "allow-gaps", false, "take a recording that lacks traffic")
	fl.BoolVar(&f.allowFailures, "allow-failures", false, "exit 0 although requests failed, as when verify judges them")

	fl.StringVar(&f.ca, "tls-ca", "", "file with the certificate authority that signed the target's certificate")
	fl.StringVar(&f.cert, "tls-cert", "", "file with a client certificate")
	fl.StringVar(&f.key, "tls-key", "", "file with its key")
	fl.StringVar(&f.sni, "tls-server-name", "", "name that the target's certificate must have")
	fl.BoolVar(&f.insecure, "tls-skip-verify", false, "do not check the target's certificate")

	fl.IntVar(&f.preloadMiB, "preload", c.Preload>>20, "MiB of prepared requests held in memory; a recording that fits in is read once")
	fl.BoolVar(&c.Settings.Strict, "strict", false, "a message that was cut off in the recording is an error")
	fl.IntVar(&f.maxMessageMiB, "max-message", 64, "MiB that one message of the recording may have")
	fl.BoolVar(&f.quiet, "quiet", false, "no progress lines")
	_ = cmd.MarkFlagRequired("to")
}

// apply reads the flags into the configuration.
func (f *playFlags) apply(c *play.Config) (err error) {
	if c.Target, err = play.ParseTarget(f.to, f.protocol); err != nil {
		return err
	}
	if err := f.applyPace(c); err != nil {
		return err
	}
	if c.Settings.Sample, err = parseShare(f.sample); err != nil {
		return err
	}
	if c.Headers, err = parseHeaders(f.headers); err != nil {
		return err
	}
	c.Settings.EventTime, c.Settings.Identity = prepare.EventTime(f.eventTime), ledger.Identity(f.identity)
	c.Settings.MaxMessage = f.maxMessageMiB << 20
	c.Delivery, c.Refusals, c.Late = ledger.Delivery(f.delivery), ledger.Refusals(f.refusals), play.Late(f.late)
	c.Preload = max(f.preloadMiB, 1) << 20
	c.TLS.CAFile, c.TLS.CertFile, c.TLS.KeyFile = f.ca, f.cert, f.key
	c.TLS.ServerName, c.TLS.InsecureSkipVerify = f.sni, f.insecure
	if f.sinkAddress != "" && c.Ledger == "" {
		return errors.New("--sink keeps what arrives in the run's directory: name one with --ledger")
	}
	if (f.queryable != "" || f.targetPID != 0) && c.Ledger == "" {
		return errors.New("--queryable and --target-pid leave what they measure in the run's directory: name one with --ledger")
	}
	return nil
}

func (f *playFlags) applyPace(c *play.Config) (err error) {
	switch {
	case f.rate != "" && f.stages != "":
		return errors.New("--rate and --stages exclude each other")
	case f.rate != "":
		f.pace = "rate"
	case f.stages != "":
		f.pace = "stages"
	}
	c.PaceName = f.pace
	switch f.pace {
	case "original":
		speed, err := parseSpeed(f.speed)
		if err != nil {
			return err
		}
		c.Pace, c.PaceName = &pace.Original{Speed: speed, GapMax: f.gapMax}, "original "+f.speed
	case "rate":
		if f.rate == "" {
			return errors.New("--pace rate needs --rate, for example --rate '50k rec/s'")
		}
		c.Pace, err = pace.ParseRate(f.rate)
		c.PaceName = "rate " + f.rate
	case "stages":
		if f.stages == "" {
			return errors.New("--pace stages needs --stages, for example --stages 0s:1k,30s:20k,2m:20k")
		}
		c.Pace, err = pace.ParseStages(f.stages)
		c.PaceName = "stages " + f.stages
	case "asap":
		c.Pace = pace.ASAP{}
	default:
		return fmt.Errorf("--pace %q is none of original, rate, stages, asap", f.pace)
	}
	switch f.load {
	case "open":
	case "closed":
		if f.pace != "asap" && f.pace != "original" {
			return errors.New("--load closed sends as fast as answers come: it has no rate; use --load open")
		}
		c.Pace, c.PaceName = pace.ASAP{}, "asap"
	default:
		return fmt.Errorf("--load %q is neither open nor closed", f.load)
	}
	if _, asap := c.Pace.(pace.ASAP); asap && c.InFlight == 0 {
		c.InFlight = f.workers
	}
	return err
}

func runPlay(cmd *cobra.Command, config play.Config, f *playFlags) error {
	if !f.quiet {
		config.Progress = cmd.ErrOrStderr()
	}
	soft, hard, release := twoStepContext(cmd.Context(), cmd.ErrOrStderr())
	defer release()
	beside, err := f.startBeside(hard, &config)
	if err != nil {
		return err
	}
	report, err := play.Run(soft, hard, config)
	if err != nil {
		return errors.Join(err, beside.close())
	}
	if err := beside.stop(hard, cmd.ErrOrStderr()); err != nil {
		return err
	}
	if config.Ledger != "" {
		if err := report.Save(config.Ledger); err != nil {
			return err
		}
	}
	report.Print(cmd.OutOrStdout())
	return judgePlay(report, f.allowFailures)
}

// judgePlay turns what went wrong into an exit code. An invalid run comes first: it says nothing about the target.
func judgePlay(r *play.Report, allowFailures bool) error {
	if len(r.Invalid) > 0 {
		return &ExitError{ExitInvalid, fmt.Errorf("the run is invalid: %s", r.Invalid[0])}
	}
	if r.Failed.Requests > 0 && !allowFailures {
		why := ""
		if top := r.TopReasons(1); len(top) > 0 {
			why = ": " + top[0].Text
		}
		return &ExitError{ExitTarget, fmt.Errorf("%d of %d requests were not acknowledged%s", r.Failed.Requests, r.Scheduled.Requests, why)}
	}
	return nil
}
