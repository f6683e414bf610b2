package timescaleexporter

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"

	"github.com/instantdevlogs/devlogs/exporter/timescaleexporter/internal/metadata"
)

// NewFactory makes the factory of the timescale exporter.
func NewFactory() exporter.Factory {
	return exporter.NewFactory(metadata.Type, createDefaultConfig, exporter.WithLogs(createLogs, metadata.LogsStability))
}

func createLogs(ctx context.Context, set exporter.Settings, config component.Config) (exporter.Logs, error) {
	e, err := newTimescaleExporter(set, config.(*Config))
	if err != nil {
		return nil, err
	}
	// No queue and no batcher of the framework: Redis is the queue, and a request stays one batch with its own id.
	return exporterhelper.NewLogs(ctx, set, config, e.consumeLogs,
		exporterhelper.WithStart(e.start),
		exporterhelper.WithShutdown(e.shutdown),
		exporterhelper.WithTimeout(exporterhelper.TimeoutConfig{Timeout: e.config.Timeout}),
		exporterhelper.WithCapabilities(consumer.Capabilities{MutatesData: false}))
}
