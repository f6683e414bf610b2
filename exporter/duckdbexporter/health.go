package duckdbexporter

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.uber.org/zap"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/instantdevlogs/devlogs/storage"
)

// health turns the store's errors into the statuses that receivers understand, and reports when the store stops and starts
// working: once for each change, not for each request.
type health struct {
	host     component.Host
	logger   *zap.Logger
	impaired atomic.Bool
}

// refuse is called with the error of a write and returns what the receiver gets.
func (h *health) refuse(err error) error {
	if left(err) {
		return status.FromContextError(err).Err()
	}
	u, ok := errors.AsType[*storage.UnavailableError](err)
	if !ok {
		return consumererror.NewPermanent(status.Error(codes.InvalidArgument, err.Error()))
	}
	if u.Overloaded {
		return retryable(codes.ResourceExhausted, u)
	}
	if h.impaired.CompareAndSwap(false, true) {
		h.logger.Error("The log store takes no logs; clients are told to come back.", zap.Error(err))
		componentstatus.ReportStatus(h.host, componentstatus.NewRecoverableErrorEvent(err))
	}
	return retryable(codes.Unavailable, u)
}

// accept is called after each write that worked.
func (h *health) accept() {
	if h.impaired.Load() && h.impaired.CompareAndSwap(true, false) {
		h.logger.Warn("The log store takes logs again.")
		componentstatus.ReportStatus(h.host, componentstatus.NewEvent(componentstatus.StatusOK))
	}
}

// left says that the client did not wait for the outcome, which says nothing about the store.
func left(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// retryable carries RetryInfo always: OTLP clients drop a RESOURCE_EXHAUSTED that has none, and receivers make HTTP's
// Retry-After of it, in whole seconds.
func retryable(code codes.Code, u *storage.UnavailableError) error {
	s := status.New(code, u.Reason)
	detailed, err := s.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(max(u.RetryAfter, time.Second))})
	if err != nil {
		return s.Err()
	}
	return detailed.Err()
}
