#!/bin/sh
# Installs what the tests need of PostgreSQL (15 or newer) on Debian and Ubuntu. Run as root; does nothing when it is there.
set -eu
if command -v postgres >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1; then
	exit 0
fi
# Packages start a cluster of their own when they are installed: the tests start theirs, so that none is made here.
mkdir -p /etc/postgresql-common/createcluster.d
echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.d/devlogs-tests.conf
export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install --yes --no-install-recommends postgresql
