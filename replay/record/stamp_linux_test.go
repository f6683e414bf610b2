package record

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What is read late had come when it had come.
func TestAStampedConnectionKnowsWhenBytesCame(t *testing.T) {
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := newStampingListener(plain)
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	defer client.Close()
	conn, err := l.Accept()
	require.NoError(t, err)
	defer conn.Close()
	b := make([]byte, 2)
	for came := int64(0); came == 0; { // until the kernel has begun to note times
		sent := time.Now()
		_, err = client.Write([]byte("ab"))
		require.NoError(t, err)
		written := time.Now() // over loopback, they have come by now
		_, err = io.ReadFull(conn, b)
		require.NoError(t, err)
		require.Equal(t, "ab", string(b))
		if came = conn.(*stampedConn).last.Load(); came != 0 {
			require.GreaterOrEqual(t, came, sent.UnixNano())
			require.LessOrEqual(t, came, written.UnixNano())
		}
	}
	require.NoError(t, client.Close())
	_, err = conn.Read(b)
	require.Equal(t, io.EOF, err)
	require.NoError(t, conn.SetReadDeadline(time.Unix(1, 0)))
	_, err = conn.Read(b)
	require.Error(t, err, "deadlines hold")
}
