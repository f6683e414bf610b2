//go:build linux

package pace_test

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/instantdevlogs/devlogs/replay/pace"
)

// pair is a connection: its beginning, and its end.
func pair(t *testing.T) (from, to *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	conn, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	end, err := l.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close(); end.Close() })
	return conn.(*net.TCPConn), end.(*net.TCPConn)
}

func TestNothingIsSentBeforeItsMoment(t *testing.T) {
	from, to := pair(t)
	raw, err := from.SyscallConn()
	require.NoError(t, err)
	begin := time.Now()
	for i := range 20 {
		moment := begin.Add(time.Duration(i) * 3 * time.Millisecond)
		came := make(chan time.Time, 1)
		go func() {
			_, _ = io.ReadFull(to, make([]byte, 5))
			came <- time.Now()
		}()
		sent, at := pace.SendAt(raw, []byte("hello"), moment)
		require.Equal(t, 5, sent)
		require.False(t, at.Before(moment), "left %v early", moment.Sub(at))
		require.False(t, at.After(time.Now()), "it says when it was")
		require.False(t, (<-came).Before(at))
	}
}

func TestSendingWaitsForItsMomentAndNotForRoom(t *testing.T) {
	from, to := pair(t)
	raw, err := from.SyscallConn()
	require.NoError(t, err)
	large := make([]byte, 16<<20) // more than sockets hold
	sent, at := pace.SendAt(raw, large, time.Now().Add(-time.Hour))
	require.WithinRange(t, at, time.Now().Add(-time.Minute), time.Now(), "what is past is not waited for")
	require.Positive(t, sent)
	require.Less(t, sent, len(large))
	full, _ := pace.SendAt(raw, large, time.Time{})
	require.Less(t, full, len(large))
	require.NoError(t, from.Close())
	n, err := io.Copy(io.Discard, to)
	require.NoError(t, err)
	require.EqualValues(t, sent+full, n)
	none, _ := pace.SendAt(raw, large, time.Now())
	require.Zero(t, none, "there is no connection any more")
}
