package recording

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/instantdevlogs/devlogs/replay/wire"
)

// decoder turns pieces into OTLP protobuf. Safe for concurrent use.
type decoder struct {
	zstd *zstd.Decoder
}

func newDecoder(maxMessage int) (*decoder, error) {
	z, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(uint64(maxMessage)), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil, err
	}
	return &decoder{zstd: z}, nil
}

func (d *decoder) close() { d.zstd.Close() }

// errOtherSignal marks a message that holds traces, metrics or profiles, which one file may hold beside logs.
var errOtherSignal = errors.New("the message holds no logs")

// decode returns data, one message in any form, as protobuf, and what it says of itself.
func (d *decoder) decode(data []byte) ([]byte, wire.Summary, error) {
	if bytes.HasPrefix(data, magicZstd) {
		plain, err := d.zstd.DecodeAll(data, nil)
		if err != nil {
			return nil, wire.Summary{}, fmt.Errorf("the message is not whole zstd: %w", err)
		}
		data = plain
	}
	if len(data) > 0 && data[0] == '{' {
		var err error
		if data, err = fromJSON(data); err != nil {
			return nil, wire.Summary{}, err
		}
	}
	summary, err := wire.Summarise(data)
	if err != nil {
		return nil, wire.Summary{}, fmt.Errorf("the message is not OTLP: %w", err)
	}
	return data, summary, nil
}

func fromJSON(text []byte) ([]byte, error) {
	logs, err := (&plog.JSONUnmarshaler{}).UnmarshalLogs(text)
	if err != nil {
		return nil, fmt.Errorf("the message is not OTLP/JSON: %w", err)
	}
	if logs.ResourceLogs().Len() == 0 && !namesLogs(text) {
		for _, other := range []string{`"resourceSpans"`, `"resourceMetrics"`, `"resourceProfiles"`} {
			if bytes.Contains(text, []byte(other)) {
				return nil, errOtherSignal
			}
		}
		if len(bytes.TrimSpace(text[1:len(text)-1])) > 0 {
			return nil, errors.New(`the message is JSON but not OTLP: it has no "resourceLogs". ` +
				"Logs in a JSON form of their own are captured with record --http-raw")
		}
	}
	return (&plog.ProtoMarshaler{}).MarshalLogs(logs)
}

func namesLogs(text []byte) bool {
	return bytes.Contains(text, []byte(`"resourceLogs"`)) || bytes.Contains(text, []byte(`"resource_logs"`))
}
