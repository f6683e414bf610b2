// Package cli has the verbs of devlogs replay, a file each. A verb reads flags, calls the package that does the work, and
// prints; it decides nothing else.
package cli

import "github.com/spf13/cobra"

// NewCommand is "devlogs replay" with all its verbs.
func NewCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "replay",
		Short: "Record log traffic, play it again, and prove that it arrived",
		Long: `Record log traffic, play it again through a pipeline, and prove what arrived.

  record   capture live OTLP or JSON traffic on its way to a collector
  gen      make realistic logs instead, from a seed
  play     send a recording at its own pace, at a rate, or as fast as possible
  verify   account for every record: lost, duplicated, changed
  diff     compare the output with a golden one

Exit codes: 0 pass, 1 usage, 2 delivery, 3 golden diff, 4 threshold, 5 target, 6 the run itself is invalid.`,
		Example: `  devlogs replay gen -o rec --seed 7 --records 100000
  devlogs replay play rec --to http://127.0.0.1:4318 --pace asap --ledger run
  devlogs replay verify run --source devlogs=http://127.0.0.1:3100`,
	}
	cmd.AddCommand(verbs()...)
	return cmd
}
