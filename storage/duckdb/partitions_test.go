package duckdb

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDropLeavesWhatIsWrittenToAndTheNewest(t *testing.T) {
	const today = "20260102"
	var p partitions
	listed := make([]*partition, 4)
	for i := range listed {
		listed[i] = &partition{number: i + 1, day: today, sums: sums{batches: 1, lastSeq: uint64(10 * (i + 1))}}
	}
	listed[1].lastSeq = 99 // a lane went on with it after the others
	p.set(listed)
	require.Same(t, listed[3], p.claim(today, 1<<30))
	require.Same(t, listed[2], p.claim(today, 1<<30), "a partition of its own for each lane")
	require.Nil(t, p.claim("20260103", 1<<30), "a new day begins a new one")

	held := p.hold(func(s *sums) bool { return s.lastSeq == 10 })
	p.drop(func(*partition) bool { return true })
	require.Equal(t, []sums{{batches: 1, lastSeq: 99}, {batches: 1, lastSeq: 30}, {batches: 1, lastSeq: 40}}, p.snapshot())
	require.Empty(t, p.takeIdle(), "a reader has it")
	p.release(held)
	require.Len(t, p.takeIdle(), 1)
}
