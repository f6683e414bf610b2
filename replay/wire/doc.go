// Package wire walks OTLP log requests in their protobuf form without decoding them: it says where resources, scopes,
// records and the fields of a record lie in the bytes. Replay counts, indexes, stamps and patches recorded requests this
// way, at a fraction of what decoding them would cost.
//
// The field numbers are those of opentelemetry/proto/logs/v1/logs.proto. An ExportLogsServiceRequest and a LogsData are
// the same on the wire: field 1 repeated is ResourceLogs.
package wire

// Field numbers of the messages that are walked.
const (
	RequestResourceLogs  = 1
	ResourceLogsResource = 1
	ResourceLogsScope    = 2
	ScopeLogsScope       = 1
	ScopeLogsRecords     = 2
	ResourceAttributes   = 1
	KeyValueKey          = 1
	KeyValueValue        = 2
	AnyValueString       = 1
	RecordTime           = 1  // fixed64
	RecordSeverity       = 2  // varint
	RecordSeverityText   = 3  // string
	RecordBody           = 5  // AnyValue
	RecordAttributes     = 6  // KeyValue, repeated
	RecordTraceID        = 9  // 16 bytes, or none
	RecordSpanID         = 10 // 8 bytes, or none
	RecordObserved       = 11 // fixed64
)
