package duckdbexporter

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.uber.org/zap"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/instantdevlogs/devlogs/storage"
)

// statusHost records what a component reports about itself.
type statusHost struct {
	component.Host
	events []componentstatus.Status
}

func (h *statusHost) Report(event *componentstatus.Event) {
	h.events = append(h.events, event.Status())
}

func TestErrorsBecomeTheStatusThatReceiversUnderstand(t *testing.T) {
	cause := errors.New("no space left on device")
	for _, test := range []struct {
		name  string
		err   error
		code  codes.Code
		after time.Duration // 0: the client must not come back by itself
	}{
		{"overloaded", &storage.UnavailableError{Reason: "full", Overloaded: true, RetryAfter: 3 * time.Second}, codes.ResourceExhausted, 3 * time.Second},
		{"impaired", &storage.UnavailableError{Reason: "disk", RetryAfter: 5 * time.Second, Err: cause}, codes.Unavailable, 5 * time.Second},
		{"wrapped", fmt.Errorf("write: %w", &storage.UnavailableError{Reason: "disk", RetryAfter: 5 * time.Second}), codes.Unavailable, 5 * time.Second},
		{"never below a second", &storage.UnavailableError{Reason: "disk"}, codes.Unavailable, time.Second},
		{"content", errors.New("row 3 is too long"), codes.InvalidArgument, 0},
		{"client left", fmt.Errorf("write: %w", context.Canceled), codes.Canceled, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := health{host: &statusHost{}, logger: zap.NewNop()}
			err := h.refuse(test.err)
			s, ok := status.FromError(err)
			require.True(t, ok)
			require.Equal(t, test.code, s.Code())
			require.Equal(t, test.code == codes.InvalidArgument, consumererror.IsPermanent(err))
			var after time.Duration
			for _, detail := range s.Details() {
				if info, ok := detail.(*errdetails.RetryInfo); ok {
					after = info.RetryDelay.AsDuration()
				}
			}
			require.Equal(t, test.after, after)
		})
	}
}

func TestStatusIsReportedOncePerChange(t *testing.T) {
	host := &statusHost{}
	h := health{host: host, logger: zap.NewNop()}
	disk := &storage.UnavailableError{Reason: "disk full"}
	h.accept()
	for range 3 {
		require.Error(t, h.refuse(disk))
	}
	require.Error(t, h.refuse(&storage.UnavailableError{Overloaded: true}), "being busy is no fault")
	require.Error(t, h.refuse(context.Canceled))
	for range 3 {
		h.accept()
	}
	require.Equal(t, []componentstatus.Status{
		componentstatus.StatusRecoverableError, componentstatus.StatusOK,
	}, host.events)
}
