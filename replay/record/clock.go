package record

import (
	"sync"
	"time"

	"github.com/instantdevlogs/devlogs/replay/recording"
)

// clock tells when requests came: the wall clock's time at the start, and from there on the monotonic clock's. So a wall
// clock that is set meanwhile, by NTP or after a suspension, moves no request; that it was set is noted. Safe for concurrent
// use.
type clock struct {
	read   reading
	origin int64 // ns since 1970 at the monotonic clock's zero

	mu    sync.Mutex
	ahead int64 // of the wall clock, when it was looked at last, ns
	at    int64 // when that was
	jumps []recording.Jump
}

// reading reads both clocks at one moment: ns since 1970, and ns since any moment that stays the same.
type reading func() (wall, mono int64)

// systemClocks is the reading in use.
func systemClocks() reading {
	start := time.Now()
	return func() (wall, mono int64) {
		now := time.Now() // has both
		return now.UnixNano(), int64(now.Sub(start))
	}
}

const (
	// noticed is what counts as a jump; less is how a clock is disciplined.
	noticed = 100 * time.Millisecond
	// slew is the part of the time that a clock may gain or lose without having been set: NTP's daemons take up to 0.1 %.
	slew = 1000
)

func newClock(read reading) *clock {
	wall, mono := read()
	return &clock{read: read, origin: wall - mono, at: wall}
}

// now is in ns since 1970. It notices jumps.
func (c *clock) now() int64 {
	wall, mono := c.read()
	now := c.origin + mono
	ahead := wall - now
	c.mu.Lock()
	defer c.mu.Unlock()
	by := ahead - c.ahead
	if max(by, -by) > int64(noticed)+max(now-c.at, 0)/slew {
		c.jumps = append(c.jumps, recording.Jump{AtNS: now, ByNS: by})
	}
	c.ahead, c.at = ahead, max(now, c.at)
	return now
}

// fromWall is the clock's time at a moment that the kernel has noted by the wall clock, not long ago. When the wall clock
// was set in between that moment is not known, and now is the answer.
func (c *clock) fromWall(stamp int64) int64 {
	now := c.now()
	c.mu.Lock()
	ahead := c.ahead
	c.mu.Unlock()
	if age := now + ahead - stamp; stamp != 0 && age > 0 && age < int64(noticed) {
		return now - age
	}
	return now
}

// takeJumps returns those since it was called last.
func (c *clock) takeJumps() []recording.Jump {
	c.mu.Lock()
	defer c.mu.Unlock()
	jumps := c.jumps
	c.jumps = nil
	return jumps
}
