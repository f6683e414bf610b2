package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"go.uber.org/zap/zapcore"
)

// explain turns the error of a failed start into one line that says what to do.
func explain(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "listen" {
		return explainListen(op)
	}
	if path, ok := errors.AsType[*fs.PathError](err); ok && inDataDirectory(path.Path) {
		return fmt.Errorf("the data directory can't be used (%w): set DEVLOGS_DATA_DIR to a directory that can be written", path)
	}
	return err
}

func explainListen(op *net.OpError) error {
	if op.Addr == nil {
		return fmt.Errorf("can't listen: %w; an endpoint is host:port", op.Err)
	}
	variable := "the endpoint in the configuration"
	for _, e := range endpoints {
		if samePort(op.Addr, cmp.Or(os.Getenv(e.variable), e.usual)) {
			variable = e.variable
		}
	}
	switch {
	case errors.Is(op, syscall.EADDRINUSE):
		return fmt.Errorf("%s is in use, perhaps by another devlogs or Collector: stop it, or set %s to a free address",
			op.Addr, variable)
	case errors.Is(op, syscall.EACCES):
		return fmt.Errorf("no permission to listen on %s: set %s to a port above 1023", op.Addr, variable)
	default:
		return fmt.Errorf("can't listen on %s (%w): check %s", op.Addr, op.Err, variable)
	}
}

// inDataDirectory tells the data directory's own files, and the directories above it, which had to be made.
func inDataDirectory(path string) bool {
	dir, err := filepath.Abs(cmp.Or(os.Getenv("DEVLOGS_DATA_DIR"), "devlogs-data"))
	if err != nil {
		return false
	}
	below := func(a, b string) bool { return a == b || strings.HasPrefix(a, b+string(filepath.Separator)) }
	return below(path, dir) || below(dir, path)
}

func samePort(addr net.Addr, address string) bool {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return false
	}
	other, err := net.ResolveTCPAddr("tcp", address)
	return err == nil && tcp.Port == other.Port
}

// heldLogs keeps what the Collector logs while it starts. Once it runs they are written; when it fails to start, the error
// says what they would have said.
type heldLogs struct {
	mu       sync.Mutex
	released bool
	entries  []func()
}

func newHeldLogs() *heldLogs { return &heldLogs{} }

func (h *heldLogs) release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.released = true
	for _, write := range h.entries {
		write()
	}
	h.entries = nil
}

func (h *heldLogs) wrap(core zapcore.Core) zapcore.Core { return &heldCore{Core: core, held: h} }

type heldCore struct {
	zapcore.Core
	held *heldLogs
}

func (c *heldCore) With(fields []zapcore.Field) zapcore.Core {
	return &heldCore{Core: c.Core.With(fields), held: c.held}
}

func (c *heldCore) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if !c.Enabled(entry.Level) {
		return checked
	}
	c.held.mu.Lock()
	defer c.held.mu.Unlock()
	if c.held.released {
		return c.Core.Check(entry, checked)
	}
	return checked.AddCore(entry, c)
}

// Write is only reached for entries that Check did not hand to the core itself.
func (c *heldCore) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	c.held.mu.Lock()
	defer c.held.mu.Unlock()
	if c.held.released {
		return c.Core.Write(entry, fields)
	}
	c.held.entries = append(c.held.entries, func() { _ = c.Core.Write(entry, fields) })
	return nil
}
