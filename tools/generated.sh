#!/bin/sh
# Fails when generating changes a file: then what is checked in is not what its source says.
set -eu
cd "$(dirname "$0")/.."
state() { git ls-files -co --exclude-standard | while read -r f; do [ ! -f "$f" ] || cksum "$f"; done; }
before=$(mktemp)
after=$(mktemp)
trap 'rm -f "$before" "$after"' EXIT
state >"$before"
go generate ./...
state >"$after"
if ! diff "$before" "$after" >/dev/null; then
	echo "generated code was not current; it is now, commit it:" >&2
	diff "$before" "$after" | awk '/^>/ {print "  " $4}' >&2
	exit 1
fi
