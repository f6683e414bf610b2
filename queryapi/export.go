package queryapi

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"math"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/instantdevlogs/devlogs/queryapi/logplan"
)

// The formats of GET /api/v1/logs.
const (
	formatJSON   = "json"
	formatNDJSON = "ndjson"
	formatCSV    = "csv"
)

const (
	maxExportLimit = math.MaxInt32
	exportBuffer   = 64 << 10
	// flushEvery is how long a record may wait in the buffer when those after it are slow to be found.
	flushEvery = 250 * time.Millisecond
)

// format reads format=, or else the first type of the Accept header that is one of ours.
func (p *params) format() string {
	if s := p.oneOf("format", "", formatJSON, formatNDJSON, formatCSV); s != "" {
		return s
	}
	for accepted := range strings.SplitSeq(strings.Join(p.request.Header.Values("Accept"), ","), ",") {
		mediaType, _, _ := mime.ParseMediaType(strings.TrimSpace(accepted))
		switch mediaType {
		case "application/json":
			return formatJSON
		case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines":
			return formatNDJSON
		case "text/csv":
			return formatCSV
		}
	}
	return formatJSON
}

// export is an answer of any length. It writes records as the store finds them, in constant memory; when the client reads
// slowly, the query waits, and when the client goes away, the query ends.
//
// An error before the first byte is answered as any other. One after it can no longer change the status: NDJSON then ends
// with {"error":…}, CSV with a line that starts with "# error", and the connection is cut before the end of the chunked
// encoding, so that curl and every HTTP library report a failed transfer.
type export struct {
	format       string
	found        found
	writeTimeout time.Duration // for each part that is written; 0: none
}

// respond writes the export. When it returns an error nothing was written.
func (e *export) respond(w http.ResponseWriter, r *http.Request) error {
	out := newExportWriter(w, e.writeTimeout)
	rows := e.rowWriter(out)
	if r.Method == http.MethodHead {
		e.header(w)
		return nil
	}
	started := false
	for entry, err := range e.found.entries {
		if err == nil && !started {
			started = true
			e.header(w)
			err = rows.begin()
		}
		if err == nil {
			err = rows.row(entry)
		}
		if err == nil {
			err = out.maybeFlush()
		}
		if err == nil {
			continue
		}
		if !started {
			return err
		}
		e.abort(r, out, rows, err)
	}
	if !started {
		e.header(w)
		if err := rows.begin(); err != nil {
			e.abort(r, out, rows, err)
		}
	}
	if err := out.flush(); err != nil {
		e.abort(r, out, rows, err)
	}
	return nil
}

func (e *export) header(w http.ResponseWriter) {
	h := w.Header()
	if e.format == formatCSV {
		h.Set("Content-Type", "text/csv; charset=utf-8; header=present")
		h.Set("Content-Disposition", `attachment; filename="logs.csv"`)
		return
	}
	h.Set("Content-Type", "application/x-ndjson")
}

// abort tells the client what happened if it still listens, and cuts the connection. It does not return.
func (e *export) abort(r *http.Request, out *exportWriter, rows rowWriter, err error) {
	answer := apiErrorOf(r.Context(), err)
	if answer.Code != codeCanceled {
		if rows.fail(answer) == nil {
			_ = out.flush()
		}
	}
	panic(&abortedExport{answer})
}

// abortedExport is what an export panics with: the server records it and then cuts the connection.
type abortedExport struct{ *apiError }

// exportWriter gathers what is written into parts and gives each part time to be read.
type exportWriter struct {
	*bufio.Writer
	control *http.ResponseController
	timeout time.Duration
	flushed time.Time
}

func newExportWriter(w http.ResponseWriter, timeout time.Duration) *exportWriter {
	out := &exportWriter{control: http.NewResponseController(w), timeout: timeout, flushed: time.Now()}
	out.Writer = bufio.NewWriterSize(writerFunc(func(b []byte) (int, error) {
		out.extend()
		n, err := w.Write(b)
		if err != nil {
			err = clientGone(err)
		}
		return n, err
	}), exportBuffer)
	return out
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// extend moves the connection's write deadline, which was set for the whole answer, ahead of the next part.
func (w *exportWriter) extend() { extendWrite(w.control, w.timeout) }

// extendWrite gives what is written next the whole of write_timeout (0: for ever). The connection's own deadline counts from
// the request on, so it may have passed while the query ran.
func extendWrite(control *http.ResponseController, timeout time.Duration) {
	deadline := time.Time{}
	if timeout > 0 {
		deadline = time.Now().Add(timeout)
	}
	_ = control.SetWriteDeadline(deadline) // a writer that can't is a test's recorder
}

func (w *exportWriter) maybeFlush() error {
	if time.Since(w.flushed) < flushEvery {
		return nil
	}
	return w.flush()
}

func (w *exportWriter) flush() error {
	w.flushed = time.Now()
	if err := w.Flush(); err != nil {
		return err
	}
	return w.control.Flush()
}

// rowWriter is one format.
type rowWriter interface {
	begin() error
	row(entry *logplan.Entry) error
	fail(err *apiError) error
}

func (e *export) rowWriter(out *exportWriter) rowWriter {
	if e.format == formatCSV {
		return &csvRows{out: csv.NewWriter(out), queried: e.found.queried}
	}
	return &ndjsonRows{out: out, render: newRenderer(e.found.queried)}
}

// ndjsonRows writes one JSON object a line.
type ndjsonRows struct {
	out    *exportWriter
	render *renderer
	buf    []byte
}

func (n *ndjsonRows) begin() error { return nil }

func (n *ndjsonRows) row(entry *logplan.Entry) (err error) {
	if n.buf, err = n.render.entry(n.buf[:0], entry); err != nil {
		return err
	}
	n.buf = append(n.buf, '\n')
	_, err = n.out.Write(n.buf)
	return err
}

func (n *ndjsonRows) fail(answer *apiError) error {
	return json.NewEncoder(n.out).Encode(errorBody{answer})
}
