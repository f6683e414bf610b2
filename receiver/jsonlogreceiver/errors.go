package jsonlogreceiver

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/instantdevlogs/devlogs/internal/idempotency"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// refusal is why a request, or the rest of it, was turned down as a whole.
type refusal struct {
	status     int
	code       string // for programs; also the reason in the metric
	message    string // for people: what to do about it
	retryAfter time.Duration
}

// writeHead sends what every protocol's answer to the refusal has in common; the caller writes the body.
func (f *refusal) writeHead(w http.ResponseWriter, contentType string) {
	w.Header().Set("Content-Type", contentType)
	if f.retryAfter > 0 {
		// Whole seconds, rounded up: the client must not come back early.
		w.Header().Set("Retry-After", strconv.FormatInt(int64((f.retryAfter+time.Second-1)/time.Second), 10))
	}
	if f.status == http.StatusRequestTimeout || f.status == http.StatusRequestEntityTooLarge {
		w.Header().Set("Connection", "close") // the rest of the body will not be read
	}
	w.WriteHeader(f.status)
}

// retryable tells whether sending the same again later can help.
func (f *refusal) retryable() bool {
	return f.status == http.StatusTooManyRequests || f.status == http.StatusServiceUnavailable
}

func bodyTooLarge(limit int64) *refusal {
	return &refusal{status: http.StatusRequestEntityTooLarge, code: "body_too_large", message: fmt.Sprintf(
		"the body is larger than %d bytes after decompression (setting max_request_body_size): send fewer records at a time", limit)}
}

func wholeBodyTooLarge(limit int) *refusal {
	return &refusal{status: http.StatusRequestEntityTooLarge, code: "body_too_large", message: fmt.Sprintf(
		"the body is larger than %d bytes, the most that this protocol can take at a time (setting limits.whole_body_bytes): send fewer records at a time", limit)}
}

func unsupportedMediaType(got string, want []string) *refusal {
	return &refusal{status: http.StatusUnsupportedMediaType, code: "unsupported_media_type",
		message: fmt.Sprintf("content type %q is not one of %s", got, strings.Join(want, ", "))}
}

func unsupportedCharset(got string) *refusal {
	return &refusal{status: http.StatusUnsupportedMediaType, code: "unsupported_charset",
		message: fmt.Sprintf("charset %q: JSON is sent in UTF-8", got)}
}

func badParameter(format string, args ...any) *refusal {
	return &refusal{status: http.StatusBadRequest, code: "bad_parameter", message: fmt.Sprintf(format, args...)}
}

func emptyBody() *refusal {
	return &refusal{status: http.StatusBadRequest, code: "empty_body", message: "the body is empty: send one or more records"}
}

func malformedBody(err error) *refusal {
	return &refusal{status: http.StatusBadRequest, code: "malformed_body", message: err.Error()}
}

func badRequest(code, message string) *refusal {
	return &refusal{status: http.StatusBadRequest, code: code, message: message}
}

func tooManyRequests(limit int) *refusal {
	return &refusal{status: http.StatusTooManyRequests, code: "too_many_requests", retryAfter: time.Second, message: fmt.Sprintf(
		"%d requests are being worked on, as many as allowed (setting limits.concurrent_requests): try again", limit)}
}

func keyReused() *refusal {
	return &refusal{status: http.StatusUnprocessableEntity, code: codeKeyReused, message: idempotency.Message}
}

const codeKeyReused = "idempotency_key_reused"

func crossSite(origin string) *refusal {
	return &refusal{status: http.StatusForbidden, code: "cross_site", message: fmt.Sprintf(
		"the browser says that a page of another site (%q) sends this: list that origin in the setting cors.allowed_origins to take its logs", origin)}
}

func shuttingDown() *refusal {
	return &refusal{status: http.StatusServiceUnavailable, code: "canceled", retryAfter: time.Second,
		message: "the request was cancelled before it was done"}
}

// readRefusal says why a body could not be read to its end.
func readRefusal(err error) *refusal {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return bodyTooLarge(tooLarge.Limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &refusal{status: http.StatusRequestTimeout, code: "timeout",
			message: "the body did not arrive in time (setting read_timeout)"}
	case errors.Is(err, errAfterGzip):
		return &refusal{status: http.StatusBadRequest, code: "garbage_after_gzip", message: err.Error()}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &refusal{status: http.StatusBadRequest, code: "body_cut_off", message: "the body ends early: it was cut off on its way"}
	default:
		return &refusal{status: http.StatusBadRequest, code: "unreadable_body", message: "reading the body: " + err.Error()}
	}
}

// pipelineRefusal maps an error of the pipeline as the otlp receiver does: a gRPC status says what it is, any other error
// is permanent or not. permanent tells that the pipeline refused the records for what they are, so that others of the body may
// be taken. A key that is taken ends the body: what of it is stored under which key would be hard to tell.
func pipelineRefusal(err error) (refused *refusal, permanent bool) {
	if idempotency.IsReused(err) {
		return keyReused(), false
	}
	var carrier interface{ GRPCStatus() *status.Status } // status.FromError would put the wrappings' words into the message
	if !errors.As(err, &carrier) {
		if consumererror.IsPermanent(err) {
			return &refusal{status: http.StatusBadRequest, code: "refused", message: err.Error()}, true
		}
		return &refusal{status: http.StatusServiceUnavailable, code: "unavailable", message: err.Error()}, false
	}
	s := carrier.GRPCStatus()
	refused = &refusal{status: http.StatusInternalServerError, code: "internal", message: s.Message()}
	switch s.Code() {
	case codes.InvalidArgument:
		refused.status, refused.code, permanent = http.StatusBadRequest, "refused", true
	case codes.ResourceExhausted:
		refused.status, refused.code = http.StatusTooManyRequests, "overloaded"
	case codes.Canceled, codes.DeadlineExceeded, codes.Aborted, codes.OutOfRange, codes.Unavailable, codes.DataLoss:
		refused.status, refused.code = http.StatusServiceUnavailable, "unavailable"
	case codes.Unauthenticated:
		refused.status, refused.code = http.StatusUnauthorized, "unauthenticated"
	case codes.PermissionDenied:
		refused.status, refused.code = http.StatusForbidden, "forbidden"
	}
	for _, detail := range s.Details() {
		if retry, ok := detail.(*errdetails.RetryInfo); ok && refused.retryable() {
			refused.retryAfter = retry.GetRetryDelay().AsDuration()
		}
	}
	return refused, permanent
}

// serverRefusal is what confighttp refuses before a request gets here: credentials and encodings.
func serverRefusal(message string, status int) *refusal {
	switch {
	case status == http.StatusUnauthorized:
		return &refusal{status: status, code: "unauthenticated", message: message}
	case strings.HasPrefix(message, "unsupported Content-Encoding"):
		return &refusal{status: http.StatusUnsupportedMediaType, code: "unsupported_encoding",
			message: message + " (setting compression_algorithms)"}
	case strings.Contains(message, "exceeds max request body size"):
		return &refusal{status: http.StatusRequestEntityTooLarge, code: "body_too_large",
			message: message + " (setting max_request_body_size)"}
	default:
		return &refusal{status: status, code: "unreadable_body", message: "the body does not have the encoding that Content-Encoding says: " + message}
	}
}

// itemised is the head of an answer that has a status for every item.
func itemised() *refusal { return &refusal{status: http.StatusOK} }

func healthy() *refusal { return &refusal{status: http.StatusOK} }

func malformedAction(line int, why string) *refusal {
	return malformedBody(fmt.Errorf("malformed action line %d: %s", line, why))
}

func createdItem() bulkFate { return bulkFate{status: http.StatusCreated} }

func unsupportedAction(action string) bulkFate {
	return bulkFate{http.StatusBadRequest, &bulkFault{"action_request_validation_exception",
		"logs can be added (create, index) and not changed: " + action + " is not supported"}}
}

func rejectedItem(r *rejection) bulkFate {
	return bulkFate{http.StatusBadRequest, &bulkFault{"document_parsing_exception", r.Code + ": " + r.Message}}
}

func refusedItem(r *refusal) bulkFate {
	return bulkFate{r.status, &bulkFault{r.elasticType(), r.message}}
}

// elasticType is Elasticsearch's name for a refusal; shippers look at the status.
func (f *refusal) elasticType() string {
	switch f.status {
	case http.StatusTooManyRequests:
		return "es_rejected_execution_exception"
	case http.StatusServiceUnavailable:
		return "unavailable_shards_exception"
	case http.StatusUnauthorized, http.StatusForbidden:
		return "security_exception"
	case http.StatusInternalServerError:
		return "exception"
	default:
		return "illegal_argument_exception"
	}
}

// status is the HTTP status of an account: refused requests say why, and a request of which nothing was accepted failed.
func (v *verdict) status() int {
	switch {
	case v.refused != nil:
		return v.refused.status
	case v.accepted == 0 && v.rejected > 0:
		return http.StatusBadRequest
	default:
		return http.StatusOK
	}
}
