package e2e

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// background is a subcommand that runs beside the test.
type background struct {
	t      *testing.T
	cmd    *exec.Cmd
	output *lockedBuffer // both streams
	exited chan struct{}
}

// inBackground starts a subcommand. The test's end kills it.
func inBackground(t *testing.T, args ...string) *background {
	t.Helper()
	b := &background{t: t, cmd: exec.Command(binary, args...), output: &lockedBuffer{}, exited: make(chan struct{})}
	b.cmd.Stdout, b.cmd.Stderr = b.output, b.output
	require.NoError(t, b.cmd.Start())
	go func() {
		defer close(b.exited)
		_ = b.cmd.Wait() // its exit code tells
	}()
	t.Cleanup(func() {
		_ = b.cmd.Process.Kill() // it may have ended by itself
		<-b.exited
	})
	return b
}

// says waits until it has said the text.
func (b *background) says(text string) {
	b.t.Helper()
	require.Eventually(b.t, func() bool { return strings.Contains(b.output.String(), text) }, readyWithin, 10*time.Millisecond,
		"it should say %q", text)
}

// interrupt is Ctrl-C.
func (b *background) interrupt() {
	b.t.Helper()
	require.NoError(b.t, b.cmd.Process.Signal(syscall.SIGINT))
}

// ended waits for its end and returns its exit code and all that it said.
func (b *background) ended() (code int, said string) {
	b.t.Helper()
	select {
	case <-b.exited:
	case <-time.After(readyWithin):
		require.FailNow(b.t, "it did not end", "%s", b.output.String())
	}
	return b.cmd.ProcessState.ExitCode(), b.output.String()
}
