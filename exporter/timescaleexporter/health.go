package timescaleexporter

import (
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.uber.org/zap"
)

// part is a server that the exporter depends on.
type part int

const (
	redisPart part = iota
	postgresPart
	parts
)

var partNames = [parts]string{"Redis", "PostgreSQL"}

// health reports the component's status, once for each change: Recoverable while a server can't be used, OK when all can
// again.
type health struct {
	logger *zap.Logger
	host   component.Host

	mu   sync.Mutex
	down [parts]error
}

// set notes whether a server works: nil when it does.
func (h *health) set(p part, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	was := h.down[p]
	h.down[p] = err
	switch {
	case was == nil && err != nil:
		h.logger.Warn(partNames[p]+" can't be used, trying again until it can", zap.Error(err))
		componentstatus.ReportStatus(h.host, componentstatus.NewRecoverableErrorEvent(err))
	case was != nil && err == nil:
		h.logger.Info(partNames[p] + " can be used again")
		for _, other := range h.down {
			if other != nil {
				return
			}
		}
		componentstatus.ReportStatus(h.host, componentstatus.NewEvent(componentstatus.StatusOK))
	}
}

// fatal reports what will not go away: the Collector stops.
func (h *health) fatal(err error) {
	componentstatus.ReportStatus(h.host, componentstatus.NewFatalErrorEvent(err))
}
