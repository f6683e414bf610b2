package timescaleexporter

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/metric"

	"github.com/instantdevlogs/devlogs/exporter/timescaleexporter/queue"
)

// observe makes the queue's depth visible. Every process of an installation shows the same queue.
func (e *timescaleExporter) observe() error {
	sum := func(pick func(queue.Depth) int64) metric.Int64Callback {
		return func(_ context.Context, o metric.Int64Observer) error {
			var total int64
			for _, d := range e.gauge.Depths() {
				total += pick(d)
			}
			o.Observe(total)
			return nil
		}
	}
	return errors.Join(
		e.telemetry.RegisterTimescaleQueueEntriesCallback(sum(func(d queue.Depth) int64 { return d.Entries })),
		e.telemetry.RegisterTimescaleQueueSizeCallback(sum(func(d queue.Depth) int64 { return d.Bytes })),
		e.telemetry.RegisterTimescaleQueueDeadLettersCallback(sum(func(d queue.Depth) int64 { return d.Dead })),
		e.telemetry.RegisterTimescaleQueueOldestAgeCallback(func(_ context.Context, o metric.Float64Observer) error {
			oldest := 0.0
			for _, d := range e.gauge.Depths() {
				oldest = max(oldest, d.Oldest.Seconds())
			}
			o.Observe(oldest)
			return nil
		}),
	)
}
