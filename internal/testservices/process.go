package testservices

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/shirou/gopsutil/v4/process"
)

// startTimeout is how long a server may take to answer, stopTimeout to end. Both are far beyond what a loaded machine needs:
// they only turn a hang into a message. One that ends as soon as it starts is started again for retryTimeout.
const (
	startTimeout = 90 * time.Second
	stopTimeout  = 60 * time.Second
	retryTimeout = 15 * time.Second
)

// server is a server process that can be ended and started again with the same command.
type server struct {
	path, dir string
	args      []string
	identity  identity

	mu     sync.Mutex
	cmd    *exec.Cmd
	ended  chan struct{} // closed when cmd has ended
	output *lockedBuffer
}

// identity is the user that servers run as: our own, or an unprivileged one when we are root, as PostgreSQL refuses root.
type identity struct{ uid, gid int }

func serverIdentity() (identity, error) {
	if os.Geteuid() != 0 {
		return identity{os.Geteuid(), os.Getegid()}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err1 == nil && err2 == nil {
			return identity{uid, gid}, nil
		}
	}
	return identity{}, errors.New("running as root, and there is neither a user postgres nor nobody to run servers as")
}

// directory makes a temporary directory that belongs to the identity. Its name is short: a path to a Unix socket may have
// no more than 107 bytes.
func (id identity) directory(prefix string) (string, error) {
	dir, err := os.MkdirTemp("", prefix)
	if err != nil {
		return "", err
	}
	return dir, os.Chown(dir, id.uid, id.gid)
}

func (id identity) command(path, dir string, args ...string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC")
	cmd.SysProcAttr = diesWithUs()
	if id.uid != os.Geteuid() {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(id.uid), Gid: uint32(id.gid)}
	}
	return cmd
}

// start starts the process and returns once ready does without an error.
func (s *server) start(ready func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	began := time.Now()
	for {
		if err := s.launch(); err != nil {
			return err
		}
		err := s.await(ready, began.Add(startTimeout))
		if err == nil {
			return nil
		}
		// A server that was killed may leave its memory or port in use for a moment: it ends at once and is tried again.
		if time.Since(began) > retryTimeout {
			return fmt.Errorf("start %s: %w\n%s", s.path, err, s.output.String())
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// launch starts the process and sees it through on one thread: Linux ends a process with the thread that started it.
func (s *server) launch() error {
	output, ended, started := &lockedBuffer{}, make(chan struct{}), make(chan error)
	cmd := s.identity.command(s.path, s.dir, s.args...)
	cmd.Stdout, cmd.Stderr = output, output
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is told by its output
			close(ended)
		}
	}()
	if err := <-started; err != nil {
		return err
	}
	s.cmd, s.ended, s.output = cmd, ended, output
	return nil
}

// await polls ready, as servers have no common signal of readiness, until it succeeds, the process ends, or time is up.
func (s *server) await(ready func() error, deadline time.Time) error {
	for {
		err := ready()
		if err == nil {
			return nil
		}
		select {
		case <-s.ended:
			return fmt.Errorf("it ended: %w", err)
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			_ = s.cmd.Process.Kill() // it is given up either way
			<-s.ended
			return err
		}
	}
}

// stop sends a signal that asks the server to end and waits until it has.
func (s *server) stop(signal syscall.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return nil
	}
	if err := s.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-s.ended:
		return nil
	case <-time.After(stopTimeout):
		return fmt.Errorf("%s did not end within %s of %s\n%s", s.path, stopTimeout, signal, s.output.String())
	}
}

// kill ends the server and its children as a crash of the machine would: with no chance to do anything.
func (s *server) kill() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return nil
	}
	select {
	case <-s.ended:
		return nil
	default:
	}
	_ = s.cmd.Process.Signal(syscall.SIGSTOP) // so that it starts no more children
	children := descendants(int32(s.cmd.Process.Pid))
	_ = s.cmd.Process.Kill()
	for _, child := range children {
		_ = child.Kill() // it may be gone
	}
	<-s.ended
	return nil
}

func descendants(pid int32) []*process.Process {
	p, err := process.NewProcess(pid)
	if err != nil {
		return nil
	}
	children, err := p.Children()
	if err != nil {
		return nil
	}
	return children
}

// lockedBuffer keeps what a process printed.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// running tells whether the process was started and has not ended.
func (s *server) running() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return false
	}
	select {
	case <-s.ended:
		return false
	default:
		return true
	}
}
