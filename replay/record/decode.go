package record

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"

	"github.com/instantdevlogs/devlogs/replay/recording"
	"github.com/instantdevlogs/devlogs/replay/wire"
)

// decoder turns exchanges into messages. Only the disk's goroutine uses it.
type decoder struct {
	limit int64
	zstd  *zstd.Decoder
}

func newDecoder(limit int64) (*decoder, error) {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(limit)))
	if err != nil {
		return nil, err
	}
	return &decoder{limit: limit, zstd: z}, nil
}

func (d *decoder) close() { d.zstd.Close() }

// message is what the recording gets. A request over HTTP that is not the OTLP it says it is becomes raw HTTP, as a
// replay should send that again as well.
func (d *decoder) message(x *exchange) (*recording.Message, error) {
	m := &recording.Message{Arrival: x.entry.RecvNS, Entry: &x.entry}
	var err error
	switch x.kind {
	case otlpGRPC:
		m.Body, err = d.grpc(x.request.buf, x.entry.Enc)
	case otlpProto, otlpJSON:
		m.Body, err = d.http(x.request.buf, x.entry.Enc, x.kind == otlpJSON)
	}
	if err == nil && x.kind != rawHTTP {
		var s wire.Summary
		if s, err = wire.Summarise(m.Body); err == nil {
			m.Records = s.Records
			x.entry.Rejected = d.rejected(x)
			return m, nil
		}
	}
	if x.kind == otlpGRPC {
		return nil, fmt.Errorf("a gRPC request was not OTLP: %w", err)
	}
	x.entry.Proto = recording.ProtoHTTPRaw
	m.Raw, m.Records, m.Body = true, 0, bytes.Clone(x.request.buf)
	return m, nil
}

// ends says whether a body shows by itself that it is whole. The proxy stops reading when the upstream has answered, and an
// upstream that needs no more may answer before the end of the body has passed.
func (d *decoder) ends(x *exchange) bool {
	body, encoding := x.request.buf, strings.ToLower(x.entry.Enc)
	switch {
	case x.kind == otlpGRPC:
		return frameIsWhole(body)
	case encoding != "" && encoding != "identity" && encoding != "none":
		_, err := d.decompress(body, encoding)
		return err == nil
	case x.kind == otlpJSON:
		return json.Valid(body)
	}
	return false // only its end tells
}

func frameIsWhole(frame []byte) bool {
	return len(frame) >= 5 && int64(binary.BigEndian.Uint32(frame[1:])) == int64(len(frame)-5)
}

// grpc takes the message out of its frame: a byte that says whether it is compressed, and 4 of length.
func (d *decoder) grpc(frame []byte, encoding string) ([]byte, error) {
	if !frameIsWhole(frame) {
		return nil, errors.New("the frame is not whole")
	}
	if frame[0] == 0 {
		return bytes.Clone(frame[5:]), nil
	}
	return d.decompress(frame[5:], encoding)
}

func (d *decoder) http(body []byte, encoding string, isJSON bool) ([]byte, error) {
	plain, err := d.decompress(body, encoding)
	if err != nil || !isJSON {
		return plain, err
	}
	request := plogotlp.NewExportRequest()
	if err := request.UnmarshalJSON(plain); err != nil {
		return nil, err
	}
	return (&plog.ProtoMarshaler{}).MarshalLogs(request.Logs())
}

// decompress returns memory of its own.
func (d *decoder) decompress(body []byte, encoding string) ([]byte, error) {
	var r io.Reader
	var err error
	switch strings.ToLower(encoding) {
	case "", "identity", "none":
		return bytes.Clone(body), nil
	case "gzip":
		r, err = gzip.NewReader(bytes.NewReader(body))
	case "deflate", "zlib":
		r, err = zlib.NewReader(bytes.NewReader(body))
	case "zstd":
		return d.zstd.DecodeAll(body, nil)
	case "snappy", "x-snappy-framed":
		if n, lenErr := s2.DecodedLen(body); lenErr == nil && encoding == "snappy" && int64(n) <= d.limit {
			if plain, err := s2.Decode(nil, body); err == nil {
				return plain, nil
			}
		}
		r = s2.NewReader(bytes.NewReader(body))
	default:
		return nil, fmt.Errorf("content encoding %q is not known", encoding)
	}
	if err != nil {
		return nil, err
	}
	plain, err := io.ReadAll(io.LimitReader(r, d.limit+1))
	if err == nil && int64(len(plain)) > d.limit {
		err = errors.New("it is too large when decompressed")
	}
	return plain, err
}

// rejected is how many records the answer's partial success refuses.
func (d *decoder) rejected(x *exchange) int64 {
	body := x.answer.buf
	answer := plogotlp.NewExportResponse()
	var err error
	switch {
	case x.kind == otlpGRPC && len(body) > 5 && body[0] == 0:
		err = answer.UnmarshalProto(body[5:])
	case x.kind == otlpProto && x.entry.Status == 200:
		err = answer.UnmarshalProto(body)
	case x.kind == otlpJSON && x.entry.Status == 200 && len(body) > 0:
		err = answer.UnmarshalJSON(body)
	}
	if err != nil {
		return 0
	}
	return min(max(answer.PartialSuccess().RejectedLogRecords(), 0), math.MaxInt32)
}
