package main

import (
	"github.com/spf13/cobra"

	"github.com/instantdevlogs/devlogs/replay/cli"
)

func newReplayCommand() *cobra.Command { return cli.NewCommand() }
