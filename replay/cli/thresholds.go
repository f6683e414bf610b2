package cli

import (
	"errors"

	"github.com/instantdevlogs/devlogs/replay/gate"
	"github.com/instantdevlogs/devlogs/replay/report"
)

// checkThresholds judges the thresholds in a file; none when there is no file.
func checkThresholds(r *report.Results, file, baseline string) ([]gate.Assertion, error) {
	if file == "" {
		if baseline != "" {
			return nil, errors.New("--baseline is for --thresholds")
		}
		return nil, nil
	}
	thresholds, err := gate.ReadThresholds(file)
	if err != nil {
		return nil, err
	}
	var base gate.Metrics
	if baseline != "" {
		earlier, err := report.LoadFile(baseline)
		if err != nil {
			return nil, err
		}
		if why := r.SameMachine(earlier); why != "" {
			return nil, errors.New(why)
		}
		base = earlier
	}
	return gate.Check(thresholds, r, base)
}
