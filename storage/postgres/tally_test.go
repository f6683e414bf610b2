package postgres

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"pgregory.net/rapid"

	"github.com/instantdevlogs/devlogs/storage"
)

// TestTallyCountsEachStreamAndLevel reads tallies back and compares them with the rows that they are of.
func TestTallyCountsEachStreamAndLevel(t *testing.T) {
	type key struct {
		stream   uint64
		severity int32
		text     string
	}
	var reader tallyReader
	rapid.Check(t, func(t *rapid.T) {
		logs := plog.NewLogs()
		for range rapid.IntRange(0, 5).Draw(t, "resources") {
			rl := logs.ResourceLogs().AppendEmpty()
			rl.Resource().Attributes().PutStr("service.name", rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "service"))
			sl := rl.ScopeLogs().AppendEmpty()
			for range rapid.IntRange(0, 20).Draw(t, "records") {
				r := sl.LogRecords().AppendEmpty()
				r.SetSeverityNumber(plog.SeverityNumber(rapid.SampledFrom([]int32{-1 << 31, -1, 0, 9, 17, 1<<31 - 1}).Draw(t, "severity")))
				r.SetSeverityText(rapid.SampledFrom([]string{"", "INFO", "é"}).Draw(t, "text"))
				r.Body().SetStr(rapid.StringN(0, 300, -1).Draw(t, "body"))
			}
		}
		rows := &storage.Rows{}
		storage.Encode(rows, logs, "", 1)
		records, bytes := map[key]uint64{}, map[key]uint64{}
		for i := range rows.Len() {
			k := key{rows.Stream[i], rows.Severity[i], string(rows.SeverityText.At(i))}
			records[k]++
			bytes[k] += uint64(len(rows.Body.At(i)))
		}
		tally := tallyOf(rows)
		require.True(t, hasTally(tally))
		require.NoError(t, reader.read(tally))
		require.Len(t, reader.cells, len(records))
		for _, c := range reader.cells {
			k := key{c.stream, reader.levels[c.level].severity, reader.levels[c.level].text}
			require.Equal(t, records[k], c.records)
			require.Equal(t, bytes[k], c.bytes)
		}
		if len(tally) > 2 { // any shorter one, but at the end of a stream, is refused
			_ = reader.read(tally[:rapid.IntRange(1, len(tally)-1).Draw(t, "cut")])
		}
	})
}

func TestTextsThatAreNoLevelsHaveNoTally(t *testing.T) {
	for name, text := range map[string]func(i int) string{
		"many": func(i int) string { return string(rune('0' + i)) },
		"long": func(int) string { return string(make([]byte, maxTallyText+1)) },
	} {
		t.Run(name, func(t *testing.T) {
			logs := plog.NewLogs()
			records := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
			for i := range maxTallyLevels + 1 {
				r := records.AppendEmpty()
				r.SetTimestamp(pcommon.Timestamp(i + 1))
				r.SetSeverityText(text(i))
			}
			rows := &storage.Rows{}
			storage.Encode(rows, logs, "", 1)
			require.Nil(t, tallyOf(rows))
		})
	}
}

func BenchmarkTally(b *testing.B) {
	logs := plog.NewLogs()
	for s := range 320 {
		rl := logs.ResourceLogs().AppendEmpty()
		rl.Resource().Attributes().PutInt("host", int64(s))
		sl := rl.ScopeLogs().AppendEmpty()
		for i := range 16 {
			r := sl.LogRecords().AppendEmpty()
			r.SetSeverityText([]string{"INFO", "WARN", "ERROR", "DEBUG"}[(i*7+s)%4])
			r.Body().SetStr("line")
		}
	}
	rows := &storage.Rows{}
	storage.Encode(rows, logs, "", 1)
	size := 0
	for b.Loop() {
		size = len(tallyOf(rows))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows.Len()), "ns/record")
	b.ReportMetric(float64(size)/float64(rows.Len()), "bytes/record")
}
