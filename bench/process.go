package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/shirou/gopsutil/v4/process"
)

// server is a devlogs process that this program started.
type server struct {
	cmd     *exec.Cmd
	dataDir string
	logFile string

	otlpURL, jsonURL, queryURL string
}

// startServer runs the binary on free ports, with the embedded configuration unless another is named. Its log goes to a file beside the data.
func startServer(ctx context.Context, binary, config string) (*server, error) {
	dir, err := os.MkdirTemp("", "devlogs-bench-")
	if err != nil {
		return nil, fmt.Errorf("make a data directory: %w", err)
	}
	addresses := make([]string, 4)
	for i := range addresses {
		if addresses[i], err = freeAddress(ctx); err != nil {
			return nil, err
		}
	}
	s := &server{
		dataDir: filepath.Join(dir, "data"), logFile: filepath.Join(dir, "devlogs.log"),
		otlpURL:  "http://" + addresses[1] + "/v1/logs",
		jsonURL:  "http://" + addresses[2] + "/",
		queryURL: "http://" + addresses[3],
	}
	log, err := os.Create(s.logFile)
	if err != nil {
		return nil, fmt.Errorf("make a log file: %w", err)
	}
	defer log.Close()
	var args []string
	if config != "" {
		args = []string{"--config", config}
	}
	s.cmd = exec.CommandContext(ctx, binary, args...)
	s.cmd.Stdout, s.cmd.Stderr = log, log
	s.cmd.Cancel = func() error { return s.cmd.Process.Signal(syscall.SIGTERM) }
	s.cmd.Env = append(os.Environ(),
		"DEVLOGS_DATA_DIR="+s.dataDir,
		"DEVLOGS_OTLP_GRPC_ENDPOINT="+addresses[0], "DEVLOGS_OTLP_HTTP_ENDPOINT="+addresses[1],
		"DEVLOGS_JSON_ENDPOINT="+addresses[2], "DEVLOGS_QUERY_ENDPOINT="+addresses[3],
	)
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s (`make build` makes it): %w", binary, err)
	}
	return s, s.waitReady(ctx)
}

func freeAddress(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}

func (s *server) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.queryURL+"/readyz", nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("devlogs was not ready within a minute; its log is %s", s.logFile)
		case <-tick.C:
		}
	}
}

// stop ends the process as a user would (SIGTERM) and removes what it stored.
func (s *server) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop devlogs: %w", err)
	}
	if err := s.cmd.Wait(); err != nil {
		return fmt.Errorf("devlogs ended badly, its log is %s: %w", s.logFile, err)
	}
	return os.RemoveAll(filepath.Dir(s.dataDir))
}

// diskBytes adds up the files below the data directory.
func diskBytes(dir string) (int64, error) {
	var sum int64
	err := filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a write-ahead log that a checkpoint removed meanwhile
		}
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	return sum, err
}

// meter reads what a process has used.
type meter struct {
	process *process.Process
	peakRSS uint64
	done    chan struct{}
	stopped chan struct{}
}

// watch samples the resident memory of pid until stop.
func watch(ctx context.Context, pid int32) (*meter, error) {
	p, err := process.NewProcessWithContext(ctx, pid)
	if err != nil {
		return nil, fmt.Errorf("watch process %d: %w", pid, err)
	}
	m := &meter{process: p, done: make(chan struct{}), stopped: make(chan struct{})}
	go func() {
		defer close(m.stopped)
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			if info, err := p.MemoryInfoWithContext(ctx); err == nil {
				m.peakRSS = max(m.peakRSS, info.RSS)
			}
			select {
			case <-m.done:
				return
			case <-tick.C:
			}
		}
	}()
	return m, nil
}

// cpu is the processor time that the process has used since it began, in seconds.
func (m *meter) cpu() (float64, error) {
	t, err := m.process.Times()
	if err != nil {
		return 0, fmt.Errorf("read the processor time of %d: %w", m.process.Pid, err)
	}
	return t.User + t.System, nil
}

func (m *meter) stop() uint64 {
	close(m.done)
	<-m.stopped
	return m.peakRSS
}
