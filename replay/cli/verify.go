package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"github.com/instantdevlogs/devlogs/replay/ledger"
	"github.com/instantdevlogs/devlogs/replay/report"
	"github.com/instantdevlogs/devlogs/replay/verify"
	"github.com/instantdevlogs/devlogs/replay/verify/source"
)

type verifyFlags struct {
	source, sqlQuery         string
	settle, timeout, recheck time.Duration
	requireOrder, selfTest   bool
	delivery                 string
	thresholds, baseline     string
	samples                  int
	silent                   bool
}

// heapLimit is where verify begins to collect garbage more often. Of each record it keeps 4.3 bytes; without a limit the
// heap would grow to twice of all it keeps.
const heapLimit = 320 << 20

func newVerifyCommand() *cobra.Command {
	f := verifyFlags{}
	cmd := &cobra.Command{
		Use:   "verify RUN",
		Short: "Account for every record of a run",
		Long: `Account for every record of a run: what play sent (its ledger, in the directory RUN) is compared with what is found.

Sources:
` + source.Usage + `

Lost, duplicated, phantom, foreign and changed records fail. A second copy that a retry explains passes, unless
--delivery exactly-once. What was found is added to RUN/` + report.FileName + `, for replay report.

Exit codes: 0 every record is accounted for, 1 usage, 2 delivery, 4 a threshold was crossed, 5 the source can't be read,
6 the run itself is invalid.`,
		Example: `  devlogs replay verify run --source devlogs=http://127.0.0.1:3100
  devlogs replay verify run --source sink --require-order --self-test
  devlogs replay verify run --source file=out/logs.jsonl --thresholds thresholds.yaml
  devlogs replay verify run --source sql=postgres://localhost/logs --sql-query "SELECT attrs->>'log.record.uid' AS uid, msg AS body FROM logs"`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if os.Getenv("GOMEMLIMIT") == "" {
				defer debug.SetMemoryLimit(debug.SetMemoryLimit(heapLimit))
			}
			return f.run(cmd, args[0])
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&f.source, "source", "", "where the records should be (required)")
	fl.StringVar(&f.sqlQuery, "sql-query", "", "rows of the sql source, with its columns named uid, time, body…")
	fl.DurationVar(&f.settle, "settle", 5*time.Second, "look when the source's count has stood still for so long")
	fl.DurationVar(&f.timeout, "timeout", 2*time.Minute, "look anyway after this")
	fl.DurationVar(&f.recheck, "recheck", 0, "look again after this, for what vanishes or comes late")
	fl.BoolVar(&f.requireOrder, "require-order", false, "records of a stream must keep their order")
	fl.StringVar(&f.delivery, "delivery", "", "at-least-once or exactly-once, instead of what play was told")
	fl.BoolVar(&f.selfTest, "self-test", false, "also inject one fault of each kind behind the source, and require that each is found")
	fl.StringVar(&f.thresholds, "thresholds", "", "file of thresholds (see docs/replay-verify.md)")
	fl.StringVar(&f.baseline, "baseline", "", "run or results.json that thresholds with 'baseline' compare with")
	fl.IntVar(&f.samples, "samples", 100, "records listed for each kind of fault")
	fl.BoolVarP(&f.silent, "quiet", "q", false, "no progress on standard error")
	_ = cmd.MarkFlagRequired("source")
	return cmd
}

func (f *verifyFlags) run(cmd *cobra.Command, dir string) error {
	ctx := cmd.Context()
	reader, err := ledger.Open(dir)
	if err != nil {
		return err
	}
	if d := ledger.Delivery(f.delivery); d != "" && d != ledger.AtLeastOnce && d != ledger.ExactlyOnce {
		return fmt.Errorf("--delivery %q is neither at-least-once nor exactly-once", f.delivery)
	}
	results, err := report.Load(dir)
	if err != nil {
		return err
	}
	if _, err := checkThresholds(results, f.thresholds, f.baseline); err != nil {
		return err // before an hour of looking, not after
	}
	s, err := source.Open(ctx, f.source, source.Options{RunDir: dir, SQLQuery: f.sqlQuery})
	if err != nil {
		return err
	}
	defer s.Close()
	options := verify.Options{
		Ledger: reader, Expected: verify.Replayed(reader), Source: s,
		Settle: f.settle, Timeout: f.timeout, Recheck: f.recheck, RequireOrder: f.requireOrder,
		Delivery: ledger.Delivery(f.delivery), Samples: f.samples,
	}
	if !f.silent {
		options.Progress = func(text string) { fmt.Fprintln(cmd.ErrOrStderr(), text) }
	}
	if results.Verify, err = verify.Run(ctx, options); err != nil {
		return &ExitError{ExitTarget, err}
	}
	if err := provable(results); err != nil {
		return &ExitError{ExitInvalid, fmt.Errorf("the run is invalid: %w", err)}
	}
	results.Verify.Latency.Queryable = results.Queryable
	out := cmd.OutOrStdout()
	if err := results.Verify.WriteText(out); err != nil {
		return err
	}
	if results.SelfTest, err = f.prove(ctx, cmd, options); err != nil {
		return &ExitError{ExitTarget, err}
	}
	if results.Thresholds, err = checkThresholds(results, f.thresholds, f.baseline); err != nil {
		return err
	}
	for _, a := range results.Thresholds {
		fmt.Fprintln(out, passOrFail(a.OK), a.Message)
	}
	if err := results.Save(dir); err != nil {
		return err
	}
	return judge(results, "run", "delivery", "self-test", "thresholds")
}

// provable is an error when the ledger says too little to prove anything: nothing was sent, or it is not the one that play
// wrote.
func provable(r *report.Results) error {
	switch v := r.Verify; {
	case v.Sent == 0:
		return errors.New("nothing was sent, so nothing is proven about where it should be")
	case r.Play != nil && uint64(r.Play.Attempts) != v.Attempts:
		return fmt.Errorf("its ledger has %d attempts, and play made %d: one of the two was cut or changed, and the proof is void",
			v.Attempts, r.Play.Attempts)
	}
	return nil
}

// prove runs the self-test if it is wanted.
func (f *verifyFlags) prove(ctx context.Context, cmd *cobra.Command, options verify.Options) ([]verify.Proof, error) {
	if !f.selfTest {
		return nil, nil
	}
	proofs, err := verify.SelfTest(ctx, options)
	for _, p := range proofs {
		what := "found"
		if !p.Found {
			what = "NOT found"
		}
		if p.Note != "" {
			what += ": " + p.Note
		}
		fmt.Fprintf(cmd.OutOrStdout(), "self-test: an injected fault (%s) was %s\n", p.Fault, what)
	}
	return proofs, err
}

func passOrFail(ok bool) string {
	if ok {
		return "PASS"
	}
	return "FAIL"
}

// judge turns the failures of the suites into an exit code: the gravest first, as an invalid run says nothing else.
func judge(r *report.Results, suites ...string) error {
	codes := map[string]int{
		"run": ExitInvalid, "delivery": ExitDelivery, "self-test": ExitDelivery, "golden": ExitGolden, "thresholds": ExitThreshold,
	}
	for _, suite := range suites {
		for _, a := range r.Assertions() {
			if a.Suite == suite && !a.OK {
				return &ExitError{codes[suite], errors.New(a.Suite + ": " + a.Message)}
			}
		}
	}
	return nil
}
