package record

import "net"

// NewStampingListener is the tap's own listener, and LastRead what its connections know, for measurements.
func NewStampingListener(l net.Listener) net.Listener { return newStampingListener(l) }

// LastRead is 0 where the system does not stamp.
func LastRead(conn net.Conn) int64 {
	if s, ok := conn.(*stampedConn); ok {
		return s.last.Load()
	}
	return 0
}
