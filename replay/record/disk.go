package record

import (
	"encoding/json"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/instantdevlogs/devlogs/replay/recording"
)

// disk writes exchanges in order of arrival.
type disk struct {
	config  *Config
	budget  *atomic.Int64
	writer  *recording.Writer
	decoder *decoder
	clock   *clock
	stopped chan struct{}

	mu      sync.Mutex
	wake    chan struct{}
	waiting []*exchange     // in order of arrival; those in front may still be on their way
	behind  []*exchange     // answered after the others stopped waiting for them
	gaps    []recording.Gap // one for each reason, until something is written again
	closing bool
	stats   Stats
	scrub   func() json.RawMessage // asked when all is written; nil: nothing was scrubbed
	failing error                  // why the last write failed, nil when it did not
}

// Stats of a tap.
type Stats struct {
	Requests, Records int64 // recorded
	Missed            int64 // requests that passed and were not recorded
	Waiting           int   // exchanges in memory
}

// patience is how long the order of arrival waits for an answer.
const patience = 10 * time.Second

func openDisk(config *Config, budget *atomic.Int64) (*disk, error) {
	w, err := recording.Create(config.Dir, config.Writer)
	if err != nil {
		return nil, err
	}
	decoder, err := newDecoder(max(config.MaxBody, 1<<20))
	if err != nil {
		return nil, err
	}
	clocks := config.clocks
	if clocks == nil {
		clocks = systemClocks()
	}
	d := &disk{
		config: config, budget: budget, writer: w, decoder: decoder, clock: newClock(clocks),
		wake: make(chan struct{}, 1), stopped: make(chan struct{}),
	}
	go d.run()
	return d, nil
}

// begin notes the arrival of a request. stamp is when the kernel had it, by the wall clock; 0: not known.
func (d *disk) begin(k kind, stamp int64) *exchange {
	x := &exchange{kind: k}
	x.entry.RecvNS = d.clock.fromWall(stamp)
	d.mu.Lock()
	defer d.mu.Unlock()
	at := len(d.waiting)
	for at > 0 && d.waiting[at-1].entry.RecvNS > x.entry.RecvNS { // who came first need not be the first to get here
		at--
	}
	d.waiting = slices.Insert(d.waiting, at, x)
	return x
}

// finish hands an exchange over. It never waits for the disk.
func (d *disk) finish(x *exchange) {
	d.mu.Lock()
	x.done = true
	if x.late {
		d.behind = append(d.behind, x)
	}
	d.mu.Unlock()
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

func (d *disk) close() error {
	d.mu.Lock()
	d.closing = true
	d.mu.Unlock()
	select {
	case d.wake <- struct{}{}:
	default:
	}
	<-d.stopped
	d.decoder.close()
	if d.scrub != nil {
		d.writer.SetScrub(d.scrub())
	}
	return d.writer.Close()
}

func (d *disk) run() {
	defer close(d.stopped)
	flush := time.NewTicker(d.config.Flush)
	defer flush.Stop()
	for {
		ready, closing := d.take()
		for _, x := range ready {
			d.write(x)
		}
		if closing && len(ready) == 0 {
			d.writeGaps()
			d.writeJumps()
			return
		}
		if closing {
			continue
		}
		select {
		case <-d.wake:
		case <-flush.C:
			d.clock.now() // it may have been set while nothing came
			d.writeJumps()
			d.outcome(d.writer.Flush())
		}
	}
}

// writeGaps writes down what was missed. It waits for a request that is written: until then the gap goes on.
func (d *disk) writeGaps() {
	d.mu.Lock()
	gaps := d.gaps
	d.gaps = nil
	d.mu.Unlock()
	for _, gap := range gaps {
		d.outcome(d.writer.Gap(gap))
	}
}

func (d *disk) writeJumps() {
	for _, jump := range d.clock.takeJumps() {
		d.writer.Jump(jump)
	}
}

// take removes what can be written: answered exchanges that no earlier one holds up.
func (d *disk) take() (ready []*exchange, closing bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	ready, d.behind = d.behind, nil
	oldest := d.clock.now() - int64(patience)
	n := 0
	for ; n < len(d.waiting); n++ {
		x := d.waiting[n]
		if x.done {
			ready = append(ready, x)
			continue
		}
		if x.entry.RecvNS > oldest {
			break
		}
		x.late = true
	}
	d.waiting = append(d.waiting[:0], d.waiting[n:]...)
	return ready, d.closing
}

// write decodes an exchange and adds it to the recording, or to the gap.
func (d *disk) write(x *exchange) {
	defer x.answer.release()
	defer x.request.release()
	x.entry.WireBytes = x.request.size
	if x.request.full {
		reason := "the disk could not keep up"
		if x.request.size > d.config.MaxBody {
			reason = "a request was larger than --max-body"
		}
		d.miss(x, reason)
		return
	}
	if !x.request.whole && !d.decoder.ends(x) {
		d.miss(x, "the upstream, or the client, ended a request before it was whole")
		return
	}
	m, err := d.decoder.message(x)
	if err != nil {
		d.miss(x, err.Error())
		return
	}
	if d.config.Transform != nil {
		if err := d.config.Transform(m); err != nil {
			d.miss(x, "scrubbing failed: "+err.Error())
			return
		}
	}
	err = d.writer.Write(m)
	if d.outcome(err); err != nil {
		d.miss(x, recording.WhyNotWritten(err))
		return
	}
	d.writeGaps()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stats.Requests++
	d.stats.Records += int64(m.Records)
}

func (d *disk) miss(x *exchange, reason string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stats.Missed++
	at := slices.IndexFunc(d.gaps, func(g recording.Gap) bool { return g.Reason == reason })
	if at < 0 {
		at = len(d.gaps)
		d.gaps = append(d.gaps, recording.Gap{Reason: reason})
	}
	d.gaps[at].Add(x.entry.RecvNS, x.request.size)
}

// outcome notes how a write went.
func (d *disk) outcome(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failing = err
}

// Stats says how the recording goes. Err is why nothing is recorded at the moment; traffic passes all the same, and what
// comes is recorded again as soon as it can be.
func (t *Tap) Stats() (Stats, error) {
	t.disk.mu.Lock()
	defer t.disk.mu.Unlock()
	s := t.disk.stats
	s.Waiting = len(t.disk.waiting) + len(t.disk.behind)
	return s, t.disk.failing
}
