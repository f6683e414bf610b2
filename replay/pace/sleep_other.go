//go:build !linux

package pace

import "time"

func sleepPrecisely(d time.Duration) { time.Sleep(d) }
