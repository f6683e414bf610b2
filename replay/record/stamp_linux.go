package record

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// stamped reads a connection together with the kernel's time stamps: SO_TIMESTAMPNS, socket(7).
type stamped struct{ raw syscall.RawConn }

func newStamped(conn syscall.Conn) (stamped, bool) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return stamped{}, false
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1) })
	return stamped{raw}, errors.Join(err, failed) == nil
}

// read is Read, and when the last of what it read had come; 0 when that is not known. Only one goroutine may read at a time.
func (s stamped) read(b []byte) (n int, at int64, err error) {
	if len(b) == 0 {
		return 0, 0, nil
	}
	var space [64]byte // a stamp takes 32
	var control int
	waitErr := s.raw.Read(func(fd uintptr) bool {
		for {
			n, control, _, _, err = unix.Recvmsg(int(fd), b, space[:], 0)
			if !errors.Is(err, unix.EINTR) {
				return !errors.Is(err, unix.EAGAIN)
			}
		}
	})
	switch {
	case waitErr != nil:
		return 0, 0, waitErr
	case err != nil:
		return 0, 0, os.NewSyscallError("recvmsg", err)
	case n == 0:
		return 0, 0, io.EOF
	}
	return n, stampIn(space[:control]), nil
}

func stampIn(control []byte) int64 {
	for len(control) > 0 {
		header, data, rest, err := unix.ParseOneSocketControlMessage(control)
		if err != nil {
			return 0
		}
		if header.Level == unix.SOL_SOCKET && header.Type == unix.SCM_TIMESTAMPNS && len(data) >= 16 {
			return int64(binary.NativeEndian.Uint64(data))*1e9 + int64(binary.NativeEndian.Uint64(data[8:]))
		}
		control = rest
	}
	return 0
}
