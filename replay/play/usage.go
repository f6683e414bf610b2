package play

import (
	"os"
	"runtime"
	"time"

	"github.com/shirou/gopsutil/v4/process"
)

// Usage is what the sender itself took, so that a saturated sender is never taken for a slow target.
type Usage struct {
	CPUSeconds         float64 `json:"cpu_seconds"`
	AwakeSeconds       float64 `json:"awake_seconds"` // of these, at most: awake for the moment to send, as a sleep would end too late
	GCPauseSeconds     float64 `json:"gc_pause_seconds"`
	PeakHeapBytes      uint64  `json:"heap_bytes"`
	AllPlacesTaken     float64 `json:"all_places_taken_seconds"`     // while a request was due
	WaitedForRecording float64 `json:"waited_for_recording_seconds"` // reading could not keep up
}

type usage struct {
	cpu   float64
	pause uint64
}

func measureUsage() usage {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return usage{cpu: cpuSeconds(), pause: m.PauseTotalNs}
}

func cpuSeconds() float64 {
	p, err := process.NewProcess(int32(os.Getpid()))
	if err != nil {
		return 0
	}
	t, err := p.Times()
	if err != nil {
		return 0
	}
	return t.User + t.System
}

// finish closes the books of the run.
func (s *stats) finish(elapsed time.Duration, before usage, awake time.Duration) {
	now := measureUsage()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.elapsed = elapsed
	s.usage = Usage{
		CPUSeconds: now.cpu - before.cpu, AwakeSeconds: awake.Seconds(), GCPauseSeconds: float64(now.pause-before.pause) / 1e9, PeakHeapBytes: m.HeapSys,
	}
}
