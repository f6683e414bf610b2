#!/bin/sh
# Says in one line what is missing before a build can work: Go 1.26, and a C toolchain with the C++ library, which the
# embedded DuckDB links. As root on Debian and Ubuntu the latter is installed.
set -eu

command -v go >/dev/null || { echo "devlogs needs Go 1.26 or newer: https://go.dev/dl/" >&2; exit 1; }
# An older go fetches the toolchain that go.mod asks for by itself, where it may.
version=$(go env GOVERSION 2>/dev/null) || version=none
minor=$(echo "$version" | sed -n 's/^go1\.\([0-9]*\).*/\1/p')
[ "${minor:-0}" -ge 26 ] || { echo "devlogs needs Go 1.26 or newer, found $version: https://go.dev/dl/" >&2; exit 1; }

links() { echo 'int main(void){return 0;}' | $(go env CC) -x c - -x none -lstdc++ -o /dev/null 2>/dev/null; }
links && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	echo "installing gcc and g++ (the embedded DuckDB is a C++ library)"
	{ apt-get update -qq && apt-get install -y -qq --no-install-recommends gcc g++ libc6-dev; } >/dev/null
	links && exit 0
fi
echo "devlogs needs a C and C++ toolchain for the embedded DuckDB:
  Debian, Ubuntu: sudo apt-get install gcc g++    Fedora: sudo dnf install gcc gcc-c++    macOS: xcode-select --install" >&2
exit 1
