package queryapi

import (
	"github.com/instantdevlogs/devlogs/logql/engine"
	"github.com/instantdevlogs/devlogs/queryapi/logplan"
)

// planner makes plans for the LogQL of one request, within the server's limits.
func (s *server) planner(source *Source) *logplan.Planner {
	return logplan.New(source, logplan.Options{
		Limits: engine.Limits{
			Steps: s.limits.MaxQuerySteps, Series: s.limits.MaxQuerySeries,
			Groups: s.limits.MaxQueryGroups, Samples: s.limits.MaxQuerySamples,
		},
		MaxBytes: s.limits.MaxQueryBytes,
	})
}
