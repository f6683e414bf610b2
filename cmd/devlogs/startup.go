package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"

	"go.uber.org/zap/zapcore"
)

// explain turns the error of a failed start into one line that says what to do.
func explain(err error) error {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "listen" {
		return err
	}
	variable := "the endpoint in the configuration"
	for _, e := range endpoints {
		if address := os.Getenv(e.variable); samePort(op.Addr, address) || address == "" && samePort(op.Addr, e.usual) {
			variable = e.variable
		}
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s is in use, perhaps by another devlogs or Collector: stop it, or set %s to a free address",
			op.Addr, variable)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("no permission to listen on %s: set %s to a port above 1023", op.Addr, variable)
	default:
		return fmt.Errorf("can't listen on %s (%w): check %s", op.Addr, op.Err, variable)
	}
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
