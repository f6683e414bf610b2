package cli

import "github.com/spf13/cobra"

// verbs in the order of a run.
func verbs() []*cobra.Command {
	return []*cobra.Command{
		newRecordCommand(),
		newGenCommand(),
		newInspectCommand(),
		newSliceCommand(),
		newMergeCommand(),
		newConvertCommand(),
		newScrubCommand(),
		newPlayCommand(),
		newSinkCommand(),
		newVerifyCommand(),
		newDiffCommand(),
		newReportCommand(),
		newABCommand(),
	}
}
