package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/confmap"
)

// splitStores is a converter that changes nothing and refuses a configuration that would lose logs from sight: the duckdb
// exporter writes to one directory and query_api reads another, which nothing writes.
type splitStores struct{}

func (splitStores) factory() confmap.ConverterFactory {
	return confmap.NewConverterFactory(func(confmap.ConverterSettings) confmap.Converter { return splitStores{} })
}

// Convert looks at what the service uses. Several exporters may write what is not read here, as long as what is read is written.
func (splitStores) Convert(_ context.Context, conf *confmap.Conf) error {
	resolved := resolvedConfig{conf}
	var written, read []string // the settings of paths
	for id := range resolved.used() {
		kind, _, _ := strings.Cut(id.name, "/")
		switch id.section + "::" + kind {
		case "exporters::duckdb":
			written = append(written, id.section+"::"+id.name+"::path")
		case "extensions::query_api":
			if setting := id.section + "::" + id.name + "::storage::duckdb::path"; conf.IsSet(setting) {
				read = append(read, setting)
			}
		}
	}
	slices.Sort(written)
	slices.Sort(read)
	directory := func(setting string) string {
		path, _ := conf.Get(setting).(string)
		if absolute, err := filepath.Abs(path); err == nil && path != "" {
			return absolute
		}
		return path
	}
	for _, reads := range read {
		if len(written) == 0 || slices.ContainsFunc(written, func(writes string) bool { return directory(writes) == directory(reads) }) {
			continue
		}
		dotted := func(setting string) string { return strings.ReplaceAll(setting, "::", ".") }
		return fmt.Errorf("logs are written to %s (%s) and looked for in %s (%s), where nothing writes: set both to the same directory, "+
			"or DEVLOGS_DATA_DIR, which both are made of in the built-in configuration",
			directory(written[0]), dotted(written[0]), directory(reads), dotted(reads))
	}
	return nil
}
