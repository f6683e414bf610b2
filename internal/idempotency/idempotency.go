// Package idempotency is what receivers and exporters agree on about a client's Idempotency-Key, beyond the pipeline between
// them: how key and payload travel, and how an exporter says that a key is taken.
//
// Key and fingerprint travel in client.Info.Metadata. The receiver that had the client's bytes says what they were; an exporter
// that hears no fingerprint makes one of the records.
package idempotency

import (
	"errors"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// The names in client.Info.Metadata.
const (
	Key         = "idempotency-key"
	Fingerprint = "idempotency-fingerprint" // any text that is equal for equal payloads
)

// reason is the machine-readable form of the refusal (google.rpc.ErrorInfo).
const (
	reason = "IDEMPOTENCY_KEY_REUSED"
	domain = "devlogs"
)

// Message tells a client what to do.
const Message = "the Idempotency-Key was used before with another body; that one is stored and this one is not: send it with a key of its own " +
	"(a retry has the same body as before)"

// Reused is what an exporter returns for a key that came before with another payload. OTLP clients take it for permanent:
// gRPC InvalidArgument, HTTP 400.
func Reused() error {
	s := status.New(codes.InvalidArgument, Message)
	if detailed, err := s.WithDetails(&errdetails.ErrorInfo{Reason: reason, Domain: domain}); err == nil {
		s = detailed
	}
	return consumererror.NewPermanent(s.Err())
}

// IsReused tells whether a pipeline's error is Reused.
func IsReused(err error) bool {
	var carrier interface{ GRPCStatus() *status.Status }
	if !errors.As(err, &carrier) {
		return false
	}
	for _, detail := range carrier.GRPCStatus().Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.GetReason() == reason && info.GetDomain() == domain {
			return true
		}
	}
	return false
}
