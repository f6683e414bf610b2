package cli

import (
	"encoding/json"

	"github.com/spf13/cobra"

	"github.com/instantdevlogs/devlogs/replay/inspect"
	"github.com/instantdevlogs/devlogs/replay/recording"
)

func newInspectCommand() *cobra.Command {
	var options recording.Options
	var speed string
	var asJSON, noCheck bool
	cmd := &cobra.Command{
		Use: "inspect RECORDING...", Short: "Say what a recording holds and how long it will take",
		Long: `Say what a recording holds: counts, rate over time, services, severities, templates, order, compression, gaps; and how
long playing it will take. Files are compared with the sums in the manifest.`,
		Example: `  devlogs replay inspect rec
  devlogs replay inspect 'data-*.json' data.json --speed 10x`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			factor, err := parseSpeed(speed)
			if err != nil {
				return err
			}
			if !noCheck && len(args) == 1 {
				if m, err := recording.ReadManifest(args[0]); err == nil {
					if err := m.Check(args[0]); err != nil {
						return err
					}
				}
			}
			s, err := inspect.Read(args, options)
			if err != nil {
				return err
			}
			if asJSON {
				e := json.NewEncoder(cmd.OutOrStdout())
				e.SetIndent("", "  ")
				return e.Encode(s)
			}
			s.Print(cmd.OutOrStdout(), factor)
			return nil
		},
	}
	cmd.Flags().StringVar(&speed, "speed", "1x", "that playing is reckoned with")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&noCheck, "no-check", false, "do not compare files with the manifest's sums")
	cmd.Flags().BoolVar(&options.Strict, "strict", false, "a message that was cut off is an error")
	return cmd
}
