// Package config holds the configurations that devlogs ships. They are the files that users copy, that the binary has built
// in, and that the end-to-end tests run.
package config

import _ "embed"

// Embedded is what devlogs runs with when it is given no --config: everything on one machine, logs kept in a DuckDB store.
//
//go:embed embedded.yaml
var Embedded string
