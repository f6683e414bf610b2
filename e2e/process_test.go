package e2e

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const readyWithin = 30 * time.Second

// devlogs is one copy: its addresses and data directory stay when its process is killed and started again.
type devlogs struct {
	t       *testing.T
	args    []string
	env     []string // beside what environment makes
	dataDir string
	says    string // the last line of what it prints when it is ready holds this

	otlpGRPC, otlpHTTP, json, query string // host:port

	process  *exec.Cmd
	announce string // what it printed until it was ready
	stderr   *lockedBuffer
	ready    chan struct{}
	exited   chan struct{}
	exitErr  error // after exited
}

// start runs a copy with a fresh data directory on free ports until it is ready. The test's end kills it.
func start(t *testing.T, args ...string) *devlogs {
	t.Helper()
	d := newCopy(t, args...)
	d.run()
	return d
}

func newCopy(t *testing.T, args ...string) *devlogs {
	t.Helper()
	d := &devlogs{t: t, args: args, dataDir: filepath.Join(t.TempDir(), "data"), says: "/api/v1/logs", stderr: &lockedBuffer{}}
	ports := freePorts(t, 4)
	d.otlpGRPC, d.otlpHTTP, d.json, d.query = ports[0], ports[1], ports[2], ports[3]
	t.Cleanup(func() {
		d.kill()
		if t.Failed() && d.stderr.String() != "" {
			t.Logf("devlogs on %s said:\n%s", d.query, d.stderr.String())
		}
	})
	return d
}

// environment is how the README tells people to move a copy.
func (d *devlogs) environment() []string {
	return append(append(os.Environ(),
		"DEVLOGS_DATA_DIR="+d.dataDir,
		"DEVLOGS_OTLP_GRPC_ENDPOINT="+d.otlpGRPC,
		"DEVLOGS_OTLP_HTTP_ENDPOINT="+d.otlpHTTP,
		"DEVLOGS_JSON_ENDPOINT="+d.json,
		"DEVLOGS_QUERY_ENDPOINT="+d.query,
	), d.env...)
}

// run starts the process and returns when it has said that it is ready.
func (d *devlogs) run() {
	d.t.Helper()
	require.NoError(d.t, d.launch())
	select {
	case <-d.exited:
		require.FailNow(d.t, "devlogs ended before it was ready", "%v\n%s", d.exitErr, d.stderr.String())
	case <-d.ready:
	case <-time.After(readyWithin):
		require.FailNow(d.t, "devlogs was not ready in time", "%s", d.stderr.String())
	}
}

func (d *devlogs) launch() error {
	d.process = exec.Command(binary, d.args...)
	d.process.Env = d.environment()
	d.process.Stderr = d.stderr
	stdout, err := d.process.StdoutPipe()
	if err != nil {
		return err
	}
	if err := d.process.Start(); err != nil {
		return err
	}
	d.ready, d.exited = make(chan struct{}), make(chan struct{})
	process, ready, exited := d.process, d.ready, d.exited
	go func() {
		defer close(exited)
		d.readAnnounce(stdout, ready)
		d.exitErr = process.Wait()
	}()
	return nil
}

// readAnnounce reads stdout to its end and closes ready at the last line of what devlogs says when it is.
func (d *devlogs) readAnnounce(stdout io.Reader, ready chan<- struct{}) {
	var said strings.Builder
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		said.WriteString(lines.Text() + "\n")
		if ready != nil && strings.Contains(lines.Text(), d.says) {
			d.announce = said.String()
			close(ready)
			ready = nil
		}
	}
}

// kill is kill -9: nothing in the process gets to clean up.
func (d *devlogs) kill() {
	if d.process == nil {
		return
	}
	_ = d.process.Process.Kill() // it may have ended by itself
	<-d.exited
	d.process = nil
}

// stop is Ctrl-C; it returns the exit code.
func (d *devlogs) stop() int {
	d.t.Helper()
	require.NoError(d.t, d.process.Process.Signal(syscall.SIGINT))
	return d.wait()
}

func (d *devlogs) wait() int {
	d.t.Helper()
	select {
	case <-d.exited:
	case <-time.After(readyWithin):
		require.FailNow(d.t, "devlogs did not end", "%s", d.stderr.String())
	}
	code := d.process.ProcessState.ExitCode()
	d.process = nil
	return code
}

// command runs a subcommand against the copy and returns what it printed.
func (d *devlogs) command(args ...string) (string, error) {
	cmd := exec.CommandContext(d.t.Context(), binary, args...)
	cmd.Env = append(d.environment(), "NO_COLOR=1")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	return stdout.String() + stderr.String(), err
}

// freePorts finds addresses that nobody listens on. They are all held until the last is found, so they differ.
func freePorts(t *testing.T, n int) []string {
	t.Helper()
	addresses := make([]string, 0, n)
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		addresses = append(addresses, l.Addr().String())
	}
	return addresses
}

// lockedBuffer is written by the process's reader while a test reads it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
