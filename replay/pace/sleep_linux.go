package pace

import (
	"syscall"
	"time"
)

// sleepPrecisely asks the kernel directly: the runtime's timers round to a millisecond when nothing else runs.
func sleepPrecisely(d time.Duration) {
	ts := syscall.NsecToTimespec(int64(d))
	_ = syscall.Nanosleep(&ts, nil) // woken early by a signal, the caller stays awake longer
}
