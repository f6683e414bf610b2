package duckdbexporter

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"

	"github.com/instantdevlogs/devlogs/exporter/duckdbexporter/internal/metadata"
)

// NewFactory makes the factory of the duckdb exporter.
func NewFactory() exporter.Factory {
	return exporter.NewFactory(metadata.Type, createDefaultConfig, exporter.WithLogs(createLogs, metadata.LogsStability))
}

func createLogs(ctx context.Context, set exporter.Settings, config component.Config) (exporter.Logs, error) {
	e, err := newDuckDBExporter(set, config.(*Config))
	if err != nil {
		return nil, err
	}
	// No queue and no batcher: the answer to a request is the answer of its own commit, and a request stays one batch with
	// its own id. No timeout either: how long to wait is the client's choice, and comes with its context.
	return exporterhelper.NewLogs(ctx, set, config, e.consumeLogs,
		exporterhelper.WithStart(e.start),
		exporterhelper.WithShutdown(e.shutdown),
		exporterhelper.WithTimeout(exporterhelper.TimeoutConfig{}),
		exporterhelper.WithCapabilities(consumer.Capabilities{MutatesData: false}))
}
