package play

import (
	"context"
	"crypto/tls"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/instantdevlogs/devlogs/replay/pace"
)

// departure holds a request's first byte back until it is due. All that is to be done before is done by then, in any number
// of goroutines, so that whether the moment is kept does not depend on how soon each of them gets its turn.
type departure struct {
	due   time.Time
	begin func(at time.Time) // called once, when the first byte leaves
	taken atomic.Bool
	left  chan time.Time
}

func newDeparture(due time.Time, begin func(time.Time)) *departure {
	return &departure{due: due, begin: begin, left: make(chan time.Time, 1)}
}

// over makes the next bytes that are written to a connection wait.
func (d *departure) over(conn net.Conn) {
	if d == nil {
		return
	}
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	if c, ok := conn.(*punctual); ok {
		c.next.Store(d)
	}
}

// leave sends the first bytes, or none if others did.
func (d *departure) leave(raw syscall.RawConn, bytes []byte) (sent int) {
	if !d.taken.CompareAndSwap(false, true) {
		return 0
	}
	sent, at := pace.SendAt(raw, bytes, d.due)
	d.gone(at)
	return sent
}

func (d *departure) gone(at time.Time) {
	d.begin(at)
	d.left <- at
}

// wait returns when the first byte left. If none did, since there was no connection, the attempt ends when it was due.
func (d *departure) wait(hard context.Context) time.Time {
	if d.taken.CompareAndSwap(false, true) {
		pace.Roughly(hard, d.due)
		d.gone(time.Now())
	}
	return <-d.left
}

// punctual is a connection on which a departure can be waited for.
type punctual struct {
	net.Conn
	raw  syscall.RawConn
	next atomic.Pointer[departure]
}

func dialPunctual(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		conn.Close()
		return nil, err
	}
	return &punctual{Conn: conn, raw: raw}, nil
}

func (c *punctual) Write(bytes []byte) (int, error) {
	sent := 0
	if d := c.next.Swap(nil); d != nil {
		sent = d.leave(c.raw, bytes)
	}
	if sent == len(bytes) {
		return sent, nil
	}
	n, err := c.Conn.Write(bytes[sent:])
	return sent + n, err
}
