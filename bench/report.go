package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/shirou/gopsutil/v4/cpu"
)

// report is one run. Its JSON form is what two runs are compared by.
type report struct {
	When    time.Time `json:"when"`
	Machine string    `json:"machine"`
	Format  string    `json:"format"`
	Records int       `json:"records"`
	Batch   int       `json:"records_per_request"`
	Conns   int       `json:"connections"`

	RecordsPerSecond float64 `json:"records_per_second"`
	// QueryablePerSecond is counted until the last record can be queried.
	QueryablePerSecond float64  `json:"queryable_records_per_second,omitempty"`
	CPUPerMillion      float64  `json:"cpu_seconds_per_million"`
	PeakRSS            uint64   `json:"peak_rss_bytes"`
	Retries            int64    `json:"retries"`
	Ack                quantile `json:"ack"`

	DiskPerRecord float64       `json:"disk_bytes_per_record,omitempty"`
	Visible       *quantile     `json:"visible,omitempty"`
	Queries       []queryResult `json:"queries,omitempty"`
}

// quantile holds milliseconds.
type quantile struct {
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
	Max float64 `json:"max_ms"`
	N   int64   `json:"samples"`
}

func quantiles(h *hdrhistogram.Histogram) quantile {
	ms := func(us int64) float64 { return float64(us) / 1000 }
	return quantile{P50: ms(h.ValueAtQuantile(50)), P99: ms(h.ValueAtQuantile(99)), Max: ms(h.Max()), N: h.TotalCount()}
}

func machine() string {
	model := runtime.GOARCH
	if info, err := cpu.Info(); err == nil && len(info) > 0 {
		model = info[0].ModelName
	}
	return fmt.Sprintf("%d × %s, %s/%s", runtime.NumCPU(), model, runtime.GOOS, runtime.GOARCH)
}

func (r *report) writeJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

func (r *report) writeMarkdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# %d records as %s\n\n%s, %s; %d records a request, %d connections.\n\n", r.Records, r.Format,
		r.When.UTC().Format(time.DateTime), r.Machine, r.Batch, r.Conns)
	row := func(name, format string, values ...any) {
		fmt.Fprintf(&b, "| %s | "+format+" |\n", append([]any{name}, values...)...)
	}
	b.WriteString("| ingest | |\n|---|---|\n")
	row("records/s", "%.0f", r.RecordsPerSecond)
	if r.QueryablePerSecond > 0 {
		row("records/s until the last can be queried", "%.0f", r.QueryablePerSecond)
	}
	row("CPU seconds for 1 M records", "%.2f", r.CPUPerMillion)
	row("peak RSS", "%.0f MB", float64(r.PeakRSS)/1e6)
	row("request → 2xx", "p50 %.1f ms, p99 %.1f ms, max %.1f ms", r.Ack.P50, r.Ack.P99, r.Ack.Max)
	row("retries (429, 503)", "%d", r.Retries)
	if r.DiskPerRecord > 0 {
		row("disk bytes a record", "%.1f", r.DiskPerRecord)
	}
	if r.Visible != nil {
		row("2xx → found by a query, under load", "p50 %.1f ms, p99 %.1f ms (%d samples)", r.Visible.P50, r.Visible.P99, r.Visible.N)
	}
	if len(r.Queries) > 0 {
		b.WriteString("\n| query over all records | median ms | worst ms | answer |\n|---|---|---|---|\n")
		for _, q := range r.Queries {
			fmt.Fprintf(&b, "| %s | %.1f | %.1f | %d bytes |\n", q.Name, q.Median, q.Worst, q.Bytes)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
