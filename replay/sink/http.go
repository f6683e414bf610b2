package sink

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// maxMessage bounds one request, uncompressed.
const maxMessage = 256 << 20

const (
	typeProto = "application/x-protobuf"
	typeJSON  = "application/json"
)

func (s *Sink) newHTTP() *http.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/logs", s.serveHTTP)
	return &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
}

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 256<<10); return &b }}

func (s *Sink) serveHTTP(w http.ResponseWriter, r *http.Request) {
	contentType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if contentType != typeProto && contentType != typeJSON {
		http.Error(w, "send OTLP as application/x-protobuf or application/json", http.StatusUnsupportedMediaType)
		return
	}
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	message, err := readBody(r, (*buffer)[:0])
	*buffer = message[:0]
	if err == nil && contentType == typeJSON {
		message, err = fromJSON(message)
	}
	if err != nil {
		s.refused.Add(1)
		writeHTTP(w, contentType, answer{status: http.StatusBadRequest, message: err.Error()})
		return
	}
	a := s.receive(r.Context(), message)
	if a.cut {
		panic(http.ErrAbortHandler) // closes the connection without an answer and without a stack trace
	}
	writeHTTP(w, contentType, a)
}

func readBody(r *http.Request, dst []byte) ([]byte, error) {
	var body io.Reader = r.Body
	switch encoding := r.Header.Get("Content-Encoding"); encoding {
	case "", "identity":
	case "gzip":
		in, err := gzip.NewReader(body)
		if err != nil {
			return dst, fmt.Errorf("read gzip: %w", err)
		}
		body = in
	case "zstd":
		in, err := zstd.NewReader(body, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxMessage))
		if err != nil {
			return dst, fmt.Errorf("read zstd: %w", err)
		}
		defer in.Close()
		body = in
	default:
		return dst, fmt.Errorf("content encoding %q is none of gzip, zstd, identity", encoding)
	}
	for {
		if len(dst) == cap(dst) {
			dst = append(dst, 0)[:len(dst)]
		}
		n, err := body.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		if errors.Is(err, io.EOF) {
			return dst, nil
		}
		if err != nil {
			return dst, fmt.Errorf("read the request: %w", err)
		}
		if len(dst) > maxMessage {
			return dst, fmt.Errorf("the request has more than %d bytes", maxMessage)
		}
	}
}

func fromJSON(body []byte) ([]byte, error) {
	request := plogotlp.NewExportRequest()
	if err := request.UnmarshalJSON(body); err != nil {
		return nil, err
	}
	return request.MarshalProto()
}

func writeHTTP(w http.ResponseWriter, contentType string, a answer) {
	w.Header().Set("Content-Type", contentType)
	var body []byte
	if a.status == 0 {
		body = successBody(contentType, a)
	} else {
		if a.status == http.StatusTooManyRequests || a.status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", "1")
		}
		body = refusalBody(contentType, a)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if a.status != 0 {
		w.WriteHeader(a.status)
	}
	_, _ = w.Write(body) // the client has gone: there is nobody to tell
}

func successBody(contentType string, a answer) []byte {
	response := plogotlp.NewExportResponse()
	if a.rejected > 0 {
		response.PartialSuccess().SetRejectedLogRecords(int64(a.rejected))
		response.PartialSuccess().SetErrorMessage(a.message)
	}
	marshal := response.MarshalProto
	if contentType == typeJSON {
		marshal = response.MarshalJSON
	}
	body, err := marshal()
	if err != nil {
		panic(err) // no such response can't be marshalled
	}
	return body
}

func refusalBody(contentType string, a answer) []byte {
	message := &status.Status{Code: int32(codeOf(a.status)), Message: a.message}
	marshal := proto.Marshal
	if contentType == typeJSON {
		marshal = protojson.Marshal
	}
	body, err := marshal(message)
	if err != nil {
		body = nil // the message is not UTF-8: the status says enough
	}
	return body
}

// codeOf maps a status to the gRPC code that the OTLP specification pairs it with.
func codeOf(httpStatus int) codes.Code {
	switch httpStatus {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
		return codes.InvalidArgument
	case http.StatusUnauthorized:
		return codes.Unauthenticated
	case http.StatusForbidden:
		return codes.PermissionDenied
	case http.StatusNotFound:
		return codes.Unimplemented
	case http.StatusTooManyRequests:
		return codes.ResourceExhausted
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return codes.Unavailable
	default:
		return codes.Unknown
	}
}
