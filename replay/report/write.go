package report

import (
	"encoding/json"
	"fmt"
	"io"
)

// Formats that Write knows, with the name of the file that each goes to.
var Formats = []struct{ Name, File, What string }{
	{"json", FileName, "everything"},
	{"junit", "junit.xml", "each check as a test case"},
	{"md", "report.md", "Markdown, for a step summary or a comment"},
	{"html", "report.html", "one page with charts"},
	{"hgrm", "ack.hgrm", "latency of acknowledgement, HdrHistogram's text"},
	{"gobench", "bench.txt", "for benchstat"},
	{"benchmark-action", "benchmark.json", "for github-action-benchmark (customSmallerIsBetter)"},
	{"github", "annotations.txt", "workflow commands that annotate a run"},
}

// Write writes the results in one format.
func (r *Results) Write(w io.Writer, format string) error {
	switch format {
	case "json":
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	case "junit":
		return r.WriteJUnit(w)
	case "md":
		return r.WriteMarkdown(w)
	case "html":
		return r.WriteHTML(w)
	case "hgrm":
		return r.WriteHGRM(w, "ack")
	case "gobench":
		return r.WriteGoBench(w)
	case "benchmark-action":
		return r.WriteBenchmarkAction(w)
	case "github":
		return r.WriteAnnotations(w)
	}
	return fmt.Errorf("format %q is none of json, junit, md, html, hgrm, gobench, benchmark-action, github", format)
}
