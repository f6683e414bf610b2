// Package observe watches what a process under test takes while a run goes on: memory and processor time.
package observe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/shirou/gopsutil/v4/process"
)

// FileName is where a run's observation lies, in the run's directory.
const FileName = "target.json"

// Usage of a process between Start and Stop.
type Usage struct {
	PID        int32   `json:"pid"`
	RSSMax     uint64  `json:"rss_max_bytes"` // the largest reading
	CPUSeconds float64 `json:"cpu_seconds"`
	Readings   int     `json:"readings"`
	Ended      bool    `json:"ended"` // the process was gone before the run was over
}

// Observer reads a process five times a second.
type Observer struct {
	process *process.Process
	usage   Usage
	first   float64
	cancel  context.CancelFunc
	done    chan struct{}
}

// Start begins to read.
func Start(pid int32) (*Observer, error) {
	p, err := process.NewProcess(pid)
	if err != nil {
		return nil, fmt.Errorf("observe process %d: %w", pid, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	o := &Observer{process: p, usage: Usage{PID: pid}, cancel: cancel, done: make(chan struct{})}
	if o.first, err = cpu(p); err != nil {
		cancel()
		return nil, fmt.Errorf("observe process %d: %w", pid, err)
	}
	go o.run(ctx)
	return o, nil
}

func (o *Observer) run(ctx context.Context) {
	defer close(o.done)
	ticks := time.NewTicker(200 * time.Millisecond)
	defer ticks.Stop()
	for {
		o.read()
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
	}
}

func (o *Observer) read() {
	m, err := o.process.MemoryInfo()
	if err != nil {
		o.usage.Ended = true
		return
	}
	o.usage.Readings++
	o.usage.RSSMax = max(o.usage.RSSMax, m.RSS)
	if now, err := cpu(o.process); err == nil {
		o.usage.CPUSeconds = now - o.first
	}
}

func cpu(p *process.Process) (float64, error) {
	t, err := p.Times()
	if err != nil {
		return 0, err
	}
	return t.User + t.System, nil
}

// Stop reads a last time.
func (o *Observer) Stop() Usage {
	o.cancel()
	<-o.done
	o.read()
	return o.usage
}

// Save writes a usage into the run's directory.
func Save(dir string, u Usage) error {
	b, err := json.MarshalIndent(u, "", "  ")
	if err != nil {
		return fmt.Errorf("save what the target took: %w", err)
	}
	return os.WriteFile(filepath.Join(dir, FileName), append(b, '\n'), 0o644)
}

// Load reads what Save wrote; nil when nothing was observed.
func Load(dir string) (*Usage, error) {
	b, err := os.ReadFile(filepath.Join(dir, FileName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what the target took: %w", err)
	}
	var u Usage
	if err := json.Unmarshal(b, &u); err != nil {
		return nil, fmt.Errorf("read what the target took: %w", err)
	}
	return &u, nil
}
