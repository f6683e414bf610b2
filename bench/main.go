package main

import (
	"context"
	"flag"
	"fmt"
	"iter"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

type options struct {
	binary  string
	config  string
	records int
	batch   int
	conns   int
	format  string
	repeat  int
	out     string
	url     string
	pid     int
	every   int
	also    string
}

func main() {
	var o options
	flag.StringVar(&o.binary, "binary", "bin/devlogs", "the devlogs `program` to measure")
	flag.StringVar(&o.config, "config", "", "the `configuration` that devlogs runs, as builtin:production; its variables come from the environment, its database must be empty")
	flag.IntVar(&o.records, "records", 1_000_000, "how many records to send")
	flag.IntVar(&o.batch, "batch", 5000, "records in a request")
	flag.IntVar(&o.conns, "conns", 2, "connections that send side by side")
	flag.StringVar(&o.format, "format", "otlp", "otlp (protobuf over HTTP) or json (JSON lines)")
	flag.IntVar(&o.repeat, "repeat", 7, "how often each query is asked; the median counts")
	flag.StringVar(&o.out, "out", "", "`directory` for report.md and report.json; none: print only")
	flag.StringVar(&o.url, "url", "", "send to this `URL` of a running server instead of starting one")
	flag.IntVar(&o.pid, "pid", 0, "the process id of the server behind -url")
	flag.IntVar(&o.every, "every", 0, "measure each so many `records` by themselves, while the store grows, instead of asking queries")
	flag.StringVar(&o.also, "also", "", "with -every: other processes whose processor time counts, as `postgres=PID,redis=PID`")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

func run(ctx context.Context, o options) error {
	if o.every > 0 {
		return runGrowth(ctx, o)
	}
	fmt.Fprintf(os.Stderr, "making %d records …\n", o.records)
	requests, contentType, err := makeRequests(o)
	if err != nil {
		return err
	}
	runtime.GC()

	r := &report{
		When: time.Now(), Machine: machine(), Format: o.format, Records: o.records, Batch: o.batch, Conns: o.conns,
	}
	if o.url != "" {
		if _, err := measureLoad(ctx, o, o.url, int32(o.pid), contentType, requests, r); err != nil {
			return err
		}
		return r.save(o.out)
	}
	s, err := startServer(ctx, o.binary, o.config)
	if err != nil {
		return err
	}
	if err := measureServer(ctx, o, s, contentType, requests, r); err != nil {
		_ = s.cmd.Process.Kill()
		return err
	}
	return r.save(o.out)
}

func makeRequests(o options) (requests [][]byte, contentType string, err error) {
	all, contentType, err := requestsOf(o)
	if err != nil {
		return nil, "", err
	}
	for request, err := range all {
		if err != nil {
			return nil, "", err
		}
		requests = append(requests, request)
	}
	return requests, contentType, nil
}

func requestsOf(o options) (requests iter.Seq2[[]byte, error], contentType string, _ error) {
	switch o.format {
	case "otlp":
		return otlpRequests(o.records, o.batch), "application/x-protobuf", nil
	case "json":
		return jsonRequests(o.records, o.batch), "application/x-ndjson", nil
	}
	return nil, "", fmt.Errorf("-format %q: it is otlp or json", o.format)
}

func measureServer(ctx context.Context, o options, s *server, contentType string, requests [][]byte, r *report) error {
	target := s.otlpURL
	if o.format == "json" {
		target = s.jsonURL
	}
	began := time.Now()
	if _, err := measureLoad(ctx, o, target, int32(s.cmd.Process.Pid), contentType, requests, r); err != nil {
		return err
	}
	size, err := waitStored(ctx, s.queryURL, o.records)
	if err != nil {
		return err
	}
	r.QueryablePerSecond = float64(o.records) / time.Since(began).Seconds()
	fmt.Fprintln(os.Stderr, "asking …")
	if r.Queries, err = ask(ctx, s.queryURL, o.repeat); err != nil {
		return err
	}
	if o.config == "" {
		if size, err = diskBytes(s.dataDir); err != nil {
			return fmt.Errorf("measure %s: %w", s.dataDir, err)
		}
	}
	r.DiskPerRecord = float64(size) / float64(o.records)
	fmt.Fprintln(os.Stderr, "sending again, while markers measure how soon a record is found …")
	if err := measureVisibleUnderLoad(ctx, o, s, target, contentType, r); err != nil {
		return err
	}
	return s.stop()
}

func measureLoad(ctx context.Context, o options, target string, pid int32, contentType string, requests [][]byte, r *report) (load, error) {
	fmt.Fprintf(os.Stderr, "sending to %s …\n", target)
	var m *meter
	var before float64
	if pid != 0 {
		var err error
		if m, err = watch(ctx, pid); err != nil {
			return load{}, err
		}
		if before, err = m.cpu(); err != nil {
			return load{}, err
		}
	}
	l, err := send(ctx, target, contentType, requests, o.conns)
	if err != nil {
		return l, err
	}
	r.RecordsPerSecond = float64(o.records) / l.elapsed.Seconds()
	r.Retries, r.Ack = l.retries, quantiles(l.ack)
	if m != nil {
		after, err := m.cpu()
		if err != nil {
			return l, err
		}
		r.CPUPerMillion, r.PeakRSS = (after-before)/float64(o.records)*1e6, m.stop()
	}
	return l, nil
}

// measureVisibleUnderLoad loads the server a second time. A store may know the same records again by their content and
// then does no work, so the corpus is made anew: it is later in time.
func measureVisibleUnderLoad(ctx context.Context, o options, s *server, target, contentType string, r *report) error {
	requests, _, err := makeRequests(o)
	if err != nil {
		return err
	}
	markers, stop := context.WithCancel(ctx)
	defer stop()
	type visible struct {
		h   *hdrhistogram.Histogram
		err error
	}
	found := make(chan visible, 1)
	go func() {
		h, err := measureVisible(markers, s)
		found <- visible{h, err}
	}()
	if _, err := send(ctx, target, contentType, requests, o.conns); err != nil {
		return err
	}
	stop()
	v := <-found
	if v.err != nil {
		return v.err
	}
	q := quantiles(v.h)
	r.Visible = &q
	return nil
}

func (r *report) save(dir string) error {
	if err := r.writeMarkdown(os.Stdout); err != nil || dir == "" {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the report directory: %w", err)
	}
	for name, write := range map[string]func(*os.File) error{
		"report.md":   func(f *os.File) error { return r.writeMarkdown(f) },
		"report.json": func(f *os.File) error { return r.writeJSON(f) },
	} {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
		if err := write(f); err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}
