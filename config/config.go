// Package config holds the configurations that devlogs ships. They are the files that users copy, that the binary has built
// in (--config builtin:NAME; without --config it runs embedded.yaml), and that the end-to-end tests run.
package config

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

//go:embed *.yaml
var files embed.FS

// Names lists the configurations that are built in, in the order of the alphabet.
func Names() []string {
	paths, err := fs.Glob(files, "*.yaml")
	if err != nil {
		panic(err) // the pattern is well formed
	}
	for i, path := range paths {
		paths[i] = strings.TrimSuffix(path, ".yaml")
	}
	slices.Sort(paths)
	return paths
}

// Read gives the text of a built-in configuration.
func Read(name string) ([]byte, error) {
	if !slices.Contains(Names(), name) {
		return nil, fmt.Errorf("there is no built-in configuration %q: use one of %s", name, strings.Join(Names(), ", "))
	}
	return files.ReadFile(name + ".yaml")
}
