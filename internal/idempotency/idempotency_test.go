package idempotency_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/instantdevlogs/devlogs/internal/idempotency"
)

func TestAReusedKeyIsToldFromOtherRefusals(t *testing.T) {
	err := fmt.Errorf("exporting: %w", idempotency.Reused())
	require.True(t, idempotency.IsReused(err))
	require.True(t, consumererror.IsPermanent(err), "nothing on the way may try again")
	require.Equal(t, codes.InvalidArgument, status.Code(err))
	require.True(t, idempotency.IsReused(status.FromProto(status.Convert(idempotency.Reused()).Proto()).Err()), "also from another process")
	require.False(t, idempotency.IsReused(consumererror.NewPermanent(status.Error(codes.InvalidArgument, "bad record"))))
	require.False(t, idempotency.IsReused(errors.New("x")))
}
