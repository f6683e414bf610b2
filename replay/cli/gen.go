package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/instantdevlogs/devlogs/replay/gen"
	"github.com/instantdevlogs/devlogs/replay/ledger"
	"github.com/instantdevlogs/devlogs/replay/pace"
	"github.com/instantdevlogs/devlogs/replay/play"
	"github.com/instantdevlogs/devlogs/replay/prepare"
)

func newGenCommand() *cobra.Command {
	profile := gen.Default()
	var dir, start string
	var stream playFlags
	cmd := &cobra.Command{
		Use:   "gen [PROFILE.yaml]",
		Short: "Make realistic logs from a seed",
		Long: `Make realistic logs: services that call each other, traces, bursts, stack traces, incidents, and one record in a
hundred that is hard on parsers. The same seed gives the same bytes. incidents.json beside the recording says what went
wrong when, for tests of searches and alerts.

With --to the logs are made while they are sent, at the simulated rate, for load that goes on.`,
		Example: `  devlogs replay gen -o rec --seed 7 --records 100000
  devlogs replay gen profile.yaml -o rec
  devlogs replay gen --to http://127.0.0.1:4318 --rate 2000 --records 1000000`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				if err := loadProfile(cmd, &profile, args[0]); err != nil {
					return err
				}
			}
			if start != "" {
				at, err := time.Parse(time.RFC3339, start)
				if err != nil {
					return fmt.Errorf("--start: write for example 2026-01-05T09:00:00Z: %w", err)
				}
				profile.Start = at
			}
			switch {
			case (dir == "") == (stream.to == ""):
				return errors.New("say where the logs go: -o DIR for a recording, or --to URL to send them")
			case dir != "":
				if err := gen.WriteRecording(cmd.Context(), profile, dir); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s records over %v in %s\n", humanize.Comma(profile.Records), profile.Span().Round(time.Second), dir)
				return nil
			}
			return streamGenerated(cmd, profile, &stream)
		},
	}
	fl := cmd.Flags()
	fl.StringVarP(&dir, "output", "o", "", "folder for the recording; must not hold one yet")
	fl.Uint64Var(&profile.Seed, "seed", profile.Seed, "what all chance follows from")
	fl.Int64Var(&profile.Records, "records", profile.Records, "how many")
	fl.Float64Var(&profile.Rate, "rate", profile.Rate, "records a second of simulated time, on average")
	fl.StringVar(&start, "start", "", "beginning of the simulated time (default 2026-01-05T09:00:00Z)")
	fl.IntVar(&profile.Services, "services", profile.Services, "how many services")
	fl.IntVar(&profile.Batch, "batch", profile.Batch, "records in a request")
	fl.Float64Var(&profile.Nasty, "nasty", profile.Nasty, "share of records that are hard on parsers")
	fl.StringVar(&stream.to, "to", "", "send instead of write: http://host:4318, grpc://host:4317 or host:port")
	fl.StringArrayVar(&stream.headers, "header", nil, "'Name: value' for --to; repeatable")
	return cmd
}

// loadProfile reads the file under the flags: what was given on the command line counts more.
func loadProfile(cmd *cobra.Command, profile *gen.Profile, file string) error {
	flags := *profile
	*profile = gen.Default()
	if err := profile.Load(file); err != nil {
		return err
	}
	for name, set := range map[string]func(){
		"seed": func() { profile.Seed = flags.Seed }, "records": func() { profile.Records = flags.Records },
		"rate": func() { profile.Rate = flags.Rate }, "services": func() { profile.Services = flags.Services },
		"batch": func() { profile.Batch = flags.Batch }, "nasty": func() { profile.Nasty = flags.Nasty },
	} {
		if cmd.Flags().Changed(name) {
			set()
		}
	}
	return nil
}

// streamGenerated sends logs at the simulated rate while they are made.
func streamGenerated(cmd *cobra.Command, profile gen.Profile, f *playFlags) (err error) {
	config := play.Default()
	if config.Target, err = play.ParseTarget(f.to, ""); err != nil {
		return err
	}
	if config.Headers, err = parseHeaders(f.headers); err != nil {
		return err
	}
	config.Settings.Identity = ledger.ByContent
	config.Pace, config.PaceName = &pace.Original{Speed: 1}, "simulated"
	config.Preload = 8 << 20
	config.Progress = cmd.ErrOrStderr()
	soft, hard, release := twoStepContext(cmd.Context(), cmd.ErrOrStderr())
	defer release()
	config.Live = func() (prepare.Messages, error) { return gen.Start(hard, profile) }
	report, err := play.Run(soft, hard, config)
	if err != nil {
		return err
	}
	report.Print(cmd.OutOrStdout())
	return judgePlay(report, false)
}
