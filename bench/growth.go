package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/instantdevlogs/devlogs/internal/chart"
)

// growth says what each piece of the corpus cost while the store grew. Its JSON form is what two runs are compared by.
type growth struct {
	When    time.Time `json:"when"`
	Machine string    `json:"machine"`
	Config  string    `json:"config"`
	Format  string    `json:"format"`
	Batch   int       `json:"records_per_request"`
	Conns   int       `json:"connections"`
	Pieces  []piece   `json:"pieces"`
}

// piece is a part of the corpus, from its first byte until its last record can be queried.
type piece struct {
	Records          int                `json:"records_in_the_store"`
	Accepted         float64            `json:"accepted_records_per_second"`
	RecordsPerSecond float64            `json:"queryable_records_per_second"`
	CPUPerMillion    map[string]float64 `json:"cpu_seconds_per_million"` // by process
	RSS              uint64             `json:"rss_bytes"`               // of devlogs, the highest in the piece
	DiskPerRecord    float64            `json:"disk_bytes_per_record"`   // of all records in the store
}

// runGrowth loads a new store with o.records, o.every at a time, and writes a line for each: what a record costs must not
// depend on how many there are.
func runGrowth(ctx context.Context, o options) error {
	others, err := parseWatched(o.also)
	if err != nil {
		return err
	}
	all, contentType, err := requestsOf(o)
	if err != nil {
		return err
	}
	next, stop := iter.Pull2(all)
	defer stop()
	s, err := startServer(ctx, o.binary, o.config)
	if err != nil {
		return err
	}
	g := &growth{When: time.Now(), Machine: machine(), Config: o.config, Format: o.format, Batch: o.batch, Conns: o.conns}
	watched := append([]watched{{"devlogs", s.cmd.Process.Pid}}, others...)
	for stored := 0; stored < o.records; {
		requests, err := take(next, o.every/o.batch)
		if err == nil {
			stored = min(stored+o.every, o.records)
			err = g.measure(ctx, o, s, watched, requests, contentType, stored)
		}
		if err != nil {
			_ = s.cmd.Process.Kill()
			return err
		}
		p := g.Pieces[len(g.Pieces)-1]
		fmt.Fprintf(os.Stderr, "%d records: accepted %.0f/s, queryable %.0f/s, %s, RSS %.0f MB, %.0f bytes a record\n", p.Records, p.Accepted, p.RecordsPerSecond,
			p.costs(watched), float64(p.RSS)/1e6, p.DiskPerRecord)
		if err := g.save(o.out, watched); err != nil { // each time: a long run may be stopped
			return err
		}
	}
	return s.stop()
}

func take(next func() ([]byte, error, bool), n int) (requests [][]byte, _ error) {
	for range max(n, 1) {
		request, err, ok := next()
		if !ok || err != nil {
			return requests, err
		}
		requests = append(requests, request)
	}
	return requests, nil
}

func (g *growth) measure(ctx context.Context, o options, s *server, all []watched, requests [][]byte, contentType string, stored int) error {
	before := 0
	if n := len(g.Pieces); n > 0 {
		before = g.Pieces[n-1].Records
	}
	used, err := processorTimes(all)
	if err != nil {
		return err
	}
	m, err := watch(ctx, int32(s.cmd.Process.Pid))
	if err != nil {
		return err
	}
	target := s.otlpURL
	if o.format == "json" {
		target = s.jsonURL
	}
	began := time.Now()
	sent, err := send(ctx, target, contentType, requests, o.conns)
	if err != nil {
		return err
	}
	size, err := waitStored(ctx, s.queryURL, stored)
	if err != nil {
		return err
	}
	if o.config == "" {
		if size, err = diskBytes(s.dataDir); err != nil {
			return fmt.Errorf("measure %s: %w", s.dataDir, err)
		}
	}
	records := float64(stored - before)
	p := piece{
		Records: stored, Accepted: records / sent.elapsed.Seconds(), RecordsPerSecond: records / time.Since(began).Seconds(), CPUPerMillion: map[string]float64{},
		RSS: m.stop(), DiskPerRecord: float64(size) / float64(stored),
	}
	after, err := processorTimes(all)
	if err != nil {
		return err
	}
	for i, w := range all {
		p.CPUPerMillion[w.name] = (after[i] - used[i]) / records * 1e6
	}
	g.Pieces = append(g.Pieces, p)
	return nil
}

func (p *piece) costs(all []watched) string {
	texts := make([]string, len(all))
	for i, w := range all {
		texts[i] = fmt.Sprintf("%s %.2f", w.name, p.CPUPerMillion[w.name])
	}
	return "CPU s/M: " + strings.Join(texts, ", ")
}

func (g *growth) save(dir string, all []watched) error {
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the report directory: %w", err)
	}
	text, err := json.MarshalIndent(g, "", "  ")
	if err != nil {
		return err
	}
	var page strings.Builder
	g.writeMarkdown(&page, all)
	for name, content := range map[string]string{
		"growth.json": string(text) + "\n", "growth.md": page.String(), "cpu.svg": g.chart(all).File(),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
	}
	return nil
}

func (g *growth) writeMarkdown(w io.Writer, all []watched) {
	fmt.Fprintf(w, "# What a record costs while the store grows\n\n%s, %s; %s, %s, %d records a request, %d connections.\n\n![](cpu.svg)\n\n",
		g.When.UTC().Format(time.DateTime), g.Machine, g.Config, g.Format, g.Batch, g.Conns)
	names, rule := "", ""
	for _, p := range all {
		names, rule = names+" "+p.name+", CPU s/M |", rule+"---|"
	}
	fmt.Fprintf(w, "| records | accepted, records/s | until queryable, records/s |%s devlogs, peak RSS | disk bytes a record |\n|---|---|---|%s---|---|\n", names, rule)
	for _, p := range g.Pieces {
		fmt.Fprintf(w, "| %d M | %.0f | %.0f |", p.Records/1e6, p.Accepted, p.RecordsPerSecond)
		for _, of := range all {
			fmt.Fprintf(w, " %.2f |", p.CPUPerMillion[of.name])
		}
		fmt.Fprintf(w, " %.0f MB | %.1f |\n", float64(p.RSS)/1e6, p.DiskPerRecord)
	}
}

func (g *growth) chart(all []watched) *chart.Chart {
	c := &chart.Chart{
		Title:  "CPU seconds for a million records, by records in the store",
		XLabel: func(x float64) string { return fmt.Sprintf("%.3g M", x) },
		YLabel: func(y float64) string { return fmt.Sprintf("%.3g s", y) },
	}
	colours := []string{chart.Blue, chart.Orange, chart.Green}
	for i, w := range all {
		l := chart.Line{Name: w.name, Colour: colours[i%len(colours)]}
		for _, p := range g.Pieces {
			l.X, l.Y = append(l.X, float64(p.Records)/1e6), append(l.Y, p.CPUPerMillion[w.name])
		}
		c.Lines = append(c.Lines, l)
	}
	return c
}
