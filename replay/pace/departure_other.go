//go:build !linux

package pace

import (
	"syscall"
	"time"
)

// SendAt waits for the moment and leaves all of the writing to the caller.
func SendAt(_ syscall.RawConn, _ []byte, moment time.Time) (sent int, at time.Time) {
	time.Sleep(time.Until(moment))
	return 0, time.Now()
}
