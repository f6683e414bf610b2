package play

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// noting notes when the first byte came after each order to do so.
type noting struct {
	net.Conn
	first chan time.Time
}

func (c *noting) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		select {
		case c.first <- time.Now():
		default:
		}
	}
	return n, err
}

type notingListener struct {
	net.Listener
	first chan time.Time
}

func (l *notingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return &noting{conn, l.first}, err
}

// A request is on its way before it is due, on a connection that exists, and no byte of it comes before, of plain HTTP and
// of HTTPS, where the connection below is the one that waits.
func TestAFirstByteIsHeldBackUntilItIsDue(t *testing.T) {
	for _, secure := range []bool{false, true} {
		first := make(chan time.Time, 1)
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
		server.Listener = &notingListener{server.Listener, first}
		if secure {
			server.StartTLS()
		} else {
			server.Start()
		}
		defer server.Close()
		client := http.Client{Transport: &http.Transport{DialContext: dialPunctual, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
		defer client.CloseIdleConnections()
		post := func(d *departure, size int) {
			ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(got httptrace.GotConnInfo) {
				for len(first) > 0 { // of the handshake
					<-first
				}
				d.over(got.Conn)
			}})
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL, strings.NewReader(strings.Repeat("x", size)))
			require.NoError(t, err)
			answer, err := client.Do(req)
			require.NoError(t, err)
			require.NoError(t, answer.Body.Close())
		}
		post(nil, 10) // connects
		for _, size := range []int{0, 100, 300_000} {
			var begun []time.Time
			d := newDeparture(time.Now().Add(30*time.Millisecond), func(at time.Time) { begun = append(begun, at) })
			post(d, size)
			at := d.wait(t.Context())
			require.Equal(t, []time.Time{at}, begun)
			require.False(t, at.Before(d.due))
			came := <-first
			require.False(t, came.Before(at), "%v: the first byte came %v before it was to leave", secure, at.Sub(came))
			post(nil, size) // the next is not held
		}
	}
}

// Where there is no connection nothing leaves, and the attempt has its time all the same.
func TestADepartureWithoutAConnectionHasItsTime(t *testing.T) {
	var begun time.Time
	d := newDeparture(time.Now().Add(5*time.Millisecond), func(at time.Time) { begun = at })
	at := d.wait(t.Context())
	require.False(t, at.Before(d.due))
	require.Equal(t, at, begun)
	require.Zero(t, d.leave(nil, []byte("late")), "the attempt is over")

	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	require.True(t, newDeparture(time.Now().Add(time.Hour), func(time.Time) {}).wait(stopped).Before(time.Now().Add(time.Minute)))
}
