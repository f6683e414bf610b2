package record

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync/atomic"
)

// stampedConn remembers when what was read last had come. By the time that a process is woken, more so on a busy or a
// virtual machine, milliseconds may have passed; the kernel knows when it was.
type stampedConn struct {
	net.Conn
	stamped
	last atomic.Int64 // ns since 1970 by the wall clock; 0: not known
}

// stampingListener makes its connections stamped, where the system can.
type stampingListener struct{ net.Listener }

// newStampingListener has the kernel note times from now on: it begins to some time after it was asked first.
func newStampingListener(l net.Listener) stampingListener {
	if tcp, ok := l.(*net.TCPListener); ok {
		_, _ = newStamped(tcp)
	}
	return stampingListener{l}
}

func (l stampingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		if s, ok := newStamped(tcp); ok {
			return &stampedConn{Conn: conn, stamped: s}, nil
		}
	}
	return conn, nil
}

func (c *stampedConn) Read(b []byte) (int, error) {
	n, at, err := c.read(b)
	if at != 0 {
		c.last.Store(at)
	}
	return n, err
}

type connKey struct{}

// withConn makes a request's connection known to lastRead.
func withConn(ctx context.Context, conn net.Conn) context.Context {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	if s, ok := conn.(*stampedConn); ok {
		return context.WithValue(ctx, connKey{}, s)
	}
	return ctx
}

// lastRead is when that came which was read last on a request's connection, 0 when it is not known. To a handler that has
// just begun it is when the request came: a client sends the next one when it has the answer. On a connection that requests
// share, another one's later bytes may have been read already.
func lastRead(r *http.Request) int64 {
	if s, ok := r.Context().Value(connKey{}).(*stampedConn); ok {
		return s.last.Load()
	}
	return 0
}
