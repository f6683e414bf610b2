package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"

	"go.uber.org/zap/zapcore"

	"github.com/instantdevlogs/devlogs/storage/duckdb"
)

// explain turns the error of a failed start into one line that says what to do.
func explain(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "listen" {
		return explainListen(op)
	}
	if used, ok := errors.AsType[*duckdb.InUseError](err); ok {
		return fmt.Errorf("%s, perhaps another devlogs: stop it, or set DEVLOGS_DATA_DIR to another directory", used.Holder())
	}
	if path, ok := errors.AsType[*fs.PathError](err); ok && inDataDirectory(path.Path) {
		return fmt.Errorf("the data directory can't be used (%w): set DEVLOGS_DATA_DIR to a directory that can be written", path)
	}
	return plainSettings(err)
}

// structText is how the library that reads settings names a component's unnamed root: by its Go type.
var structText = regexp.MustCompile(`'(?:struct \{.*\}|[A-Za-z]\w*\.Config|)' `)

// plainSettings says of settings that can't be read what people need to find them. The component stands in the lines above.
func plainSettings(err error) error {
	if err == nil || !strings.Contains(err.Error(), "decoding failed") {
		return err
	}
	var lines []string
	for line := range strings.Lines(err.Error()) {
		line = strings.TrimSpace(structText.ReplaceAllString(line, ""))
		line = strings.TrimSuffix(strings.TrimSuffix(line, "decoding failed due to the following error(s):"), ": ")
		if strings.Contains(line, "time: unknown unit") {
			line += "; days are written in hours: 168h is a week"
		}
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return errors.New(strings.Join(lines, ": "))
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
	if samePort(op.Addr, "localhost:"+cmp.Or(os.Getenv(metricsVariable), "8888")) {
		return fmt.Errorf("can't serve the Collector's metrics on %s (%w): stop what has it, or set %s to a free port",
			op.Addr, op.Err, metricsVariable)
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

// metricsVariable is the port of the Collector's own metrics in the configurations that ship.
const metricsVariable = "DEVLOGS_METRICS_PORT"

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
