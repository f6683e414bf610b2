#!/bin/sh
# Replays the recording through a Collector of any make and compares what its file exporter wrote with the golden.
#
#   COLLECTOR=otelcol-contrib DEVLOGS=devlogs examples/ci/stock-collector/replay.sh           judge
#   COLLECTOR=otelcol-contrib DEVLOGS=devlogs examples/ci/stock-collector/replay.sh --update  write the golden anew
#
# The exit code is the verdict: 0 as in the golden, 3 different, 5 the Collector refused or failed. Reports go to $REPORTS.
set -eu

collector=${COLLECTOR:-otelcol-contrib}
devlogs=${DEVLOGS:-devlogs}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
run=$work/run
reports=${REPORTS:-./replay-reports}

export OTLP_ENDPOINT="${OTLP_ENDPOINT:-localhost:24318}"
export OUTPUT="$work/output.jsonl"

"$collector" --config "$here/collector.yaml" >"$work/collector.log" 2>&1 &
pid=$!
trap 'kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT

# Only when it says that it is ready is it certain that no other process has the address.
until grep -q 'Everything is ready' "$work/collector.log"; do
    kill -0 "$pid" 2>/dev/null || { cat "$work/collector.log"; exit 5; }
    sleep 0.1
done

# keep leaves the times as they were recorded, so no mask is needed for them.
"$devlogs" replay play "$here/../recording" --to "http://$OTLP_ENDPOINT" --pace asap --event-time keep --ledger "$run" --quiet ||
    { code=$?; cat "$work/collector.log"; exit "$code"; }

# A Collector that is told to stop passes on what it holds, so its file is complete.
kill "$pid"
wait "$pid" || true

if [ "${1:-}" = --update ]; then
    "$devlogs" replay diff "$here/golden.jsonl" "$run" --source "file=$OUTPUT" --update
    exit
fi

# diff alone judges here: verify would call what is filtered lost, and what is transformed changed, as it should.
verdict=0
"$devlogs" replay diff "$here/golden.jsonl" "$run" --source "file=$OUTPUT" --patterns --pattern-floor 5 || verdict=$?

"$devlogs" replay report "$run" -f junit,html,json -o "$reports"
if [ -n "${GITHUB_ACTIONS:-}" ]; then
    "$devlogs" replay report "$run" -f github -o -
fi
exit "$verdict"
