package record

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/instantdevlogs/devlogs/replay/recording"
)

// exchange is one request and its answer, while they pass and until they are written.
type exchange struct {
	kind    kind
	entry   recording.Entry
	request capture
	answer  capture
	done    bool // answered; guarded by the disk's lock
	late    bool // others did not wait for it; likewise
}

// kind is what a request is to the recording.
type kind uint8

const (
	passing   kind = iota // not recorded
	otlpGRPC              // an Export of logs
	otlpProto             // the same over HTTP
	otlpJSON
	rawHTTP
)

const exportMethod = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"

func classify(r *http.Request, raw bool) kind {
	contentType, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	writes := r.Method == http.MethodPost || r.Method == http.MethodPut
	switch {
	case isGRPC(r):
		if r.URL.Path == exportMethod {
			return otlpGRPC
		}
		return passing // traces, metrics, reflection…
	case raw && writes:
		return rawHTTP
	case !writes || !strings.HasSuffix(r.URL.Path, "/v1/logs"):
		return passing
	case contentType == "application/json":
		return otlpJSON
	case contentType == "application/x-protobuf" || contentType == "application/protobuf":
		return otlpProto
	}
	return passing
}

func isGRPC(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc")
}

func (k kind) proto() string {
	return [...]string{"", recording.ProtoGRPC, recording.ProtoHTTP, recording.ProtoHTTPJSON, recording.ProtoHTTPRaw}[k]
}

// capture keeps a copy of what passes, as long as there is room for it. The transport may still read a request after its
// answer has passed, so a capture is sealed before anybody else looks at it.
type capture struct {
	budget *atomic.Int64 // bytes that may still be held, over all captures
	limit  int64         // of this one

	mu     sync.Mutex
	buf    []byte
	size   int64 // that passed
	whole  bool  // the end has passed
	full   bool  // given up, as there was no room
	sealed bool
}

func (c *capture) add(b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sealed {
		return
	}
	n := int64(len(b))
	if c.size += n; c.full {
		return
	}
	if c.size <= c.limit {
		if c.budget.Add(-n) >= 0 {
			c.buf = append(c.buf, b...)
			return
		}
		c.budget.Add(n)
	}
	c.full = true
	c.release()
}

func (c *capture) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.whole = c.whole || !c.sealed
}

// has says whether all of a body has passed, which its length tells too, when it is known.
func (c *capture) has(length int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.whole || c.size == length
}

func (c *capture) seal() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sealed = true
}

// release gives the memory back.
func (c *capture) release() {
	c.budget.Add(int64(len(c.buf)))
	c.buf = nil
}

// tapped is a request's body that is copied while the proxy reads it. The server closes the body itself, so a transport
// that could not connect may close this, and what it did not read can still be read for the recording.
type tapped struct {
	io.ReadCloser
	to *capture
	mu sync.Mutex // the transport may still read when the tap reads on, and what both read is in order
}

func (t *tapped) Read(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, err := t.ReadCloser.Read(b)
	t.to.add(b[:n])
	if errors.Is(err, io.EOF) {
		t.to.end()
	}
	return n, err
}

func (t *tapped) Close() error { return nil }

// answerWriter copies an answer while the proxy writes it.
type answerWriter struct {
	http.ResponseWriter
	to      *capture
	status  int
	untaken bool // the upstream could not be reached
	// rest is what the server reads of an HTTP/1 request before it writes an answer, whether the upstream waited for it or
	// not: read here, it is in the recording.
	rest io.Reader
}

// serverReads is how much the server reads before it gives the connection up.
const serverReads = 256 << 10

func (w *answerWriter) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
		if w.rest != nil {
			_, _ = io.CopyN(io.Discard, w.rest, serverReads) // what cannot be read is not recorded
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *answerWriter) Write(b []byte) (int, error) {
	w.to.add(b)
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController find the writer's own Flush.
func (w *answerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// grpcStatus finds a call's status, which is in a trailer, or in the header of an answer that has nothing else; -1 when
// there is none.
func grpcStatus(h http.Header) int {
	for _, name := range []string{"Grpc-Status", http.TrailerPrefix + "Grpc-Status"} {
		if code, err := strconv.Atoi(h.Get(name)); err == nil {
			return code
		}
	}
	return -1
}
