package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/instantdevlogs/devlogs/replay/observe"
	"github.com/instantdevlogs/devlogs/replay/play"
	"github.com/instantdevlogs/devlogs/replay/probe"
	"github.com/instantdevlogs/devlogs/replay/sink"
	"github.com/instantdevlogs/devlogs/replay/verify/source"
)

// beside is what runs beside a play: the built-in sink, and measurements of the target. Each may be nil.
type beside struct {
	dir        string
	sink       *sink.Sink
	file       *sink.File
	sinkSettle time.Duration
	source     source.Source
	probe      *probe.Probe
	observer   *observe.Observer
}

// startBeside starts what the flags ask for.
func (f *playFlags) startBeside(ctx context.Context, config *play.Config) (b *beside, err error) {
	b = &beside{dir: config.Ledger, sinkSettle: f.sinkSettle}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	if f.sinkAddress != "" {
		if err := b.startSink(f); err != nil {
			return b, err
		}
	}
	if f.queryable != "" {
		if b.source, err = source.Open(ctx, f.queryable, source.Options{RunDir: b.dir}); err != nil {
			return b, err
		}
		finder, ok := b.source.(probe.Source)
		if !ok {
			return b, fmt.Errorf("--queryable %s: single records can't be looked up there, only in devlogs=URL, loki=URL, duckdb=DIR", f.queryable)
		}
		b.probe = probe.Start(probe.Config{Source: finder})
		config.Acked = b.probe.Acked
	}
	if f.targetPID != 0 {
		b.observer, err = observe.Start(f.targetPID)
	}
	return b, err
}

func (b *beside) startSink(f *playFlags) error {
	script, err := sink.ParseScript(f.sinkScript)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(b.dir, 0o755); err != nil {
		return fmt.Errorf("start the sink: %w", err)
	}
	if b.file, err = sink.CreateFile(filepath.Join(b.dir, sink.FileName)); err != nil {
		return err
	}
	b.sink, err = sink.Start(sink.Config{GRPC: f.sinkAddress, Script: script, Keep: b.file})
	return err
}

// stop ends the measurements and leaves their results in the run's directory.
func (b *beside) stop(ctx context.Context, out io.Writer) error {
	var errs []error
	if b.observer != nil {
		errs = append(errs, observe.Save(b.dir, b.observer.Stop()))
		b.observer = nil
	}
	if b.probe != nil {
		q, err := b.probe.Stop(time.Minute)
		if err != nil {
			fmt.Fprintf(out, "looking for records failed at times: %v\n", err)
		}
		errs = append(errs, probe.Save(b.dir, q))
		b.probe = nil
	}
	if b.sink != nil {
		b.settle(ctx)
	}
	return errors.Join(append(errs, b.close())...)
}

// settle waits until nothing more comes to the sink: a pipeline may have acknowledged what it has not passed on yet.
func (b *beside) settle(ctx context.Context) {
	ticks := time.NewTicker(b.sinkSettle/10 + time.Millisecond)
	defer ticks.Stop()
	for last, since := b.sink.Stats(), time.Now(); time.Since(since) < b.sinkSettle; {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		if now := b.sink.Stats(); now != last {
			last, since = now, time.Now()
		}
	}
}

func (b *beside) close() error {
	var errs []error
	if b.observer != nil {
		b.observer.Stop()
	}
	if b.probe != nil {
		_, _ = b.probe.Stop(0) // nothing was sent, so nothing was measured
	}
	if b.source != nil {
		errs = append(errs, b.source.Close())
	}
	if b.sink != nil {
		errs = append(errs, b.sink.Close())
	}
	if b.file != nil {
		errs = append(errs, b.file.Close())
	}
	return errors.Join(errs...)
}
