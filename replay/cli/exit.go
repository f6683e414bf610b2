package cli

// Exit codes of devlogs replay, for scripts: each says whose fault it is.
const (
	ExitUsage     = 1 // the command line, or a file it names, is wrong
	ExitDelivery  = 2 // records were lost, doubled, changed…
	ExitGolden    = 3 // the output differs from the golden one
	ExitThreshold = 4 // a threshold was crossed
	ExitTarget    = 5 // the target, or something between, failed
	ExitInvalid   = 6 // the run proves nothing: the schedule was not kept, or the recording has gaps
)

// ExitError ends the program with a code of its own.
type ExitError struct {
	Code int
	Err  error
}

func (e *ExitError) Error() string { return e.Err.Error() }
func (e *ExitError) Unwrap() error { return e.Err }

// ExitCode is what main exits with.
func (e *ExitError) ExitCode() int { return e.Code }
