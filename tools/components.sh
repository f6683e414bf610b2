#!/bin/sh
# Writes cmd/devlogs/components.go from builder-config.yaml with the Collector builder. The rest of what the builder writes
# (a main without our subcommands) is left behind.
set -eu
cd "$(dirname "$0")/.."
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
sed "s|^  output_path: .*|  output_path: $out|" builder-config.yaml >"$out/config.yaml"
go tool -modfile=tools/go.mod builder --config "$out/config.yaml" --skip-get-modules --skip-compilation >"$out/log" 2>&1 ||
	{ cat "$out/log" >&2; exit 1; }
gofmt "$out/components.go" >cmd/devlogs/components.go
