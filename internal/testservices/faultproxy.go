package testservices

import (
	"bytes"
	"net"
	"sync"
	"testing"
)

// Flow is one direction of a proxy's connections.
type Flow int

const (
	ToServer Flow = iota
	ToClient
)

// FaultProxy passes TCP connections on to a server and, on command, behaves like a bad network. Safe for concurrent use.
type FaultProxy struct {
	network, address string // of the server
	listener         net.Listener
	work             sync.WaitGroup

	mu      sync.Mutex
	changed *sync.Cond // broadcast when what follows changes
	closed  bool
	refuse  bool
	stalled bool
	limits  [2]*limit
	holds   [2]*hold
	conns   map[net.Conn]struct{}
}

// limit cuts every connection once so many bytes have passed.
type limit struct {
	left int
	done chan struct{}
}

// hold stalls the proxy when it sees a token.
type hold struct {
	token []byte
	done  chan struct{}
}

// NewFaultProxy listens on a free port of 127.0.0.1 and passes connections on to a server, whose network is "tcp" or
// "unix". It ends with the test.
func NewFaultProxy(t testing.TB, network, address string) *FaultProxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, "listen for the fault proxy", err)
	p := &FaultProxy{network: network, address: address, listener: l, conns: map[net.Conn]struct{}{}}
	p.changed = sync.NewCond(&p.mu)
	p.work.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

// Address is where clients connect instead of the server, "127.0.0.1:port".
func (p *FaultProxy) Address() string { return p.listener.Addr().String() }

// Port is the port of Address.
func (p *FaultProxy) Port() int { return p.listener.Addr().(*net.TCPAddr).Port }

// Cut closes all connections. New ones are taken.
func (p *FaultProxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut()
}

// Refuse closes all connections and each new one at once, until Resume.
func (p *FaultProxy) Refuse() {
	p.set(func() {
		p.refuse = true
		p.cut()
	})
}

// Stall keeps connections open and lets no byte pass, in either direction, until Resume.
func (p *FaultProxy) Stall() { p.set(func() { p.stalled = true }) }

// Resume ends Refuse, Stall, and what CutAfter and HoldAt set.
func (p *FaultProxy) Resume() {
	p.set(func() {
		p.refuse, p.stalled = false, false
		p.limits, p.holds = [2]*limit{}, [2]*hold{}
	})
}

// CutAfter closes all connections when n more bytes have passed in a direction: the last piece passes up to that byte. The
// channel closes when it happens.
func (p *FaultProxy) CutAfter(flow Flow, n int) <-chan struct{} {
	l := &limit{left: n, done: make(chan struct{})}
	p.set(func() { p.limits[flow] = l })
	return l.done
}

// HoldAt stalls the proxy before it passes a piece that holds token (bytes as the protocol sends them; letter case counts),
// until Resume. The channel closes when it happens. A token that the network splits in two is not seen: use short ones.
func (p *FaultProxy) HoldAt(flow Flow, token string) <-chan struct{} {
	h := &hold{token: []byte(token), done: make(chan struct{})}
	p.set(func() { p.holds[flow] = h })
	return h.done
}

func (p *FaultProxy) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
	p.changed.Broadcast()
}

// cut is called with mu held. Passing goroutines see their connection fail and remove it.
func (p *FaultProxy) cut() {
	for c := range p.conns {
		_ = c.Close() // a cut connection's state does not matter
	}
	clear(p.conns)
	p.changed.Broadcast()
}

func (p *FaultProxy) close() {
	_ = p.listener.Close()
	p.set(func() {
		p.closed, p.stalled = true, false
		p.cut()
	})
	p.work.Wait()
}

func (p *FaultProxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.work.Go(func() { p.serve(client) })
	}
}

func (p *FaultProxy) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial(p.network, p.address)
	if err != nil {
		return // the client sees what a dead server looks like
	}
	defer server.Close()
	if !p.admit(client, server) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { p.pass(ToServer, server, client) })
	p.pass(ToClient, client, server)
	both.Wait()
	p.forget(client, server)
}

func (p *FaultProxy) admit(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refuse || p.closed {
		return false
	}
	for _, c := range conns {
		p.conns[c] = struct{}{}
	}
	return true
}

func (p *FaultProxy) forget(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		delete(p.conns, c)
	}
}

// pass moves bytes until one side ends, and then ends both.
func (p *FaultProxy) pass(flow Flow, dst, src net.Conn) {
	defer dst.Close()
	defer src.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := src.Read(buf)
		if n > 0 {
			allowed, cut := p.gate(flow, dst, buf[:n])
			if _, err := dst.Write(buf[:allowed]); err != nil {
				return
			}
			if cut {
				p.Cut()
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// gate waits while the proxy is stalled and says how many of the bytes may pass, and whether that is the end.
func (p *FaultProxy) gate(flow Flow, conn net.Conn, piece []byte) (allowed int, cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if h := p.holds[flow]; h != nil && bytes.Contains(piece, h.token) {
		p.holds[flow] = nil
		p.stalled = true
		close(h.done)
	}
	for p.stalled {
		p.changed.Wait()
	}
	if _, open := p.conns[conn]; !open {
		return 0, false // it was cut while it waited
	}
	l := p.limits[flow]
	if l == nil || len(piece) < l.left {
		if l != nil {
			l.left -= len(piece)
		}
		return len(piece), false
	}
	p.limits[flow] = nil
	close(l.done)
	return l.left, true
}
