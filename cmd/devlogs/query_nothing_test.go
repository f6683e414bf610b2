package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/storage"
)

// storeAt stores a record at each of the times.
func storeAt(t *testing.T, store storage.Writer, times ...time.Time) {
	t.Helper()
	logs := plog.NewLogs()
	records := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for _, at := range times {
		r := records.AppendEmpty()
		r.SetTimestamp(pcommon.NewTimestampFromTime(at))
		r.Body().SetStr("hello")
	}
	storeLogs(t, store, "", logs)
}

func TestNothingThatMatchedSaysWhereLogsAre(t *testing.T) {
	address, store := startQueryAPI(t)
	nothing := func(args ...string) string {
		out, errOut, err := runQuery(t, append([]string{"--address", address, "--utc"}, args...)...)
		require.NoError(t, err)
		require.Empty(t, out)
		return errOut
	}
	day := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	storeAt(t, store, day.Add(15*time.Hour), day.Add(16*time.Hour))
	const among = "Nothing matched among the 2 records of this time range.\n"
	require.Equal(t, among, nothing("--start", "2026-01-02", "nowhere"))
	require.Equal(t, among, nothing("--trace-id", strings.Repeat("ab", 16)), "a trace is looked for everywhere")
	const older = "There are 2 records stored, from 2026-01-02 15:00:00 to 2026-01-02 16:00:00: --since or --start look further back.\n"
	require.Equal(t, "Nothing matched: this time range has no records.\n"+older, nothing())
	require.Equal(t, "Nothing matched among the 1 record of this time range.\n"+older, nothing("--start", "2026-01-02 15:30", "nowhere"))

	require.Equal(t, "Nothing matched: this time range has no records.\n"+
		"2 records are later than this time range: --start '2026-01-02 12:00:00' --end '2026-01-02 16:00:01' shows them.\n",
		nothing("--start", "2026-01-01", "--end", "2026-01-02 12:00"))
	out, _, err := runQuery(t, "--address", address, "--utc", "--start", "2026-01-02 12:00:00", "--end", "2026-01-02 16:00:01")
	require.NoError(t, err)
	require.Equal(t, 2, strings.Count(out, "hello"), "what it advises does show them")

	ahead := time.Now().Add(50 * time.Hour).Truncate(time.Second).UTC()
	storeAt(t, store, ahead)
	require.Contains(t, nothing(), "1 record is later than now (the sender's clock or time zone?): --start now --end '"+
		ahead.Add(time.Second).Format(time.DateTime)+"' shows them.\n")
	out, _, err = runQuery(t, "--address", address, "--utc", "--start", "now", "--end", ahead.Add(time.Second).Format(time.DateTime))
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(out, "hello"))
}

func TestALabelThatNoStreamHasIsNamed(t *testing.T) {
	address, store := startQueryAPI(t)
	storeLogs(t, store, "", demoLogs(1))
	_, errOut, err := run(t, newLabelsCommand(), "", "--address", address, "nosuch")
	require.NoError(t, err)
	require.Equal(t, "No stream in this time range has the label nosuch.\n", errOut)
}

func TestLinesThatNothingMatchesAreAnsweredToo(t *testing.T) {
	out, errOut, err := run(t, newQueryCommand(), "one\ntwo\n", "--stdin", `{} |= "three"`)
	require.NoError(t, err)
	require.Empty(t, out)
	require.Equal(t, "Nothing matched.\n", errOut)
	out, errOut, err = run(t, newQueryCommand(), "one\ntwo\n", "--stdin", "-o", "raw")
	require.NoError(t, err)
	require.Equal(t, "one\ntwo\n", out, "without a query all lines match")
	require.Empty(t, errOut)
}

func TestStatsSpeakToPeopleInTheirUnits(t *testing.T) {
	address, store := startQueryAPI(t)
	storeLogs(t, store, "", demoLogs(10))
	out, _, err := run(t, newStatsCommand(), "", "--address", address)
	require.NoError(t, err)
	require.Regexp(t, `^records +batches +on disk +oldest +newest\n10 +1 +[0-9.]+ [KM]?i?B `, out)
	out, _, err = run(t, newStatsCommand(), "", "--address", address, "-o", "json")
	require.NoError(t, err)
	require.Regexp(t, `"bytes":\d+,`, out, "programs get the number")
}
