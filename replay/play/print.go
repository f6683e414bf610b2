package play

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"
)

// Print writes the report for people.
func (rep *Report) Print(w io.Writer) {
	count := func(t tally) string {
		return fmt.Sprintf("%s records in %s requests", humanize.Comma(t.Records), humanize.Comma(t.Requests))
	}
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-12s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("target", "%s (%s), pace %s, %s load, event time %s", rep.Target, rep.Protocol, rep.Pace, rep.Load, rep.EventTime)
	line("sent", "%s in %.2f s, %s attempts, %s on the wire", count(rep.Scheduled), rep.Seconds,
		humanize.Comma(rep.Attempts), humanize.IBytes(uint64(rep.WireBytes)))
	line("acked", "%s, %s records/s", count(rep.Acked), humanize.Comma(int64(rep.Throughput)))
	if rep.Rejected > 0 {
		line("rejected", "%s records, by partial successes", humanize.Comma(rep.Rejected))
	}
	if rep.Failed.Requests > 0 {
		line("failed", "%s", count(rep.Failed))
	}
	if rep.Dropped.Requests > 0 {
		line("dropped", "%s", count(rep.Dropped))
	}
	if len(rep.Outcomes) > 1 || rep.Failed.Requests > 0 {
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(rep.Outcomes)) {
			parts = append(parts, fmt.Sprintf("%s ×%d", name, rep.Outcomes[name]))
		}
		line("attempts", "%s", strings.Join(parts, ", "))
	}
	for _, reason := range rep.TopReasons(5) {
		line("", "%d × %s", reason.Count, reason.Text)
	}
	if rep.Load == "open" {
		line("latency", "%v (from when a request was due to its ack)", rep.Latency)
		line("lag", "%v (the sender's own lateness); %s late", rep.Lag, humanize.Comma(rep.Late))
		line("spacing", "off by %v (the time between two requests)", rep.Spacing)
	}
	line("service", "%v (first byte to ack)", rep.Service)
	line("sender", "%.2f CPU s (%.2f s awake, to send in time), %s of memory, waited %.2f s for the recording", rep.Sender.CPUSeconds,
		rep.Sender.AwakeSeconds, humanize.IBytes(rep.Sender.PeakHeapBytes), rep.Sender.WaitedForRecording)
	for _, text := range rep.Notes.Warnings {
		line("note", "%s", text)
	}
	for _, text := range rep.Invalid {
		line("INVALID", "%s", text)
	}
}
