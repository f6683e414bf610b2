package recording

import (
	"errors"
	"fmt"
	"syscall"
	"time"
)

// Message is one request of a recording.
type Message struct {
	// Body is the request as OTLP protobuf: an ExportLogsServiceRequest, which on the wire is a LogsData. Of raw HTTP
	// traffic it is the body as it came over the wire, still in its content encoding. It is the caller's to keep and change.
	Body    []byte
	Raw     bool // the message is raw HTTP traffic
	Records int  // log records in Body; 0 when Raw

	Arrival   int64 // ns since 1970; never less than the message before it in the same file
	ArrivalBy ArrivalSource

	Entry *Entry // what the sidecar says; nil without one
	At    Position
}

// Position is where a message lies.
type Position struct {
	File   string
	Offset int64 // bytes from the start of the file's content, after decompression of the whole file
	Line   int64 // from 1; 0 where the content has no lines
}

func (p Position) String() string {
	if p.Line > 0 {
		return fmt.Sprintf("%s: line %d (byte %d)", p.File, p.Line, p.Offset)
	}
	return fmt.Sprintf("%s: byte %d", p.File, p.Offset)
}

// ArrivalSource says where a message's time of arrival was taken from.
type ArrivalSource uint8

const (
	BySidecar  ArrivalSource = iota // measured when it was recorded
	ByObserved                      // latest observed time of its records
	ByTime                          // latest event time of its records
	ByOrder                         // no time in it: that of the message before
)

var arrivalNames = [...]string{"sidecar", "observed time", "event time", "file order"}

func (s ArrivalSource) String() string { return arrivalNames[s] }

// Entry is a line of the sidecar. A line with Gap set stands for traffic that was not recorded and has nothing else.
type Entry struct {
	Off         int64             `json:"off"`     // where the line (or raw body) begins, in the uncompressed segment
	Len         int64             `json:"len"`     // its length without the newline
	RecvNS      int64             `json:"recv_ns"` // when its first byte came, ns since 1970
	Proto       string            `json:"proto"`   // one of the Proto constants
	Method      string            `json:"method,omitempty"`
	Path        string            `json:"path,omitempty"` // with the query
	ContentType string            `json:"content_type,omitempty"`
	Tenant      string            `json:"tenant,omitempty"` // X-Scope-OrgID
	Enc         string            `json:"enc,omitempty"`    // content encoding on the wire: gzip, zstd, …
	WireBytes   int64             `json:"wire_bytes,omitempty"`
	Status      int               `json:"status"`             // HTTP status, or gRPC code when Proto is grpc; -1: no answer came
	AckNS       int64             `json:"ack_ns,omitempty"`   // when the answer was complete, ns since 1970
	Rejected    int64             `json:"rejected,omitempty"` // records refused in an OTLP partial success
	Records     int               `json:"records,omitempty"`
	Headers     map[string]string `json:"headers,omitempty"`
	// Exact is the request as protobuf when JSON cannot hold it: OTLP/JSON has no form for text that is not UTF-8. The
	// line then has replacement characters, for stock readers.
	Exact []byte `json:"exact,omitempty"`
	Gap   *Gap   `json:"gap,omitempty"`
}

// What a request came by.
const (
	ProtoGRPC      = "grpc"
	ProtoHTTP      = "http/protobuf"
	ProtoHTTPJSON  = "http/json"
	ProtoHTTPRaw   = "http-raw"
	ProtoGenerated = "generated"
)

// Gap is traffic that passed and was not recorded.
type Gap struct {
	FromNS   int64  `json:"from_ns"` // arrival of the first request missed, ns since 1970
	ToNS     int64  `json:"to_ns"`   // arrival of the last
	Requests int64  `json:"requests"`
	Bytes    int64  `json:"bytes"` // of their bodies, as far as known
	Reason   string `json:"reason"`
}

// Add counts a request that was missed.
func (g *Gap) Add(arrival, bytes int64) {
	if g.Requests == 0 || arrival < g.FromNS {
		g.FromNS = arrival
	}
	g.ToNS = max(g.ToNS, arrival)
	g.Requests++
	g.Bytes += bytes
}

// WhyNotWritten is the reason of a gap that an error of the writer left.
func WhyNotWritten(err error) string {
	if errors.Is(err, syscall.ENOSPC) {
		return "the disk was full"
	}
	if errno := syscall.Errno(0); errors.As(err, &errno) {
		return "the recording could not be written: " + errno.Error()
	}
	return "the recording could not be written"
}

// Jump is where the wall clock was set while a recording was made. Arrivals go on by the clock that the recording began
// with, so that the times between requests are right; the records' own times are by the clock that was set.
type Jump struct {
	AtNS int64 `json:"at_ns"` // when it was noticed, as arrivals are
	ByNS int64 `json:"by_ns"` // how far it went forward; below zero: back
}

func (j Jump) String() string {
	by, way := time.Duration(j.ByNS), "forward"
	if by < 0 {
		by, way = -by, "back"
	}
	return fmt.Sprintf("the wall clock went %s by %v at %s; times between requests are right all the same, times in the records after it are by the new clock",
		way, by.Round(time.Millisecond), time.Unix(0, j.AtNS).UTC().Format(time.RFC3339Nano))
}
