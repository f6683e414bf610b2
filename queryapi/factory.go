package queryapi

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"

	"github.com/instantdevlogs/devlogs/queryapi/internal/metadata"
)

// NewFactory makes the factory of the query_api extension.
func NewFactory() extension.Factory {
	return extension.NewFactory(metadata.Type, createDefaultConfig, create, metadata.ExtensionStability)
}

func create(_ context.Context, set extension.Settings, config component.Config) (extension.Extension, error) {
	return newQueryAPI(set, config.(*Config))
}
