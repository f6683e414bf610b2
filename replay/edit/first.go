package edit

import (
	"fmt"

	"go.opentelemetry.io/collector/pdata/plog"
)

// firstRecords keeps the first n records of a request.
func firstRecords(body []byte, n int) ([]byte, error) {
	logs, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(body)
	if err != nil {
		return nil, fmt.Errorf("the message is not OTLP: %w", err)
	}
	logs.ResourceLogs().RemoveIf(func(rl plog.ResourceLogs) bool {
		rl.ScopeLogs().RemoveIf(func(sl plog.ScopeLogs) bool {
			sl.LogRecords().RemoveIf(func(plog.LogRecord) bool {
				n--
				return n < 0
			})
			return sl.LogRecords().Len() == 0
		})
		return rl.ScopeLogs().Len() == 0
	})
	return (&plog.ProtoMarshaler{}).MarshalLogs(logs)
}
