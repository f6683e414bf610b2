// Package lokipush reads the bodies of Loki's push API (https://grafana.com/docs/loki/latest/reference/loki-http-api/,
// "Ingest logs"): JSON, and the protobuf message logproto.PushRequest in a snappy block.
package lokipush

import "go.opentelemetry.io/collector/pdata/pcommon"

// Label is a stream label, or a pair of structured metadata.
type Label struct{ Name, Value string }

// Entry is one log line of a stream.
type Entry struct {
	Stream, Index int // the position of the stream in the body, and of the entry in the stream
	Time          pcommon.Timestamp
	Line          string
	Metadata      []Label // valid until the next entry
	Fault         string  // why the entry can't be taken, "" when it can
}

// Visitor gets what a body holds, in order. Strings alias the body.
type Visitor interface {
	// Stream starts a stream. The labels are valid until the next one.
	Stream(labels []Label)
	// Entry is called for each entry of the stream. Reading goes on while it returns true.
	Entry(e Entry) bool
}
