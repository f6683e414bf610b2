package play

import (
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"go.opentelemetry.io/collector/pdata/plog"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/gzip" // registers gzip for gRPC
)

// encoder turns a patched request into what goes over HTTP: JSON when asked for, and compressed. One worker's.
type encoder struct {
	json        bool
	compression string
	gzip        *gzip.Writer
	zstd        *zstd.Encoder
	out         []byte
}

func newEncoder(c *Config) (*encoder, error) {
	e := &encoder{json: c.Target.Protocol == HTTPJSON}
	if c.Target.Protocol == GRPC {
		return e, nil // gRPC compresses by itself
	}
	e.compression = c.Compression
	var err error
	switch c.Compression {
	case "gzip":
		e.gzip, err = gzip.NewWriterLevel(nil, gzip.BestSpeed)
	case "zstd":
		e.zstd, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	}
	return e, err
}

// encode returns body itself when there is nothing to do, else memory that the next encode uses again.
func (e *encoder) encode(body []byte) ([]byte, error) {
	if e.json {
		logs, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(body)
		if err != nil {
			return nil, fmt.Errorf("the recorded request is not OTLP: %w", err)
		}
		if body, err = (&plog.JSONMarshaler{}).MarshalLogs(logs); err != nil {
			return nil, err
		}
	}
	switch e.compression {
	case "gzip":
		e.out = e.out[:0]
		e.gzip.Reset((*appender)(&e.out))
		if _, err := e.gzip.Write(body); err != nil {
			return nil, err
		}
		err := e.gzip.Close()
		return e.out, err
	case "zstd":
		e.out = e.zstd.EncodeAll(body, e.out[:0])
		return e.out, nil
	}
	return body, nil
}

type appender []byte

func (a *appender) Write(b []byte) (int, error) {
	*a = append(*a, b...)
	return len(b), nil
}

func init() {
	if encoding.GetCompressor("zstd") == nil {
		encoding.RegisterCompressor(grpcZstd{})
	}
}

// grpcZstd is zstd for gRPC, as other OTLP clients send it. Coders are pooled: making one costs more than a request.
type grpcZstd struct{}

var zstdWriters = sync.Pool{New: func() any {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		panic(err) // the options are constants
	}
	return w
}}

type pooledWriter struct{ *zstd.Encoder }

func (w pooledWriter) Close() error {
	err := w.Encoder.Close()
	zstdWriters.Put(w.Encoder)
	return err
}

func (grpcZstd) Name() string { return "zstd" }

func (grpcZstd) Compress(w io.Writer) (io.WriteCloser, error) {
	e := zstdWriters.Get().(*zstd.Encoder)
	e.Reset(w)
	return pooledWriter{e}, nil
}

// Decompress is for answers, which hardly any server compresses.
func (grpcZstd) Decompress(r io.Reader) (io.Reader, error) {
	return zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
}
