#!/bin/sh
# Sets up the real log shippers that the tests of the json_log receiver send with, on Debian and Ubuntu:
#   rsyslog with its Elasticsearch output   from the distribution's packages (needs root)
#   syslog-ng with its http() output        from the packages too, unpacked into .cache/clients: installed it would remove rsyslog
#   npm clients                             from testdata/clients/package-lock.json, into .cache/clients
# Does nothing when all is there.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
cache=$root/.cache/clients
mkdir -p "$cache"
export DEBIAN_FRONTEND=noninteractive

missing=
command -v node >/dev/null 2>&1 || missing="$missing nodejs"
command -v npm >/dev/null 2>&1 || missing="$missing npm"
command -v rsyslogd >/dev/null 2>&1 || missing="$missing rsyslog"
[ -n "$(find /usr/lib -name omelasticsearch.so -print -quit 2>/dev/null)" ] || missing="$missing rsyslog-elasticsearch"
if [ -n "$missing" ]; then
	apt-get update
	# shellcheck disable=SC2086 # a list of names
	apt-get install --yes --no-install-recommends $missing
fi

if [ ! -x "$cache/syslog-ng/usr/sbin/syslog-ng" ]; then
	rm -rf "$cache/syslog-ng" "$cache/debs"
	mkdir -p "$cache/syslog-ng.new" "$cache/debs"
	apt-cache show syslog-ng-core >/dev/null 2>&1 || apt-get update
	libraries=$(apt-cache depends syslog-ng-core syslog-ng-mod-http | sed -n 's/^ *Depends: \(lib[^ ]*\)$/\1/p' | grep -v '^libc6$' | sort -u)
	# shellcheck disable=SC2086 # a list of names
	(cd "$cache/debs" && apt-get download syslog-ng-core syslog-ng-mod-http $libraries)
	for deb in "$cache"/debs/*.deb; do
		dpkg -x "$deb" "$cache/syslog-ng.new"
	done
	rm -rf "$cache/debs"
	mv "$cache/syslog-ng.new" "$cache/syslog-ng"
fi

clients=$root/receiver/jsonlogreceiver/testdata/clients
if ! cmp -s "$clients/package-lock.json" "$cache/node/package-lock.json" || [ ! -d "$cache/node/node_modules" ]; then
	rm -rf "$cache/node"
	mkdir -p "$cache/node"
	cp "$clients/package.json" "$cache/node/"
	# Last, so that a set-up that was broken off is done again.
	cp "$clients/package-lock.json" "$cache/node/package-lock.json.new"
	(cd "$cache/node" && cp package-lock.json.new package-lock.json && npm ci --no-audit --no-fund --ignore-scripts || { rm -f package-lock.json; exit 1; })
	rm -f "$cache/node/package-lock.json.new"
fi
