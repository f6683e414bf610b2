//go:build !linux

package play

import "time"

func sleepPrecisely(d time.Duration) { time.Sleep(d) }
