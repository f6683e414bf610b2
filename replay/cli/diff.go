package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/instantdevlogs/devlogs/replay/canon"
	"github.com/instantdevlogs/devlogs/replay/diff"
	"github.com/instantdevlogs/devlogs/replay/ledger"
	"github.com/instantdevlogs/devlogs/replay/report"
	"github.com/instantdevlogs/devlogs/replay/verify"
	"github.com/instantdevlogs/devlogs/replay/verify/source"
)

type diffFlags struct {
	masks, source, exec string
	update, allowAdded  bool
	learn               int
	patterns            diff.PatternOptions
	patternsOnly        bool
}

func newDiffCommand() *cobra.Command {
	f := diffFlags{}
	cmd := &cobra.Command{
		Use:   "diff GOLDEN RUN",
		Short: "Compare a pipeline's output with a golden one",
		Long: `Compare a pipeline's output with a golden: a file of the output that somebody looked at and found right.

RUN is a run's directory (its built-in sink's file, or what --source names) or a file in any form that the file exporter
writes. Batching, the order of records and of attributes don't matter. --masks names a file that says, for paths that
differ from run to run, what must hold instead:

  masks:
    - {path: attributes.request.id, match: uuid}
    - {path: time, match: "time-relative(±5s)"}
    - {path: attributes.duration_ms, match: "number(±20%)"}

Matchers: drop, present, type, regex(…), uuid, hex(n), time-relative(±d), number(±p%), set(a,b). A mask that nothing
needed fails. --update writes the golden. Of a store that others write to as well, only records are taken that carry the
run's mark (log.record.uid). --learn-noise N runs a command N times, each time with DEVLOGS_RUN naming a new
directory in which it has to leave a run, and proposes masks for what differs between the runs.

Exit codes: 0 equal, 1 usage, 3 different, 5 the source can't be read.`,
		Example: `  devlogs replay diff golden.jsonl run --masks masks.yaml
  devlogs replay diff golden.jsonl run --masks masks.yaml --update
  devlogs replay diff golden.jsonl run --source devlogs=http://127.0.0.1:3100
  devlogs replay diff last-week.jsonl run --patterns-only --pattern-floor 50
  devlogs replay diff --learn-noise 3 --exec './replay-once.sh "$DEVLOGS_RUN"' > masks.yaml`,
		Args: func(cmd *cobra.Command, args []string) error {
			if f.learn > 0 {
				return cobra.NoArgs(cmd, args)
			}
			return cobra.ExactArgs(2)(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.learn > 0 {
				return f.learnNoise(cmd)
			}
			return f.run(cmd, args[0], args[1])
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&f.masks, "masks", "", "file of masks")
	fl.StringVar(&f.source, "source", "", "where the run's output is, as in verify; default: the built-in sink's file")
	fl.BoolVar(&f.update, "update", false, "write the golden instead of comparing with it")
	fl.BoolVar(&f.allowAdded, "allow-added", false, "paths that the golden has nowhere pass")
	fl.IntVar(&f.learn, "learn-noise", 0, "run --exec so often and propose masks")
	fl.StringVar(&f.exec, "exec", "", "shell command that makes a run in $DEVLOGS_RUN")
	fl.BoolVar(&f.patterns.Gate, "patterns", false, "new, vanished and shifted message templates fail too")
	fl.BoolVar(&f.patternsOnly, "patterns-only", false, "only message templates are judged, not single records")
	fl.Uint64Var(&f.patterns.Floor, "pattern-floor", 10, "messages that a template must have on one side to count")
	fl.Float64Var(&f.patterns.Shift, "pattern-shift", 2, "factor by which a template's share must change to count")
	return cmd
}

func (f *diffFlags) run(cmd *cobra.Command, golden, run string) error {
	ctx := cmd.Context()
	masks, err := diff.ReadMasks(f.masks)
	if err != nil {
		return err
	}
	right, own, closeRight, err := f.input(ctx, run)
	if err != nil {
		return err
	}
	defer closeRight()
	if f.update {
		return f.writeGolden(cmd, golden, right, masks, own)
	}
	if _, err := os.Stat(golden); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no golden %s yet: look at the run's output, and if it is right write one with --update", golden)
	}
	left, closeLeft, err := fileInput(golden, true) // one that is cut off would not miss what is missing
	if err != nil {
		return err
	}
	defer closeLeft()
	f.patterns.Gate = f.patterns.Gate || f.patternsOnly
	result, err := diff.Compare(ctx, left, right, diff.Options{Masks: masks, AllowAdded: f.allowAdded, Patterns: f.patterns})
	if err != nil {
		return &ExitError{ExitTarget, err}
	}
	result.PatternsOnly = f.patternsOnly
	if err := result.WriteText(cmd.OutOrStdout()); err != nil {
		return err
	}
	fmt.Fprint(cmd.OutOrStdout(), own.note())
	if !result.OK() {
		fmt.Fprintf(cmd.OutOrStdout(), "If that is what you meant to change, the same command with --update writes %s anew; git diff then shows it record by record.\n", golden)
	}
	results := &report.Results{}
	if isRun(run) {
		if results, err = report.Load(run); err != nil {
			return err
		}
	}
	results.Diff = result
	if isRun(run) {
		if err := results.Save(run); err != nil {
			return err
		}
	}
	return judge(results, "golden")
}

// writeGolden takes what the run left, and nothing else, for right.
func (f *diffFlags) writeGolden(cmd *cobra.Command, golden string, run diff.Input, masks *diff.Masks, own *ownRecords) error {
	if err := own.certain(); err != nil {
		return err
	}
	n, err := diff.WriteGolden(cmd.Context(), golden, run, masks)
	if err != nil {
		return err
	}
	fmt.Fprint(cmd.OutOrStdout(), own.note())
	fmt.Fprintf(cmd.OutOrStdout(), "wrote %s: %d records. Look at what changed before you commit it.\n", golden, n)
	return nil
}

func isRun(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, ledger.MetaFile))
	return err == nil
}

// input opens one side that is a run's directory or a file, and says which of its records are the run's.
func (f *diffFlags) input(ctx context.Context, run string) (diff.Input, *ownRecords, func(), error) {
	if !isRun(run) && f.source == "" {
		in, closeInput, err := fileInput(run, false)
		return in, &ownRecords{exclusive: true}, closeInput, err
	}
	text := f.source
	if text == "" {
		text = "sink"
	}
	s, err := source.Open(ctx, text, source.Options{RunDir: run})
	if err != nil {
		return diff.Input{}, nil, nil, err
	}
	in, own := sourceInput(s), &ownRecords{traits: s.Traits(), exclusive: true}
	if isRun(run) {
		meta, err := ledger.ReadMeta(run)
		if err != nil {
			return diff.Input{}, nil, nil, errors.Join(err, s.Close())
		}
		in.Start = pcommon.NewTimestampFromTime(meta.Started)
		own = newOwnRecords(meta, s.Traits(), text)
		in.Records = own.of(in.Records)
	}
	return in, own, func() { s.Close() }, nil
}

func fileInput(path string, strict bool) (diff.Input, func(), error) {
	s, err := source.OpenFile(path)
	if err != nil {
		return diff.Input{}, nil, err
	}
	s.Strict = strict
	return sourceInput(s), func() { s.Close() }, nil
}

func sourceInput(s source.Source) diff.Input {
	traits := s.Traits()
	return diff.Input{
		Name: traits.Name, Keeps: traits.Keeps,
		Records: func(ctx context.Context) iter.Seq2[*canon.Record, error] {
			return s.Scan(ctx, verify.Window{To: ^pcommon.Timestamp(0)})
		},
	}
}

func (f *diffFlags) learnNoise(cmd *cobra.Command) error {
	if f.exec == "" || f.learn < 2 {
		return errors.New("--learn-noise needs --exec, and at least 2 runs")
	}
	base, err := os.MkdirTemp("", "devlogs-noise-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(base)
	var runs []diff.Input
	for i := range f.learn {
		dir := filepath.Join(base, fmt.Sprint(i))
		fmt.Fprintf(cmd.ErrOrStderr(), "run %d of %d\n", i+1, f.learn)
		c := exec.CommandContext(cmd.Context(), "sh", "-c", f.exec)
		c.Env = append(os.Environ(), "DEVLOGS_RUN="+dir)
		c.Stdout, c.Stderr = cmd.ErrOrStderr(), cmd.ErrOrStderr()
		if err := c.Run(); err != nil {
			return &ExitError{ExitTarget, fmt.Errorf("run %d of --exec: %w", i+1, err)}
		}
		if !isRun(dir) {
			return fmt.Errorf("--exec left no run in $DEVLOGS_RUN: give play --ledger \"$DEVLOGS_RUN\" there")
		}
		in, _, closeInput, err := f.input(cmd.Context(), dir)
		if err != nil {
			return err
		}
		defer closeInput()
		runs = append(runs, in)
	}
	proposals, err := diff.LearnNoise(cmd.Context(), runs)
	if err != nil {
		return err
	}
	return diff.WriteProposals(cmd.OutOrStdout(), proposals)
}
