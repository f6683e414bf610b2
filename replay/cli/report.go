package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/instantdevlogs/devlogs/replay/report"
)

func newReportCommand() *cobra.Command {
	var formats []string
	var out string
	var list strings.Builder
	for _, f := range report.Formats {
		fmt.Fprintf(&list, "  %-17s %-16s %s\n", f.Name, f.File, f.What)
	}
	cmd := &cobra.Command{
		Use:   "report RUN",
		Short: "Write what is known of a run as JUnit, HTML, Markdown…",
		Long: `Write what play, verify and diff found about a run.

` + list.String() + `
Each format goes to its file in the run's directory, or in the one that -o names; "-o -" writes to standard output. The
format github also adds the Markdown page to the file that GITHUB_STEP_SUMMARY names.`,
		Example: `  devlogs replay report run -f junit,html
  devlogs replay report run -f github -o -
  devlogs replay report run -f gobench -o - >> new.txt && benchstat old.txt new.txt`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			results, err := report.Load(args[0])
			if err != nil {
				return err
			}
			if results.Run == "" {
				return fmt.Errorf("%s is not the directory of a run (play makes one with --ledger)", args[0])
			}
			if out == "" {
				out = args[0]
			}
			for _, format := range formats {
				if err := writeReport(cmd.OutOrStdout(), results, format, out); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().StringSliceVarP(&formats, "format", "f", []string{"html", "junit"}, "formats, separated by commas")
	cmd.Flags().StringVarP(&out, "output", "o", "", "directory, or - for standard output")
	return cmd
}

func writeReport(stdout io.Writer, r *report.Results, format, dir string) error {
	if format == "github" {
		if err := addStepSummary(r); err != nil {
			return err
		}
	}
	if dir == "-" {
		return r.Write(stdout, format)
	}
	name := ""
	for _, f := range report.Formats {
		if f.Name == format {
			name = f.File
		}
	}
	if name == "" {
		return r.Write(io.Discard, format) // says which there are
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	path := filepath.Join(dir, name)
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	if err := errors.Join(r.Write(f, format), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	fmt.Fprintln(stdout, path)
	return nil
}

func addStepSummary(r *report.Results) error {
	path := os.Getenv("GITHUB_STEP_SUMMARY")
	if path == "" {
		return nil
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("add to the step summary: %w", err)
	}
	return errors.Join(r.WriteMarkdown(f), f.Close())
}
