package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/envprovider"
)

// unsetVariables notes the variables that a configuration reads without giving a default, and that are not set. When the
// start fails they are the reason, and one line says more than an error from every component that got nothing.
type unsetVariables struct {
	mu    sync.Mutex
	names []string
}

// examples show what the variables of the configurations that ship look like.
var examples = map[string]string{
	"DEVLOGS_POSTGRES_DSN": "postgres://user:password@host:5432/devlogs?sslmode=require",
	"DEVLOGS_REDIS_URL":    "redis://user:password@host:6379/0",
}

// explain puts what is unset before a failure.
func (u *unsetVariables) explain(err error) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if err == nil || len(u.names) == 0 {
		return err
	}
	var settings []string
	for _, name := range u.names {
		setting := name
		if example, ok := examples[name]; ok {
			setting += "='" + example + "'"
		}
		settings = append(settings, setting)
	}
	return fmt.Errorf("the configuration reads variables that are not set: set %s", strings.Join(settings, " and "))
}

func (u *unsetVariables) note(uri string) {
	name, ok := strings.CutPrefix(uri, "env:")
	if !ok || strings.Contains(name, ":-") || os.Getenv(name) != "" {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if !slices.Contains(u.names, name) {
		u.names = append(u.names, name)
		slices.Sort(u.names)
	}
}

// factory makes the Collector's own provider for env:NAME, with a look at what it is asked for.
func (u *unsetVariables) factory() confmap.ProviderFactory {
	return confmap.NewProviderFactory(func(set confmap.ProviderSettings) confmap.Provider {
		return &notingProvider{envprovider.NewFactory().Create(set), u}
	})
}

type notingProvider struct {
	confmap.Provider
	unset *unsetVariables
}

func (p *notingProvider) Retrieve(ctx context.Context, uri string, watcher confmap.WatcherFunc) (*confmap.Retrieved, error) {
	p.unset.note(uri)
	return p.Provider.Retrieve(ctx, uri, watcher)
}
