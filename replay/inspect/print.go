package inspect

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// Print writes the summary for people; speed is the one that "will take" is reckoned with.
func (s *Summary) Print(w io.Writer, speed float64) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-13s %s\n", name, fmt.Sprintf(format, args...))
	}
	span := s.Last.Sub(s.First)
	line("records", "%s in %s requests, %s (%.0f bytes a record)", humanize.Comma(s.Records), humanize.Comma(s.Messages),
		humanize.IBytes(uint64(s.Bytes)), float64(s.Bytes)/float64(max(s.Records, 1)))
	if s.Raw > 0 {
		line("raw HTTP", "%s requests", humanize.Comma(s.Raw))
	}
	line("time", "%s to %s, %v; arrivals by %s", s.First.Format(time.RFC3339Nano), s.Last.Format(time.RFC3339Nano), span, counted(s.ArrivalBy))
	line("will take", "%v at %gx", time.Duration(float64(span)/speed).Round(time.Millisecond), speed)
	if span > 0 {
		line("rate", "%.0f records/s, %.1f requests/s on average", float64(s.Records)/span.Seconds(), float64(s.Messages)/span.Seconds())
	}
	line("", "%s", spark(s.Rate))
	if len(s.Protocols) > 0 {
		line("came by", "%s", counted(s.Protocols))
	}
	line("services", "%s", listed(s.Services, s.Records))
	line("severities", "%s", listed(s.Severities, s.Records))
	line("traces", "%s of the records have one", share(s.Traced, s.Records))
	line("order", "%s older than the one before (by up to %v), %s without a time", share(s.OutOfOrder, s.Records), s.MaxDisorder, share(s.Untimed, s.Records))
	line("compression", "zstd takes it to a %.1fth", s.ZstdRatio)
	line("templates", "%s", humanize.Comma(int64(s.Templates)))
	for _, t := range s.TopTemplates {
		line("", "%6s  %s", share(t.Count, s.Records), shorten(t.Name))
	}
	if m := s.Manifest; m != nil {
		line("made by", "%s %s", m.Tool, m.Origin)
		if m.Scrub != nil {
			line("scrubbed", "%s", m.Scrub)
		}
	}
	for _, g := range s.Notes.Gaps {
		if g.Requests == 0 {
			line("GAP", "%s", g.Reason)
			continue
		}
		line("GAP", "%d requests from %s on: %s", g.Requests, time.Unix(0, g.FromNS).UTC().Format(time.RFC3339Nano), g.Reason)
	}
	for _, text := range s.Notes.Warnings {
		line("note", "%s", text)
	}
}

func share(n, of int64) string {
	if of == 0 {
		return "0 %"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(n)/float64(of))
}

func listed(counts []Count, of int64) string {
	var parts []string
	for _, c := range counts {
		parts = append(parts, fmt.Sprintf("%s %s", c.Name, share(c.Count, of)))
	}
	return strings.Join(parts, ", ")
}

func counted(counts map[string]int64) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%s (%s)", name, humanize.Comma(counts[name])))
	}
	return strings.Join(parts, ", ")
}

// spark draws counts as a line of blocks.
func spark(counts []int64) string {
	const blocks = "▁▂▃▄▅▆▇█"
	top := int64(1)
	for _, n := range counts {
		top = max(top, n)
	}
	var b strings.Builder
	for _, n := range counts {
		b.WriteRune([]rune(blocks)[n*7/top])
	}
	return b.String()
}

func shorten(text string) string {
	if r := []rune(strings.ToValidUTF8(text, "?")); len(r) > 100 {
		return string(r[:100]) + "…"
	}
	return text
}
