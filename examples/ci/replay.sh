#!/bin/sh
# Replays the recording beside this script through devlogs and says whether every record came out once, unchanged, and as
# in the golden.
#
#   DEVLOGS=./bin/devlogs examples/ci/replay.sh           judge; the exit code is the verdict (see docs/ci.md)
#   DEVLOGS=./bin/devlogs examples/ci/replay.sh --update  write the golden anew, after a change that is meant
#
# Reports go to $REPORTS (./replay-reports): JUnit for the CI server, HTML for people. On GitHub Actions failures also
# annotate the run.
set -eu

devlogs=${DEVLOGS:-devlogs}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
run=$work/run
reports=${REPORTS:-./replay-reports}

# Addresses that a developer's own devlogs does not use.
export DEVLOGS_DATA_DIR="$work/data"
export DEVLOGS_OTLP_GRPC_ENDPOINT="${DEVLOGS_OTLP_GRPC_ENDPOINT:-localhost:24317}"
export DEVLOGS_OTLP_HTTP_ENDPOINT="${DEVLOGS_OTLP_HTTP_ENDPOINT:-localhost:24318}"
export DEVLOGS_JSON_ENDPOINT="${DEVLOGS_JSON_ENDPOINT:-localhost:24319}"
export DEVLOGS_QUERY_ENDPOINT="${DEVLOGS_QUERY_ENDPOINT:-localhost:23100}"
to=http://$DEVLOGS_OTLP_HTTP_ENDPOINT
source=devlogs=http://$DEVLOGS_QUERY_ENDPOINT

"$devlogs" >"$work/devlogs.log" 2>&1 &
pid=$!
trap 'kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT

# Only when it says that it is ready is it certain that no other process has the addresses.
until grep -q 'is ready' "$work/devlogs.log"; do
    kill -0 "$pid" 2>/dev/null || { cat "$work/devlogs.log"; exit 5; }
    sleep 0.1
done

# shift moves all times alike, so that they are as far from the start as recorded.
"$devlogs" replay play "$here/recording" --to "$to" --pace asap --workers 1 --event-time shift --ledger "$run" --quiet

if [ "${1:-}" = --update ]; then
    "$devlogs" replay diff "$here/golden.jsonl" "$run" --masks "$here/masks.yaml" --source "$source" --update
    exit
fi

# Both are asked, whatever the first says, so that one report has all.
verdict=0
"$devlogs" replay verify "$run" --source "$source" --settle 1s --self-test --thresholds "$here/thresholds.yaml" --quiet || verdict=$?
"$devlogs" replay diff "$here/golden.jsonl" "$run" --masks "$here/masks.yaml" --patterns --pattern-floor 5 --source "$source" ||
    { code=$?; [ "$verdict" -ne 0 ] || verdict=$code; }

"$devlogs" replay report "$run" -f junit,html,md,json -o "$reports"
if [ -n "${GITHUB_ACTIONS:-}" ]; then
    "$devlogs" replay report "$run" -f github -o -
fi
[ "$verdict" -eq 0 ] || cat "$work/devlogs.log"
exit "$verdict"
