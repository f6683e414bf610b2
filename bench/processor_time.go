package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/prometheus/procfs"
)

// watched is a process whose processor time is measured, with that of its children: PostgreSQL has one for each connection.
type watched struct {
	name string
	pid  int
}

// parseWatched reads "postgres=4711,redis=4712".
func parseWatched(list string) (all []watched, _ error) {
	if list == "" {
		return nil, nil
	}
	for item := range strings.SplitSeq(list, ",") {
		name, pid, _ := strings.Cut(item, "=")
		n, err := strconv.Atoi(pid)
		if err != nil || name == "" {
			return nil, fmt.Errorf("-also %q: write it as postgres=PID,redis=PID", list)
		}
		all = append(all, watched{name, n})
	}
	return all, nil
}

// processorTimes gives the seconds that each has used since it began, with its children, also those that have ended.
func processorTimes(all []watched) ([]float64, error) {
	processes, err := procfs.AllProcs()
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	used := map[int]float64{}
	children := map[int][]int{}
	for _, p := range processes {
		s, err := p.Stat()
		if err != nil {
			continue // it has just ended; its parent has its time
		}
		const ticks = 100 // a second; Linux has no other on any platform that Go knows
		used[s.PID] = float64(s.UTime+s.STime+uint(max(s.CUTime, 0))+uint(max(s.CSTime, 0))) / ticks
		children[s.PPID] = append(children[s.PPID], s.PID)
	}
	var sum func(pid int) float64
	sum = func(pid int) float64 {
		total := used[pid]
		for _, child := range children[pid] {
			total += sum(child)
		}
		return total
	}
	times := make([]float64, len(all))
	for i, w := range all {
		if _, ok := used[w.pid]; !ok {
			return nil, fmt.Errorf("no process has the id %d (%s)", w.pid, w.name)
		}
		times[i] = sum(w.pid)
	}
	return times, nil
}
