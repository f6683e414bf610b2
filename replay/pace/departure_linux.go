package pace

/*
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>

static int64_t clock_ns(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

// send_at sends when it is due, and says when that was. It returns what send returns.
static ssize_t send_at(int fd, const void *bytes, size_t size, int64_t due, int64_t awake, int64_t *at) {
	struct sched_param param = {.sched_priority = 1};
	// Nobody is asked whether it is allowed: without the priority it sends all the same.
	int first = sched_getscheduler(0) == SCHED_OTHER && sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &param) == 0;
	struct timespec wake = {(due - awake) / 1000000000, (due - awake) % 1000000000};
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &wake, NULL) == EINTR)
		;
	while ((*at = clock_ns()) < due)
		;
	ssize_t sent = send(fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (first) {
		param.sched_priority = 0;
		sched_setscheduler(0, SCHED_OTHER, &param);
	}
	return sent;
}
*/
import "C"

import (
	"math"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// awake is how long before the moment a sleep ends: by some 60 µs sleeps end late where nothing is in their way.
const awake = 100 * time.Microsecond

// SendAt writes to a socket when the moment has come, at once when it is past, and says when that was. It does not wait for
// room: sent may be less than there is, and what remains, and any error, is for the caller to find by writing on.
//
// It sleeps and writes in one call, in C, since a goroutine whose sleep has ended waits twice before it goes on: for its
// thread to get a processor, and for the thread to get leave from Go's scheduler. Of the first wait nothing remains where
// the thread may have a real-time priority (root, CAP_SYS_NICE, ulimit -r), which it has for this call only.
func SendAt(conn syscall.RawConn, bytes []byte, moment time.Time) (sent int, at time.Time) {
	zero := began()
	var clock C.int64_t
	failed := conn.Write(func(fd uintptr) bool {
		n := C.send_at(C.int(fd), unsafe.Pointer(unsafe.SliceData(bytes)), C.size_t(len(bytes)),
			C.int64_t(max(moment.Sub(zero), awake)), C.int64_t(awake), &clock)
		sent = max(int(n), 0)
		return true
	})
	if failed != nil {
		return 0, time.Now()
	}
	return sent, zero.Add(time.Duration(clock))
}

// began is when the kernel's monotonic clock, which is the one of Go's times too, was zero.
var began = sync.OnceValue(func() (zero time.Time) {
	closest := time.Duration(math.MaxInt64)
	for range 20 { // between two readings may be more than a moment
		before := time.Now()
		clock := time.Duration(C.clock_ns())
		if took := time.Since(before); took < closest {
			closest, zero = took, before.Add(took/2-clock)
		}
	}
	return zero
})
