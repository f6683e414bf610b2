package sink

import (
	"fmt"

	"go.opentelemetry.io/collector/pdata/plog"
	"google.golang.org/protobuf/encoding/protowire"
)

// countRecords walks an OTLP LogsData or ExportLogsServiceRequest message, which look the same on the wire, without
// decoding its records: resource_logs (1) hold scope_logs (2), which hold log_records (2).
func countRecords(message []byte) (int, error) {
	records := 0
	err := eachField(message, 1, func(resource []byte) error {
		return eachField(resource, 2, func(scope []byte) error {
			return eachField(scope, 2, func([]byte) error { records++; return nil })
		})
	})
	return records, err
}

// eachField calls f with the content of each length-delimited field of this number.
func eachField(message []byte, number protowire.Number, f func([]byte) error) error {
	for len(message) > 0 {
		n, kind, size := protowire.ConsumeTag(message)
		if size < 0 {
			return fmt.Errorf("not an OTLP logs message: %w", protowire.ParseError(size))
		}
		message = message[size:]
		if n == number && kind == protowire.BytesType {
			content, size := protowire.ConsumeBytes(message)
			if size < 0 {
				return fmt.Errorf("not an OTLP logs message: %w", protowire.ParseError(size))
			}
			if err := f(content); err != nil {
				return err
			}
			message = message[size:]
			continue
		}
		size = protowire.ConsumeFieldValue(n, kind, message)
		if size < 0 {
			return fmt.Errorf("not an OTLP logs message: %w", protowire.ParseError(size))
		}
		message = message[size:]
	}
	return nil
}

// withoutLast takes the last n records off a message and says how many that were.
func withoutLast(message []byte, n int) (rest []byte, removed int, err error) {
	logs, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(message)
	if err != nil {
		return nil, 0, err
	}
	keep := max(0, logs.LogRecordCount()-n)
	removed = logs.LogRecordCount() - keep
	logs.ResourceLogs().RemoveIf(func(rl plog.ResourceLogs) bool {
		rl.ScopeLogs().RemoveIf(func(sl plog.ScopeLogs) bool {
			sl.LogRecords().RemoveIf(func(plog.LogRecord) bool { keep--; return keep < 0 })
			return sl.LogRecords().Len() == 0
		})
		return rl.ScopeLogs().Len() == 0
	})
	rest, err = (&plog.ProtoMarshaler{}).MarshalLogs(logs)
	return rest, removed, err
}
