package jsonlogreceiver

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// The clock may stand still, or go back.
func TestNoTwoRequestsArriveAtTheSameTime(t *testing.T) {
	var a arrivals
	var got []pcommon.Timestamp
	for _, now := range []pcommon.Timestamp{100, 100, 100, 90, 200} {
		got = append(got, a.after(now))
	}
	require.Equal(t, []pcommon.Timestamp{100, 101, 102, 103, 200}, got)
}
