package duckdb

import (
	"cmp"
	"slices"
	"sync"
)

// partitions lists the attached partitions, oldest first, and numbers what is written to them.
type partitions struct {
	mu       sync.Mutex
	list     []*partition
	idle     []*partition // dropped and no longer used: to be detached
	sequence sequence
}

func (p *partitions) set(list []*partition) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list, p.idle = list, nil
	p.sequence.start(p.newest().lastSeq)
}

func (p *partitions) add(one *partition) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list = append(p.list, one)
}

// claim gives the caller the newest partition that has room and that no lane writes to; nil when there is none. Of those
// begun on an earlier day only one without batches is taken.
func (p *partitions) claim(day string, bytes int64) *partition {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, one := range slices.Backward(p.list) {
		if one.busy || one.full || one.batches > 0 && one.day != day {
			continue
		}
		if one.batches > 0 && one.bytes() >= bytes {
			one.full, one.catalogue = true, catalogue{}
			continue
		}
		one.busy = true
		return one
	}
	return nil
}

// begin gives a lane's transaction the places of n batches, and returns the one before the first.
func (p *partitions) begin(lane, n int) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sequence.take(lane, n)
}

// committed ends a lane's transaction: it adds the batches to the sums of the partition, which the lane gives back.
func (p *partitions) committed(lane int, one *partition, group []*waiter, t *transaction) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range group {
		r := w.batch.Rows
		if one.batches == 0 {
			one.minTime = r.MinTime
		}
		one.minTime, one.maxTime = min(one.minTime, r.MinTime), max(one.maxTime, r.MaxTime)
		one.rows += uint64(r.Len())
		one.batches++
		one.addTenant(r.Tenant)
		one.ids.add(w.batch.ID)
	}
	one.lastSeq = t.seq + uint64(len(group))
	one.lastCommit = t.committed
	one.busy = false
	p.sequence.keep(lane, one.lastSeq)
}

// failed ends a lane's transaction that has not stored its batches, or about which that is not known.
func (p *partitions) failed(lane int, one *partition, unknown bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one.busy = false
	if !unknown {
		p.sequence.leave(lane)
	}
}

// head is the sequence up to which every batch that ever will be is committed.
func (p *partitions) head() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sequence.head()
}

// last is the number of the newest partition and the last sequence that was given to a batch.
func (p *partitions) last() (number int, given uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.list[len(p.list)-1].number, p.sequence.given
}

// newest is the partition that knows how far sequences went: it stays until there is a newer one.
func (p *partitions) newest() *partition {
	return slices.MaxFunc(p.list, func(a, b *partition) int {
		return cmp.Or(cmp.Compare(a.lastSeq, b.lastSeq), cmp.Compare(a.number, b.number))
	})
}

// held is a partition in use by a reader, with its sums as they were then. Rows of batches after lastSeq are not the
// reader's: they may belong to a tenant that the sums don't know.
type held struct {
	name string
	sums
	partition *partition
}

// hold returns the partitions that pass keep, oldest first; release gives them back.
func (p *partitions) hold(keep func(*sums) bool) []held {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []held
	for _, one := range p.list {
		if keep(&one.sums) {
			one.refs++
			all = append(all, held{one.name, one.sums, one})
		}
	}
	return all
}

func (p *partitions) release(all []held) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, h := range all {
		one := h.partition
		if one.refs--; one.refs == 0 && one.dropped {
			p.idle = append(p.idle, one)
		}
	}
}

// drop takes the partitions off the list that expired tells, but for those that a lane writes to and the newest.
func (p *partitions) drop(expired func(*partition) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	newest := p.newest()
	p.list = slices.DeleteFunc(p.list, func(one *partition) bool {
		if one.busy || one == newest || !expired(one) {
			return false
		}
		one.dropped = true
		if one.refs == 0 {
			p.idle = append(p.idle, one)
		}
		return true
	})
}

// allGo tells whether expired says so of every partition.
func (p *partitions) allGo(expired func(*partition) bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !slices.ContainsFunc(p.list, func(one *partition) bool { return !expired(one) })
}

// takeIdle returns the dropped partitions that nobody uses any more.
func (p *partitions) takeIdle() []*partition {
	p.mu.Lock()
	defer p.mu.Unlock()
	idle := p.idle
	p.idle = nil
	return idle
}

// putIdle returns one that could not be deleted.
func (p *partitions) putIdle(one *partition) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, one)
}

// bytes is the size of all of them on disk.
func (p *partitions) bytes() (total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, one := range p.list {
		total += one.bytes()
	}
	return total
}

// snapshot copies the sums of all partitions.
func (p *partitions) snapshot() []sums {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]sums, len(p.list))
	for i, one := range p.list {
		all[i] = one.sums
	}
	return all
}
