#!/bin/sh
# Installs redis-server for the tests on Debian and Ubuntu. Run as root; does nothing when it is there.
set -eu
if command -v redis-server >/dev/null 2>&1; then
	exit 0
fi
# Packages start the server when they are installed: the tests start theirs.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod +x "$policy"
	trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install --yes --no-install-recommends redis-server
