package timescaleexporter

import (
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/instantdevlogs/devlogs/exporter/timescaleexporter/queue"
)

// Receivers turn these statuses into their protocol's answer: 429 and 503 with Retry-After over HTTP, and over gRPC the
// status itself, whose RetryInfo tells an OTLP client that it may try again at all.

// overloaded says that the queue is full.
func overloaded(full *queue.FullError) error {
	return retryable(codes.ResourceExhausted, full.Error(), full.After)
}

// unavailable says that Redis does not answer, or that the process is stopping.
func unavailable(err error) error {
	const after = 2 * time.Second // Redis comes back fast or not at all
	return retryable(codes.Unavailable, err.Error(), after)
}

func retryable(code codes.Code, message string, after time.Duration) error {
	s := status.New(code, message)
	if detailed, err := s.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(after)}); err == nil {
		s = detailed
	}
	return s.Err()
}

// Attribute sets are made once: making one anew would cost every request.
var (
	refusedFull        = option("reason", "full")
	refusedUnavailable = option("reason", "unavailable")
	refusedReused      = option("reason", "key_reused")
	batchStored        = option("outcome", "stored")
	batchDuplicate     = option("outcome", "duplicate")
	batchConflict      = option("outcome", "conflict")
)

func option(key, value string) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(attribute.String(key, value)))
}
