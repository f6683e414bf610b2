package ab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"time"
)

// Target is a version that runs.
type Target struct {
	command *exec.Cmd
	ended   chan struct{} // closed when the process is gone
	err     error         // how it ended
}

// readyTimeout is how long a version may take until it takes connections, stopTimeout until it is gone.
const (
	readyTimeout = time.Minute
	stopTimeout  = 30 * time.Second
)

// StartTarget runs a shell command and waits until it takes connections at address. What it writes goes to out.
func StartTarget(ctx context.Context, shell, address string, out io.Writer) (*Target, error) {
	if c, err := net.DialTimeout("tcp", address, time.Second); err == nil {
		return nil, errors.Join(fmt.Errorf("something listens at %s already: stop it, so that what is measured is what was started", address), c.Close())
	}
	t := &Target{command: exec.Command("sh", "-c", shell), ended: make(chan struct{})}
	t.command.Stdout, t.command.Stderr = out, out
	separate(t.command)
	if err := t.command.Start(); err != nil {
		return nil, fmt.Errorf("start %q: %w", shell, err)
	}
	go func() {
		t.err = t.command.Wait()
		close(t.ended)
	}()
	if err := t.ready(ctx, address); err != nil {
		return nil, errors.Join(fmt.Errorf("start %q: %w", shell, err), t.Stop())
	}
	return t, nil
}

func (t *Target) ready(ctx context.Context, address string) error {
	deadline := time.NewTimer(readyTimeout)
	defer deadline.Stop()
	ticks := time.NewTicker(20 * time.Millisecond)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.ended:
			return fmt.Errorf("it ended before it took connections at %s: %w", address, t.err)
		case <-deadline.C:
			return fmt.Errorf("it takes no connections at %s after %s", address, readyTimeout)
		case <-ticks.C:
			if c, err := net.DialTimeout("tcp", address, time.Second); err == nil {
				return c.Close()
			}
		}
	}
}

// PID of the shell command, which with exec in front is the version itself.
func (t *Target) PID() int { return t.command.Process.Pid }

// Stop ends the command and all that it started, kindly at first.
func (t *Target) Stop() error {
	select {
	case <-t.ended:
		return nil
	default:
	}
	if err := terminate(t.command); err != nil {
		return fmt.Errorf("stop the target: %w", err)
	}
	select {
	case <-t.ended:
		return nil
	case <-time.After(stopTimeout):
		err := kill(t.command)
		<-t.ended
		return errors.Join(fmt.Errorf("the target did not stop within %s and was killed", stopTimeout), err)
	}
}
