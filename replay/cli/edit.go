package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/instantdevlogs/devlogs/replay/edit"
	"github.com/instantdevlogs/devlogs/replay/recording"
	"github.com/instantdevlogs/devlogs/replay/scrub"
)

// editFlags are those that all verbs share that make a recording of recordings.
type editFlags struct {
	dir, from, to, sample, format string
	options                       edit.Options
}

func (f *editFlags) register(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVarP(&f.dir, "output", "o", "", "folder for the new recording; must not hold one yet")
	fl.StringVar(&f.format, "format", "jsonl", "jsonl (OTLP/JSON lines) or proto (length-prefixed; loads faster)")
	fl.BoolVar(&f.options.Writer.Plain, "plain", false, "do not compress")
	fl.BoolVar(&f.options.Writer.NoIndex, "no-sidecar", false, "only what a stock file exporter would write")
	fl.BoolVar(&f.options.Reader.Strict, "strict", false, "a message that was cut off is an error")
}

func (f *editFlags) run(cmd *cobra.Command, paths []string) error {
	var err error
	if f.dir == "" {
		return errors.New("name a folder for the new recording with -o")
	}
	if f.options.From, err = edit.ParseBound(f.from); err != nil {
		return fmt.Errorf("--from: %w", err)
	}
	if f.options.To, err = edit.ParseBound(f.to); err != nil {
		return fmt.Errorf("--to: %w", err)
	}
	if f.options.Sample, err = parseShare(f.sample); err != nil {
		return err
	}
	switch f.format {
	case "jsonl":
	case "proto":
		f.options.Writer.Proto = true
	default:
		return fmt.Errorf("--format %q is neither jsonl nor proto", f.format)
	}
	f.options.Writer.Tool, f.options.Writer.Origin = "devlogs replay "+cmd.Name(), fmt.Sprint(paths)
	m, notes, err := edit.Copy(cmd.Context(), paths, f.dir, f.options)
	if err != nil {
		return err
	}
	for _, text := range notes.Warnings {
		fmt.Fprintln(cmd.ErrOrStderr(), "note:", text)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s records in %s requests written to %s\n", humanize.Comma(m.Records), humanize.Comma(m.Messages), f.dir)
	return nil
}

func newSliceCommand() *cobra.Command {
	var f editFlags
	cmd := &cobra.Command{
		Use: "slice RECORDING...", Short: "Take a part of a recording",
		Example: `  devlogs replay slice rec -o part --from +30s --to +90s
  devlogs replay slice rec -o part --where 'service=checkout severity>=WARN' --records 1000`,
		Args: cobra.MinimumNArgs(1), RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	f.register(cmd)
	cmd.Flags().StringVar(&f.from, "from", "", "first arrival: a time, or +30s from the beginning")
	cmd.Flags().StringVar(&f.to, "to", "", "arrivals before this")
	cmd.Flags().StringVar(&f.options.Where, "where", "", "only records for which this holds, as in play")
	cmd.Flags().StringVar(&f.sample, "sample", "", "only this share of traces: 10% or 0.1")
	cmd.Flags().Int64Var(&f.options.Records, "records", 0, "only the first so many records")
	return cmd
}

func newMergeCommand() *cobra.Command {
	var f editFlags
	cmd := &cobra.Command{
		Use: "merge RECORDING...", Short: "Make one recording of several, in order of arrival",
		Example: `  devlogs replay merge rec-a rec-b -o both`,
		Args:    cobra.MinimumNArgs(2), RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	f.register(cmd)
	return cmd
}

func newConvertCommand() *cobra.Command {
	var f editFlags
	cmd := &cobra.Command{
		Use: "convert RECORDING...", Short: "Write a recording in another form",
		Long: `Write a recording in another form. --format proto loads several times faster, for large recordings that are played at
full speed. --plain --no-sidecar gives what the Collector's own otlpjsonfile receiver reads.`,
		Example: `  devlogs replay convert rec -o fast --format proto
  devlogs replay convert data.json.zst -o stock --plain --no-sidecar`,
		Args: cobra.MinimumNArgs(1), RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	f.register(cmd)
	return cmd
}

func newScrubCommand() *cobra.Command {
	var f editFlags
	var policy string
	var failOnSecrets bool
	cmd := &cobra.Command{
		Use: "scrub RECORDING...", Short: "Replace secrets and personal data by pseudonyms",
		Long: `Replace secrets and personal data by pseudonyms of equal length: mail and IP addresses, bearer tokens, card numbers
(with their check digit), attributes that are secret by their name, and what a policy adds. The same text gets the same
pseudonym, so joins and counts stay; without the key nobody gets it back.

--fail-on-secrets changes nothing and exits with 1 when anything is found: for fixtures in a repository.`,
		Example: `  devlogs replay scrub rec -o clean
  devlogs replay scrub rec -o clean --policy scrub.yaml
  devlogs replay scrub testdata/rec --fail-on-secrets`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if failOnSecrets {
				return findSecrets(cmd, args, policy)
			}
			s, err := openScrubber(policy)
			if err != nil {
				return err
			}
			f.options.Transform = s.Message
			f.options.Scrub = func() []byte { return s.Report().JSON() }
			if err := f.run(cmd, args); err != nil {
				return err
			}
			fmt.Fprint(cmd.OutOrStdout(), s.Report())
			return nil
		},
	}
	f.register(cmd)
	cmd.Flags().StringVar(&policy, "policy", "default", "policy file, or default")
	cmd.Flags().BoolVar(&failOnSecrets, "fail-on-secrets", false, "only look, and fail when something is found")
	return cmd
}

// openScrubber reads a policy file; "default" is the built-in one.
func openScrubber(policy string) (*scrub.Scrubber, error) {
	p := scrub.DefaultPolicy()
	if policy != "default" {
		var err error
		if p, err = scrub.Load(policy); err != nil {
			return nil, err
		}
	}
	return scrub.New(p)
}

// findSecrets scrubs into nowhere and looks at the counts.
func findSecrets(cmd *cobra.Command, paths []string, policy string) error {
	p := scrub.DefaultPolicy()
	if policy != "default" {
		var err error
		if p, err = scrub.Load(policy); err != nil {
			return err
		}
	}
	if len(paths) == 1 && isScrubbed(paths[0]) {
		p.Attributes, p.Rules = nil, nil // they match by name, pseudonyms too
	}
	s, err := scrub.New(p)
	if err != nil {
		return err
	}
	r, err := recording.Open(paths, recording.Options{})
	if err != nil {
		return err
	}
	defer r.Close()
	for m, err := range r.Messages() {
		if err != nil {
			return err
		}
		if err := s.Message(m); err != nil {
			return err
		}
	}
	if report := s.Report(); report.Total() > 0 {
		fmt.Fprint(cmd.OutOrStdout(), report)
		return fmt.Errorf("%d secrets found: scrub the recording (devlogs replay scrub %s -o DIR)", report.Total(), paths[0])
	}
	fmt.Fprintln(cmd.OutOrStdout(), "no secrets found")
	return nil
}

func isScrubbed(dir string) bool {
	if _, err := os.Stat(filepath.Join(dir, "manifest.json")); err != nil {
		return false
	}
	m, err := recording.ReadManifest(dir)
	return err == nil && m.Scrub != nil
}
