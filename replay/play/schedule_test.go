package play_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/instantdevlogs/devlogs/replay/ledger"
	"github.com/instantdevlogs/devlogs/replay/pace"
	"github.com/instantdevlogs/devlogs/replay/play"
)

// Every request is due at its own distance from the first, to the nanosecond and whatever the others did, so that lateness
// never adds up; and none leaves before it is due.
func TestTheScheduleIsTheRecordingsOwn(t *testing.T) {
	const n = 60
	rec := record(t, n) // 10 ms apart
	for _, speed := range []float64{1, 10} {
		s, _ := startSink(t, "")
		c := config(t, s, play.HTTP, rec)
		c.Pace = &pace.Original{Speed: speed}
		run(t, c)
		_, all := accounts(t, c.Ledger)
		require.Len(t, all, n)
		for i, a := range all {
			require.Equal(t, time.Duration(float64(i)*float64(10*time.Millisecond)/speed), a.Request.Intended)
		}
		r, err := ledger.Open(c.Ledger)
		require.NoError(t, err)
		require.NoError(t, r.Walk(ledger.Events{End: func(_ uint64, _ uint32, l ledger.Latency, _ ledger.Outcome) {
			require.GreaterOrEqual(t, l.Lag, time.Duration(0))
		}}))
	}
}

func TestLateRequestsAreDroppedWhenAsked(t *testing.T) {
	s, _ := startSink(t, "slow 200msx100")
	c := config(t, s, play.HTTP, record(t, 40))
	c.Pace, c.InFlight, c.Late = &pace.Original{Speed: 10}, 1, play.LateDrop
	report := run(t, c)
	require.Positive(t, report.Dropped.Requests)
	require.EqualValues(t, 40, report.Scheduled.Requests)
	require.EqualValues(t, 40, report.Dropped.Requests+report.Acked.Requests)
	require.NotEmpty(t, report.Invalid)
	_, all := accounts(t, c.Ledger)
	require.Len(t, all, int(report.Acked.Requests))
}

func TestScheduleThatIsNotKeptMakesTheRunInvalid(t *testing.T) {
	s, _ := startSink(t, "slow 100msx10")
	c := config(t, s, play.GRPC, record(t, 10))
	c.Pace, c.InFlight, c.MaxLag = &pace.Original{Speed: 100}, 1, 50*time.Millisecond
	report := run(t, c)
	require.EqualValues(t, 10, report.Acked.Requests)
	require.Positive(t, report.Late)
	require.Len(t, report.Invalid, 1)
	require.Contains(t, report.Invalid[0], "the schedule was not kept")
	require.Positive(t, report.Sender.AllPlacesTaken)
	require.Greater(t, report.Latency.Max, report.Service.Max, "latency counts from when a request was due")
}
