package main

import (
	"context"
	"fmt"
	"strings"

	"go.opentelemetry.io/collector/confmap"

	"github.com/instantdevlogs/devlogs/config"
)

const builtInScheme = "builtin"

// builtInProvider reads the configurations that are compiled in: --config builtin:production.
type builtInProvider struct{}

func newBuiltInProviderFactory() confmap.ProviderFactory {
	return confmap.NewProviderFactory(func(confmap.ProviderSettings) confmap.Provider { return builtInProvider{} })
}

func (builtInProvider) Retrieve(_ context.Context, uri string, _ confmap.WatcherFunc) (*confmap.Retrieved, error) {
	name, ok := strings.CutPrefix(uri, builtInScheme+":")
	if !ok {
		return nil, fmt.Errorf("%q is not %s:NAME", uri, builtInScheme)
	}
	text, err := config.Read(name)
	if err != nil {
		return nil, err
	}
	return confmap.NewRetrievedFromYAML(text)
}

func (builtInProvider) Scheme() string { return builtInScheme }

func (builtInProvider) Shutdown(context.Context) error { return nil }
