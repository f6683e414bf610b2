package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/instantdevlogs/devlogs/replay/ab"
	"github.com/instantdevlogs/devlogs/replay/observe"
	"github.com/instantdevlogs/devlogs/replay/play"
)

type abFlags struct {
	playFlags
	commands [2]string
	runs     int
	floor    float64
	verbose  bool
}

func newABCommand() *cobra.Command {
	config, f := play.Default(), abFlags{}
	cmd := &cobra.Command{
		Use:   "ab RECORDING...",
		Short: "Compare the speed of two versions of a pipeline on this machine",
		Long: `Compare the speed of two versions of a pipeline on this machine. Each is started by a shell command, gets the recording,
and is stopped, in turns (A B B A A B B A…), so that what disturbs one disturbs the other. A version is ready when it takes
connections at --to. Write "exec" before the command, so that memory and processor time are the pipeline's, not the
shell's.

A difference counts when it is larger than --floor, larger than the noise between runs of one version, and unlikely to be
chance. Exit codes: 0 B is not worse, 1 usage, 4 B is worse, 5 a version failed.`,
		Example: `  devlogs replay ab rec --a 'exec ./old --config c.yaml' --b 'exec ./new --config c.yaml' --to http://127.0.0.1:4318 -n 7 --pace asap`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			config.Settings.Paths = args
			if err := f.apply(&config); err != nil {
				return err
			}
			return f.run(cmd, config)
		},
	}
	f.register(cmd, &config)
	for _, name := range []string{"ledger", "sink", "sink-script", "sink-settle", "queryable", "target-pid", "delivery", "refusals", "quiet"} {
		_ = cmd.Flags().MarkHidden(name)
	}
	fl := cmd.Flags()
	fl.StringVar(&f.commands[0], "a", "", "shell command that starts the version to compare with (required)")
	fl.StringVar(&f.commands[1], "b", "", "shell command that starts the new version (required)")
	fl.IntVarP(&f.runs, "runs", "n", 7, "runs of each version")
	fl.Float64Var(&f.floor, "floor", 0.05, "smallest difference that counts")
	fl.BoolVar(&f.verbose, "verbose", false, "show what the versions write")
	_ = cmd.MarkFlagRequired("a")
	_ = cmd.MarkFlagRequired("b")
	return cmd
}

func (f *abFlags) run(cmd *cobra.Command, config play.Config) error {
	if f.runs < ab.MinRuns {
		return fmt.Errorf("--runs %d: at least %d runs of each version are needed before a difference can be more than chance", f.runs, ab.MinRuns)
	}
	if config.Ledger != "" {
		return errors.New("ab measures speed and keeps no ledger: prove delivery with play and verify")
	}
	var samples [2][]ab.Sample
	order := ab.Order(f.runs)
	for i, version := range order {
		sample, err := f.measure(cmd, config, version)
		if err != nil {
			return &ExitError{ExitTarget, fmt.Errorf("run %d, version %s: %w", i+1, "AB"[version:version+1], err)}
		}
		samples[version] = append(samples[version], sample)
		fmt.Fprintf(cmd.ErrOrStderr(), "run %d of %d, version %s: %.0f rec/s, ack p99 %.0f µs\n", i+1, len(order), "AB"[version:version+1],
			sample["throughput rec/s"], sample["ack p99 µs"])
	}
	var worse []string
	for _, c := range ab.Compare(samples[0], samples[1], f.floor) {
		fmt.Fprintln(cmd.OutOrStdout(), c)
		if c.Worse {
			worse = append(worse, c.Metric)
		}
	}
	if len(worse) > 0 {
		return &ExitError{ExitThreshold, fmt.Errorf("version B is worse in %s", strings.Join(worse, ", "))}
	}
	return nil
}

// measure starts a version, plays the recording once and stops it.
func (f *abFlags) measure(cmd *cobra.Command, config play.Config, version int) (sample ab.Sample, err error) {
	ctx := cmd.Context()
	var out io.Writer = io.Discard
	if f.verbose {
		out = os.Stderr
	}
	target, err := ab.StartTarget(ctx, f.commands[version], config.Target.URL.Host, out)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, target.Stop()) }()
	observer, err := observe.Start(int32(target.PID()))
	if err != nil {
		return nil, err
	}
	played, err := play.Run(ctx, ctx, config)
	usage := observer.Stop()
	switch {
	case err != nil:
		return nil, err
	case len(played.Invalid) > 0:
		return nil, fmt.Errorf("the run is invalid: %s", played.Invalid[0])
	case played.Failed.Requests > 0:
		return nil, fmt.Errorf("%d of %d requests were not acknowledged", played.Failed.Requests, played.Scheduled.Requests)
	case usage.Ended:
		return nil, errors.New("the version ended while it was measured")
	}
	return ab.Sample{
		"throughput rec/s": played.Throughput, "ack p50 µs": float64(played.Latency.P50), "ack p99 µs": float64(played.Latency.P99),
		"target CPU s": usage.CPUSeconds, "target RSS bytes": float64(usage.RSSMax),
	}, nil
}
